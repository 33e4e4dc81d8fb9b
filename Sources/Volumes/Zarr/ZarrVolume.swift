public import Basics

/// A volume in an OME-Zarr store of version 0.5 or earlier, or in a plain zarr array of version 2 or 3.
///
/// Arrays have two to five axes; axes other than z, y and x (time, channel) must have one entry. The names of the axes in the
/// metadata decide which is which; the volume is `[z][y][x]` whatever their order. Elements are integers of 8 to 64 bits,
/// float16, float32, float64, or booleans (read as `uint8`), in either byte order, in any order of axes. Chunks are raw or
/// compressed by blosc, zstd, lz4, gzip or zlib, shuffled or not, with checksums or without, each in a file or several in a
/// shard. Voxels of a chunk that was never written have the fill value.
///
/// Sources: the zarr storage specification, version 2, and core specification, version 3; the OME-Zarr specification,
/// versions 0.4 and 0.5.
public struct ZarrVolume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape

    private let store: ZarrStore
    private let array: ZarrArray
    private let axes: ZarrAxes
    private let cache: ZarrChunkCache
    private let shards = ZarrShards()

    /// How many chunks of the array this process has decoded, for measurements.
    public var decodedChunkCount: Int { cache.decodedChunkCount }

    /// Opens a volume; no voxel is read.
    ///
    /// - Parameters:
    ///   - path: the folder of the store, or of a group or array inside one.
    ///   - array: an array or image inside the folder. Nil for the folder itself: if it is an image, its highest resolution.
    /// - Throws: ``VolumeError``: `.unsupported` for codecs and types that are not read, and where a library that decodes them
    ///   is not installed, each with advice; `.malformed` where the metadata contradict themselves or there is no array;
    ///   `.unreadable` where a name leads out of the store or does not exist; `.tooLarge` for chunks of more than 512 MiB.
    public init(path: String, array name: String?) throws(VolumeError) {
        let store = try ZarrStore(path: path)
        let key = try store.arrayKey(try store.key(named: name ?? ""))
        let array = try ZarrArray(key: key, in: store)
        let arrayPath = store.path(of: key)
        let level = try store.level(of: key)
        let names = level.map { $0.image.arrayAxes?.map(\.name) } ?? array.dimensionNames
        let axes = try ZarrAxes(names: names, shape: array.shape, path: arrayPath)

        let (z, y, x) = axes.ordered(array.shape)
        let (chunkZ, chunkY, chunkX) = axes.ordered(array.chunkShape)
        guard let shape = VolumeShape(z: z, y: y, x: x),
            let chunkShape = VolumeShape(z: min(chunkZ, z), y: min(chunkY, y), x: min(chunkX, x))
        else {
            throw VolumeError(.tooLarge, "declares \(x) × \(y) × \(z) voxels; check the metadata", path: arrayPath)
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
        self.cache = ZarrChunkCaches.cache(
            for: try array.identity(in: store), chunkBytes: chunkShape.count * array.dataType.scalarType.size)
    }

    /// Reads the voxels of a box into memory, `[z][y][x]`, little-endian values of `scalarType`.
    ///
    /// One pass over the volume in any order of slices or blocks decodes each chunk once: see ``ZarrChunkCache``.
    ///
    /// - Throws: ``VolumeError`` where the box does not lie in the volume, or a chunk cannot be read or is damaged.
    /// - Complexity: decodes, one after another, every chunk that the box touches and that is not kept. Memory is that of one
    ///   chunk, encoded and decoded, and up to 128 MiB of chunks that are kept for each of the four arrays that this process read
    ///   last; up to 4 GiB for each are kept in the folder for temporary files.
    public func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        try box.check(inside: shape, destination: destination, scalarType: scalarType, path: header.path)
        // Whole layers are read in order, each chunk once: nothing needs to be kept.
        let isLayer = box.shape.z >= chunkShape.z && box.shape.y == shape.y && box.shape.x == shape.x
        for z in box.z.lowerBound / chunkShape.z...(box.z.upperBound - 1) / chunkShape.z {
            for y in box.y.lowerBound / chunkShape.y...(box.y.upperBound - 1) / chunkShape.y {
                for x in box.x.lowerBound / chunkShape.x...(box.x.upperBound - 1) / chunkShape.x {
                    let place = ZarrChunkCache.Place(z: z, y: y, x: x)
                    try copy(chunk(at: place, isKept: !isLayer), at: place, to: box, in: destination)
                }
            }
        }
    }

    /// How many of the array's files are there: chunks, or, where the array is sharded, shards.
    ///
    /// - Throws: ``VolumeError`` where a folder cannot be listed, or leads out of the store.
    /// - Complexity: lists the folders of the chunks; no chunk is read. A shard that lacks chunks counts as one that is there.
    public func storedChunks() throws(VolumeError) -> StoredChunks? { try array.files.stored(in: store) }

    /// The chunk at a place in the grid; nil if it was never written.
    ///
    /// - Parameter isKept: whether it is kept for later reads, if it has to be decoded.
    private func chunk(at place: ZarrChunkCache.Place, isKept: Bool) throws(VolumeError) -> KeptChunk? {
        var grid = array.shape.map { _ in 0 }
        if let z = axes.z { grid[z] = place.z }
        grid[axes.y] = place.y
        grid[axes.x] = place.x
        guard let version = try array.version(ofChunk: grid, in: store, shards: shards) else { return nil }
        return try cache.chunk(at: place, version: version, isKept: isKept) { () throws(VolumeError) in
            try decodedChunk(at: place, grid: grid)
        }
    }

    private func decodedChunk(at place: ZarrChunkCache.Place, grid: [Int]) throws(VolumeError) -> ZarrChunk? {
        guard let decoded = try array.decodedChunk(at: grid, in: store, shards: shards) else { return nil }
        let extent = { (place: Int, chunk: Int, all: Int) in min(chunk, all - place * chunk) }
        guard
            let inside = VolumeShape(
                z: extent(place.z, chunkShape.z, shape.z), y: extent(place.y, chunkShape.y, shape.y),
                x: extent(place.x, chunkShape.x, shape.x))
        else { return nil }
        let strides = (
            z: axes.z.map { array.strides[$0] } ?? inside.voxelsPerSlice, y: array.strides[axes.y], x: array.strides[axes.x]
        )
        return ZarrChunk(decoded: decoded, shape: inside, strides: strides, dataType: array.dataType)
    }

    /// Copies the intersection of a chunk and a box into the destination; writes the fill value there if there is no chunk.
    private func copy(
        _ chunk: KeptChunk?, at place: ZarrChunkCache.Place, to box: Box, in destination: UnsafeMutableRawBufferPointer
    ) throws(VolumeError) {
        let size = scalarType.size
        let (originZ, originY, originX) = (place.z * chunkShape.z, place.y * chunkShape.y, place.x * chunkShape.x)
        let x = box.x.clamped(to: originX..<originX + chunkShape.x)
        let y = box.y.clamped(to: originY..<originY + chunkShape.y)
        func row(_ z: Int, _ y: Int) -> UnsafeMutableRawBufferPointer {
            let start =
                ((z - box.z.lowerBound) * box.shape.y + y - box.y.lowerBound) * box.shape.x + x.lowerBound - box.x.lowerBound
            return UnsafeMutableRawBufferPointer(rebasing: destination[start * size..<(start + x.count) * size])
        }
        for z in box.z.clamped(to: originZ..<originZ + chunkShape.z) {
            guard let chunk else {
                for y in y { array.fill(row(z, y)) }
                continue
            }
            let rows = y.lowerBound - originY..<y.upperBound - originY
            let isRead = chunk.withRows(rows, ofSlice: z - originZ, voxelSize: size) { bytes in
                for y in y {
                    let start = ((y - originY - rows.lowerBound) * chunk.shape.x + x.lowerBound - originX) * size
                    row(z, y).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + x.count * size]))
                }
            }
            guard isRead else {
                throw VolumeError(
                    .unreadable,
                    "cannot be read again from the folder for temporary files, \(ScratchFile.folder); "
                        + "set TMPDIR to a folder on another disk",
                    path: header.path)
            }
        }
    }
}
