public import Basics

/// A volume in an OME-Zarr store of version 0.4 or earlier, or in a plain zarr array of version 2.
///
/// Arrays have two to five axes; axes beside z, y and x (time, channel) must have one entry. The names of the axes in
/// `.zattrs` decide which is which, and the volume is presented as `[z][y][x]`. Elements are integers of 8 to 64 bits,
/// float16, float32, float64, or booleans, which are read as `uint8`; in either byte order, and in C or Fortran
/// order. Chunks are raw or compressed by zlib or gzip; a chunk that was never written holds the fill value.
///
/// Sources: the zarr storage specification, version 2; the OME-Zarr specification, version 0.4.
public struct ZarrVolume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape

    private let store: ZarrStore
    private let array: ZarrArray
    private let axes: ZarrAxes
    private let cache: ZarrChunkCache

    /// The most bytes of decoded chunks that a volume keeps.
    private static let cacheLimit = 256 << 20

    /// Opens a volume; no voxel is read.
    ///
    /// - Parameters:
    ///   - path: the folder of the store, or of a group or array inside one.
    ///   - array: an array or image inside the folder; nil for the highest resolution of the image that the folder is, or the
    ///     array that it is.
    /// - Throws: ``VolumeError``: `.unsupported` for zarr version 3 and for codecs, filters and types that are not read,
    ///   each with what to do; `.malformed` where the metadata contradict themselves; `.unreadable` where a name leads
    ///   out of the store; `.tooLarge` for chunks of more than 512 MiB.
    public init(path: String, array name: String?) throws(VolumeError) {
        let store = try ZarrStore(path: path)
        let key = try Self.arrayKey(try store.key(named: name ?? ""), in: store)
        let array = try ZarrArray(key: key, in: store)
        let arrayPath = store.path(of: key)
        let level = try Self.level(of: key, in: store)
        let axes = try ZarrAxes(names: level?.image.axes?.map(\.name), shape: array.shape, path: arrayPath)

        let (z, y, x) = axes.ordered(array.shape)
        let (chunkZ, chunkY, chunkX) = axes.ordered(array.chunkShape)
        guard let shape = VolumeShape(z: z, y: y, x: x),
            let chunkShape = VolumeShape(z: min(chunkZ, z), y: min(chunkY, y), x: min(chunkX, x))
        else {
            throw VolumeError(.tooLarge, "declares \(x) × \(y) × \(z) voxels; check .zarray", path: arrayPath)
        }
        var header = VolumeHeader(path: path, format: level == nil ? "Zarr" : "OME-Zarr")
        header.notes = [axes.note].compactMap(\.self)
        if let level {
            let (voxelSize, notes) = VoxelSize.read(
                from: level.image, dataset: level.dataset, axes: axes, axisCount: array.shape.count)
            header.voxelSize = voxelSize
            header.notes += notes
            header.labels = [level.image.name].compactMap(\.self).filter { !$0.isEmpty && $0 != "/" }
        }
        self.shape = shape
        self.scalarType = array.dataType.scalarType
        self.header = header
        self.chunkShape = chunkShape
        self.store = store
        self.array = array
        self.axes = axes
        self.cache = ZarrChunkCache(limit: Self.cacheLimit)
    }

    /// Reads the voxels of a box into memory, `[z][y][x]`, little-endian values of `scalarType`.
    ///
    /// Chunks are decoded one after another and kept, up to 256 MiB, for the reads that follow: volumes are best read
    /// in boxes as deep as a chunk, or slice after slice.
    ///
    /// - Throws: ``VolumeError`` where the box does not lie in the volume, or a chunk cannot be read or is damaged.
    /// - Complexity: decodes every chunk that the box touches, unless it is kept. Memory is that of the chunks kept and
    ///   of one chunk, encoded and decoded.
    public func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        guard box.isInside(shape), destination.count == box.shape.count * scalarType.size else {
            throw .outOfBounds("a box of \(box.shape) voxels for \(destination.count) bytes", shape: shape, path: header.path)
        }
        for z in box.z.lowerBound / chunkShape.z...(box.z.upperBound - 1) / chunkShape.z {
            for y in box.y.lowerBound / chunkShape.y...(box.y.upperBound - 1) / chunkShape.y {
                for x in box.x.lowerBound / chunkShape.x...(box.x.upperBound - 1) / chunkShape.x {
                    let place = ZarrChunkCache.Place(z: z, y: y, x: x)
                    copy(try chunk(at: place), at: place, to: box, in: destination)
                }
            }
        }
    }

    /// The decoded chunk, or nil if it was never written.
    private func chunk(at place: ZarrChunkCache.Place) throws(VolumeError) -> ZarrChunk? {
        if let chunk = cache.chunk(at: place) { return chunk }
        var grid = array.shape.map { _ in 0 }
        if let z = axes.z { grid[z] = place.z }
        grid[axes.y] = place.y
        grid[axes.x] = place.x
        let key = array.chunkKey(grid)
        let count = array.chunkCount * scalarType.size
        guard let encoded = try store.contents(of: key, limit: array.codec.encodedLimit(count: count)) else { return nil }
        let decoded = try array.codec.decode(encoded, count: count, path: store.path(of: key))

        let extent = { (place: Int, chunk: Int, all: Int) in min(chunk, all - place * chunk) }
        guard
            let inside = VolumeShape(
                z: extent(place.z, chunkShape.z, shape.z), y: extent(place.y, chunkShape.y, shape.y),
                x: extent(place.x, chunkShape.x, shape.x))
        else { return nil }
        let strides = (
            z: axes.z.map { array.strides[$0] } ?? inside.sliceCount, y: array.strides[axes.y], x: array.strides[axes.x]
        )
        let chunk = ZarrChunk(decoded: decoded, shape: inside, strides: strides, dataType: array.dataType)
        cache.keep(chunk, at: place)
        return chunk
    }

    /// Copies what a chunk and a box have in common; without a chunk, writes the fill value there.
    private func copy(
        _ chunk: ZarrChunk?, at place: ZarrChunkCache.Place, to box: Box, in destination: UnsafeMutableRawBufferPointer
    ) {
        let size = scalarType.size
        let (originZ, originY, originX) = (place.z * chunkShape.z, place.y * chunkShape.y, place.x * chunkShape.x)
        let isUniform = array.fill.allSatisfy { $0 == array.fill.first }
        let x = box.x.clamped(to: originX..<originX + chunkShape.x)
        for z in box.z.clamped(to: originZ..<originZ + chunkShape.z) {
            for y in box.y.clamped(to: originY..<originY + chunkShape.y) {
                let target =
                    ((z - box.z.lowerBound) * box.shape.y + y - box.y.lowerBound) * box.shape.x + x.lowerBound - box.x.lowerBound
                let row = UnsafeMutableRawBufferPointer(rebasing: destination[target * size..<(target + x.count) * size])
                if let chunk {
                    let source = ((z - originZ) * chunk.shape.y + y - originY) * chunk.shape.x + x.lowerBound - originX
                    chunk.bytes.withUnsafeBytes {
                        row.copyMemory(from: .init(rebasing: $0[source * size..<(source + x.count) * size]))
                    }
                } else if isUniform {
                    row.initializeMemory(as: UInt8.self, repeating: array.fill[0])
                } else {
                    for voxel in 0..<x.count { for byte in 0..<size { row[voxel * size + byte] = array.fill[byte] } }
                }
            }
        }
    }
}
