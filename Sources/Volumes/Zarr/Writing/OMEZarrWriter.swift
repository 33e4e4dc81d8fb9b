public import Basics

/// Writes volumes as OME-Zarr images of version 0.4 (zarr version 2), as the CryoET Data Portal stores them: napari, neuroglancer and
/// copick open them.
///
/// Three resolutions `0`, `1` and `2`, each with half as many voxels along each axis as the one before, rounded up; chunks of 256
/// voxels along y and x, and of 256 or fewer along z, so that a layer of chunks has 256 MiB at most; every chunk is stored, also one that
/// has only zeros. Voxels are compressed by blosc (lz4) where its library is installed, and else by zlib.
///
/// Source: the OME-Zarr specification, version 0.4; the zarr storage specification, version 2.
public enum OMEZarrWriter {
    /// How a resolution follows from the one above it: blocks of 2 × 2 × 2 voxels become one.
    public enum Reduction: Sendable {
        /// Their mean: for densities and probabilities. At the far edges, of those that are there; of integers, the nearest integer.
        case mean
        /// The first of them: for labels, which have no mean.
        case first
    }

    /// The most bytes of a layer of chunks.
    private static let layerByteLimit = 256 << 20

    /// Writes a volume to a folder, which appears complete or not at all.
    ///
    /// Integers are stored in their own type. Float16 and float64 become float32, which every program reads.
    ///
    /// - Parameters:
    ///   - volume: the volume.
    ///   - output: the folder that appears.
    ///   - name: of the image, for people.
    ///   - voxelSize: nil where it is not known: scales are then counts of voxels, without a unit.
    ///   - reduction: how resolutions are made; ``Reduction/first`` also says that the voxels are labels.
    ///   - remarks: lines about where the voxels come from, which are kept in the metadata.
    ///   - chunkLength: the most voxels of a chunk along each axis; an odd number counts as the next one.
    ///   - layerLimit: the most bytes of a layer of chunks; nil for 256 MiB. A layer has two slices at least.
    ///   - progress: called after each layer of chunks with the fraction that is done, up to 1. If it throws, nothing is written.
    /// - Throws: ``VolumeError`` where the volume cannot be read, or the folder not be written.
    /// - Complexity: reads every voxel once, chunk by chunk. Memory: a third of a layer of chunks, and four chunks; where the volume can
    ///   only be read in whole slices (gzip, artifacts), the layer, too.
    public static func write(
        _ volume: any Volume, to output: OutputFolder, name: String, voxelSize: VoxelSize?, reduction: Reduction,
        remarks: [String] = [], chunkLength: Int = 256, layerLimit: Int? = nil,
        progress: (Double) throws(VolumeError) -> Void = { _ in }
    ) throws(VolumeError) {
        let image = NewImage(
            name: name, remarks: remarks, voxelSize: voxelSize, areLabels: reduction == .first, shape: volume.shape,
            chunkLength: chunkLength, layerLimit: (layerLimit ?? layerByteLimit) / volume.scalarType.size)
        func write<Value: PyramidVoxel>(_: Value.Type) throws(VolumeError) {
            let writer = try PyramidWriter<Value>(volume, image: image, reduction: reduction, output: output)
            try writer.write(progress: progress)
        }
        switch volume.scalarType {
        case .uint8: try write(UInt8.self)
        case .int8: try write(Int8.self)
        case .uint16: try write(UInt16.self)
        case .int16: try write(Int16.self)
        case .uint32: try write(UInt32.self)
        case .int32: try write(Int32.self)
        case .uint64: try write(UInt64.self)
        case .int64: try write(Int64.self)
        case .float16, .float32, .float64: try write(Float.self)
        }
    }
}
