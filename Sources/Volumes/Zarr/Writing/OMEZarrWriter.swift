public import Basics

/// Writes volumes as OME-Zarr images of version 0.4 (zarr version 2).
public enum OMEZarrWriter {
    /// How a resolution follows from the one above it: blocks of 2 × 2 × 2 voxels become one.
    public enum Reduction: Sendable {
        /// Their mean: for densities and probabilities.
        case mean
        /// The first of them: for labels, which have no mean.
        case first
    }

    /// Writes a volume to a folder, which appears complete or not at all.
    ///
    /// - Throws: ``VolumeError`` where it cannot be read or written.
    public static func write(
        _ volume: any Volume, to output: OutputFolder, name: String, voxelSize: VoxelSize?, reduction: Reduction
    ) throws(VolumeError) {
        throw VolumeError(.unsupported, "cannot be written yet", path: output.path)
    }
}

/// A path that a folder may be written to: nothing is there, or the folder there may be replaced and is not protected.
public struct OutputFolder: Hashable, Sendable {
    /// The path as it was given.
    public let path: String

    /// Checks the path, as ``OutputFile`` does.
    ///
    /// - Throws: ``VolumeError``: `.unwritable`, `.alreadyExists`.
    public init(_ path: String, replacing: Bool, protecting protected: ProtectedFiles) throws(VolumeError) {
        self.path = path
    }
}
