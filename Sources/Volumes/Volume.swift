public import Basics
import Glibc

/// A volume in a file. Shape, type and header are in memory; voxels stay in the file until a box of them is read.
///
/// ``VolumeLocation/open()`` opens volumes. Several threads may read a volume at once.
public protocol Volume: Sendable {
    /// The number of voxels along each axis, `[z][y][x]` whatever the axis order of the file.
    var shape: VolumeShape { get }

    /// The type of a voxel after decoding.
    var scalarType: ScalarType { get }

    /// The rest of the header: voxel size, labels, notes.
    var header: VolumeHeader { get }

    /// The shape `[z][y][x]` of the smallest box that can be read without reading or decoding other voxels: one row for
    /// plain files, one chunk, strip or tile for others.
    var chunkShape: VolumeShape { get }

    /// Reads the voxels of a box into memory, `[z][y][x]`, little-endian values of `scalarType`.
    ///
    /// - Parameters:
    ///   - box: a box inside the volume.
    ///   - destination: exactly `box.shape.count * scalarType.size` bytes.
    /// - Throws: ``VolumeError`` where the box does not lie in the volume, or the file cannot be read or ends early.
    /// - Complexity: reads or decodes every chunk that the box touches. Memory beside the destination is at most that of the
    ///   chunks of one row of chunks.
    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError)

    /// How many of the volume's chunks are stored, for formats in which a chunk may be absent; nil for all others.
    ///
    /// - Throws: ``VolumeError`` where a folder cannot be listed.
    /// - Complexity: lists the folders of the chunks; no chunk is read.
    func storedChunks() throws(VolumeError) -> StoredChunks?
}

/// How many chunks of a volume are stored. Absent ones are read as the fill value: some programs leave out what has no other
/// value, and an interrupted copy looks the same.
public struct StoredChunks: Hashable, Sendable {
    public let stored: Int
    public let total: Int

    public init(stored: Int, total: Int) { (self.stored, self.total) = (stored, total) }

    public var isComplete: Bool { stored == total }
}

extension Volume {
    public func storedChunks() throws(VolumeError) -> StoredChunks? { nil }

    /// The value of all voxels of a small volume, where they have only one: what a program leaves at the final path before it has
    /// a result. Nil for volumes of more than 64³ voxels, which are not read, and for all that have two values.
    ///
    /// - Throws: ``VolumeError`` where the voxels cannot be read.
    /// - Complexity: reads at most 64³ voxels.
    public func constantValue() throws(VolumeError) -> Double? {
        guard shape.count <= 64 * 64 * 64 else { return nil }
        let values = try read(shape.box).doubles()
        guard let first = values.first else { return nil }
        return values.allSatisfy { $0 == first || ($0.isNaN && first.isNaN) } ? first : nil
    }
}

extension Volume {
    /// Reads the voxels of a box, `[z][y][x]`.
    ///
    /// - Throws: ``VolumeError``: `.tooLarge` where the box exceeds the memory of this machine; `.outOfBounds` where it does
    ///   not lie in the volume; others where the file cannot be read or ends early.
    /// - Complexity: allocates the bytes of the box; see ``read(_:into:)``.
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

    /// Reads one slice, as `[1][y][x]`.
    ///
    /// - Throws: ``VolumeError``, `.outOfBounds` where there is no such slice; others as ``read(_:)`` does.
    public func readSlice(z: Int) throws(VolumeError) -> VoxelBuffer {
        guard (0..<shape.z).contains(z), let box = shape.slices(z..<z + 1) else {
            throw .outOfBounds("slice \(z)", shape: shape, path: header.path)
        }
        return try read(box)
    }
}

extension Box {
    /// Checks that the box lies in the volume and that the destination has its size: what every reader does first in
    /// ``Volume/read(_:into:)``.
    ///
    /// - Throws: ``VolumeError``, `.outOfBounds`.
    func check(
        inside shape: VolumeShape, destination: UnsafeMutableRawBufferPointer, scalarType: ScalarType, path: String
    ) throws(VolumeError) {
        guard isInside(shape) else {
            throw .outOfBounds("the box x \(x), y \(y), z \(z)", shape: shape, path: path)
        }
        guard destination.count == self.shape.count * scalarType.size else {
            throw VolumeError(
                .outOfBounds,
                "a box of \(self.shape) voxels of \(scalarType) does not fit a destination of \(destination.count) bytes; "
                    + "give one of \(self.shape.count * scalarType.size)",
                path: path)
        }
    }
}

/// The header of a volume, without its shape and type.
public struct VolumeHeader: Sendable, Hashable {
    /// The path of the file or folder, as it was given.
    public var path: String
    /// The name of the format: `MRC`, `MRC (gzip)`, `TIFF`, `BigTIFF`, `HDF5`, `Zarr`, `OME-Zarr`.
    public var format: String
    /// The voxel size; nil where the header gives no plausible one.
    public var voxelSize: VoxelSize?
    /// The text labels of the header, without padding.
    public var labels: [String]
    /// What was odd in the header and how it was understood, one sentence each, for people.
    public var notes: [String]

    public init(path: String, format: String, voxelSize: VoxelSize? = nil, labels: [String] = [], notes: [String] = []) {
        self.path = path
        self.format = format
        self.voxelSize = voxelSize
        self.labels = labels
        self.notes = notes
    }
}
