public import Basics
import Glibc

/// A volume in a file: its shape and type are known, its voxels stay where they are until a box of them is read.
///
/// Volumes are opened by ``VolumeLocation/open()``. A volume may be read from several threads at once.
public protocol Volume: Sendable {
    /// The number of voxels along each axis, after the format's axis order was undone: `[z][y][x]`.
    var shape: VolumeShape { get }

    /// The type of a voxel after decoding.
    var scalarType: ScalarType { get }

    /// What the header says beside shape and type.
    var header: VolumeHeader { get }

    /// The shape of the smallest box that storage can give without reading more than it was asked for: one row
    /// block for plain files, one chunk for chunked ones.
    var chunkShape: VolumeShape { get }

    /// Reads the voxels of a box into memory, `[z][y][x]`, little-endian values of `scalarType`.
    ///
    /// - Parameters:
    ///   - box: a box inside the volume.
    ///   - destination: exactly `box.shape.count * scalarType.size` bytes.
    /// - Throws: ``VolumeError`` where the box does not lie in the volume, the file cannot be read, or ends early.
    /// - Complexity: memory is the destination plus at most the chunks that one row of chunks holds.
    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError)
}

extension Volume {
    /// Reads the voxels of a box.
    ///
    /// - Throws: ``VolumeError`` where the box does not lie in the volume or not into the memory of this machine, the
    ///   file cannot be read, or ends early.
    public func read(_ box: Box) throws(VolumeError) -> VoxelBuffer {
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        guard box.shape.count <= memory / scalarType.size else {
            throw VolumeError(
                .tooLarge, "a box of \(box.shape) \(scalarType) voxels exceeds the memory of this machine; read it in parts",
                path: header.path)
        }
        return try VoxelBuffer(shape: box.shape, scalarType: scalarType) { (bytes) throws(VolumeError) in
            try read(box, into: bytes)
        }
    }

    /// Reads one slice.
    ///
    /// - Throws: ``VolumeError``, also where there is no such slice.
    public func readSlice(z: Int) throws(VolumeError) -> VoxelBuffer {
        guard (0..<shape.z).contains(z), let box = shape.slices(z..<z + 1) else {
            throw .outOfBounds("slice \(z)", shape: shape, path: header.path)
        }
        return try read(box)
    }
}
