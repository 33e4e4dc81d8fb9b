public import Basics

/// A volume in an OME-Zarr store of version 0.4 or earlier, or in a plain zarr array of version 2.
///
/// Arrays have two to five axes; axes other than z, y and x (time, channel) must have one entry. The names of the axes in
/// `.zattrs` decide which is which; the volume is `[z][y][x]` whatever their order. Elements are integers of 8 to 64 bits,
/// float16, float32, float64, or booleans (read as `uint8`), in either byte order, in C or Fortran order. Chunks are raw or
/// compressed by zlib or gzip. Voxels of a chunk that was never written have the fill value.
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

    /// How many chunks of the array this process has decoded, for measurements.
    public var decodedChunkCount: Int { cache.decodedChunkCount }

    /// Opens a volume; no voxel is read.
    ///
    /// - Parameters:
    ///   - path: the folder of the store, or of a group or array inside one.
    ///   - array: an array or image inside the folder. Nil for the folder itself: if it is an image, its highest resolution.
    /// - Throws: ``VolumeError``: `.unsupported` for zarr version 3 and for codecs, filters and types that are not read,
    ///   each with advice; `.malformed` where the metadata contradict themselves; `.unreadable` where a name leads
    ///   out of the store or does not exist; `.tooLarge` for chunks of more than 512 MiB.
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
        self.cache = ZarrChunkCaches.cache(
            for: try store.identity(ofArray: array), chunkBytes: chunkShape.count * array.dataType.scalarType.size)
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

    /// The chunk at a place in the grid; nil if it was never written.
    ///
    /// - Parameter isKept: whether it is kept for later reads, if it has to be decoded.
    private func chunk(at place: ZarrChunkCache.Place, isKept: Bool) throws(VolumeError) -> KeptChunk? {
        var grid = array.shape.map { _ in 0 }
        if let z = axes.z { grid[z] = place.z }
        grid[axes.y] = place.y
        grid[axes.x] = place.x
        let key = array.chunkKey(grid)
        guard let status = try store.status(of: key) else { return nil }
        return try cache.chunk(at: place, version: ZarrChunkCache.Version(status), isKept: isKept) { () throws(VolumeError) in
            try decodedChunk(at: place, key: key)
        }
    }

    private func decodedChunk(at place: ZarrChunkCache.Place, key: String) throws(VolumeError) -> ZarrChunk? {
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
                    "cannot be read again from the folder for temporary files, \(ScratchFile.folder): its disk fails",
                    path: header.path)
            }
        }
    }
}

extension ZarrVolume {
    /// The key of the array to read: `key` itself if it is an array, else the highest resolution of the image `key`.
    static func arrayKey(_ key: String, in store: ZarrStore) throws(VolumeError) -> String {
        let path = store.path(of: key)
        guard store.contains(key) else {
            throw VolumeError(.unreadable, "does not exist in the store; check the name of the array", path: path)
        }
        if store.contains(ZarrStore.key(".zarray", in: key)) { return key }
        if store.contains(ZarrStore.key("zarr.json", in: key)) { throw .zarrVersionNotSupported(path: path) }
        let attributes = try store.document(ZarrGroupAttributes.self, at: ZarrStore.key(".zattrs", in: key))
        guard let dataset = attributes?.multiscales?.first?.datasets.first else {
            throw .notZarr(arrays: store.arrays(in: key, limit: 5), path: path)
        }
        return ZarrStore.key(try store.key(named: dataset.path), in: key)
    }

    /// The image and its dataset (resolution) that the array is part of: in `.zattrs` of the nearest group above the array
    /// that lists it. Nil for a plain array.
    static func level(
        of key: String, in store: ZarrStore
    ) throws(VolumeError) -> (image: MultiscaleImage, dataset: MultiscaleImage.Dataset)? {
        let components = key.split(separator: "/")
        for depth in components.indices.reversed() {
            let group = components.prefix(depth).joined(separator: "/")
            let relative = components.dropFirst(depth).joined(separator: "/")
            let attributes = try store.document(ZarrGroupAttributes.self, at: ZarrStore.key(".zattrs", in: group))
            for image in attributes?.multiscales ?? [] {
                for dataset in image.datasets where (try? store.key(named: dataset.path)) == relative {
                    return (image, dataset)
                }
            }
        }
        return nil
    }
}
