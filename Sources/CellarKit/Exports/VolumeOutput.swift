import Foundation
public import Volumes

/// Where a volume is written: an MRC file, or the folder of an OME-Zarr image.
public enum VolumeOutput: Sendable {
    /// An MRC file.
    case mrc(OutputFile)
    /// The folder of an OME-Zarr image, version 0.4.
    case zarr(OutputFolder)
}

extension OutputFiles {
    /// A volume that is written: OME-Zarr where the name ends with `.zarr`, and else MRC.
    ///
    /// - Throws: `VolumeError` as ``file(_:)`` and ``folder(_:)`` do.
    public func volume(_ path: String) throws -> VolumeOutput {
        URL(fileURLWithPath: path).pathExtension.lowercased() == "zarr" ? .zarr(try folder(path)) : .mrc(try file(path))
    }
}

extension VolumeOutput {
    /// The bytes of whole slices that are read at a time for an MRC file.
    private static let blockByteCount = 32 << 20
    /// The bytes where that lets the chunks of the source be read only once.
    private static let chunkByteCount = 96 << 20

    /// Writes a volume.
    ///
    /// - Parameters:
    ///   - label: what the voxels are: `labels by segment of TS_0008`.
    ///   - lines: further lines for the header.
    ///   - reduction: how lower resolutions of an image are made.
    /// - Throws: `VolumeError` where the volume cannot be read or written.
    /// - Complexity: reads the volume once. For MRC the memory is that of some slices, for OME-Zarr see ``OMEZarrWriter``.
    func write(
        _ volume: any Volume, label: String, lines: [String], voxelSize: VoxelSize?, reduction: OMEZarrWriter.Reduction
    ) throws(VolumeError) {
        switch self {
        case .zarr(let folder):
            try OMEZarrWriter.write(volume, to: folder, name: label, voxelSize: voxelSize, reduction: reduction, remarks: lines)
        case .mrc(let file):
            let (shape, type) = (volume.shape, volume.scalarType)
            let writer = try MRCWriter(
                file, shape: shape, scalarType: type, voxelSize: voxelSize, labels: ["Cellar: \(label)"] + lines)
            let boxes = shape.streamingBoxes(
                voxelLimit: max(shape.voxelsPerSlice, Self.blockByteCount / type.size), chunkShape: volume.chunkShape,
                chunkLimit: Self.chunkByteCount / type.size)
            for box in boxes { try writer.append(volume.read(box)) }
            try writer.finish()
        }
    }
}
