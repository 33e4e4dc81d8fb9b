import Basics
import Volumes

/// One pass over slices of a volume that makes all chunks of a layer of a resolution, and those of higher resolutions above them,
/// as far as they fit a limit.
///
/// Slices are halved pair by pair, so that of each resolution only two slices and one layer of chunks are in memory. Where even the
/// one layer is larger than the limit, the pass makes a band of its rows.
struct ChunkPass {
    private let image: ServedImage
    /// The lowest resolution that is made.
    private let top: Int
    /// The resolutions whose chunks are made.
    private let kept: ClosedRange<Int>
    /// The chunks along y of the lowest resolution.
    private let band: Range<Int>
    /// The slices of the volume.
    private let slices: Range<Int>
    private let emit: (ChunkPlace, [UInt8]) -> Void

    /// For each resolution two slices `[2][row][column]`, of which one of the next is made.
    private var pairs: [[UInt8]]
    /// For each resolution the chunks of the current layer, `[y][x]` of the band.
    private var chunks: [[[UInt8]]]

    /// The most bytes of the chunks of a layer of one resolution.
    static let layerLimit = 32 << 20
    /// The bytes of the volume that are read at a time.
    private static let readBytes = 8 << 20

    /// - Parameters:
    ///   - place: of a chunk that the pass makes, along with others.
    ///   - highest: the highest resolution of which chunks are made, if they fit.
    ///   - emit: takes each chunk.
    init(
        _ image: ServedImage, for place: ChunkPlace, highest: Int, limit: Int = layerLimit,
        emit: @escaping (ChunkPlace, [UInt8]) -> Void
    ) {
        let (length, levels) = (ServedImage.chunkLength, image.levels)
        func chunkCount(_ voxels: Int) -> Int { (voxels + length - 1) / length }
        func layerBytes(_ level: Int) -> Int { chunkCount(levels[level].y) * chunkCount(levels[level].x) * image.bytesPerChunk }
        (self.image, top, self.emit) = (image, place.level, emit)
        let first = (min(highest, place.level)...place.level).first { layerBytes($0) <= limit } ?? place.level
        kept = first...place.level
        let rows = chunkCount(levels[place.level].y)
        let most = max(1, limit / (chunkCount(levels[place.level].x) * image.bytesPerChunk))
        band = rows <= most ? 0..<rows : place.y / most * most..<min((place.y / most + 1) * most, rows)
        let depth = length << place.level
        slices = place.z * depth..<min((place.z + 1) * depth, image.volume.shape.z)
        pairs = levels.map { _ in [] }
        chunks = levels.map { _ in [] }
    }

    /// The rows of a resolution that belong to the band.
    private func rows(_ level: Int) -> Range<Int> {
        let scale = ServedImage.chunkLength << (top - level)
        return band.lowerBound * scale..<min(band.upperBound * scale, image.levels[level].y)
    }

    /// Makes the chunks.
    ///
    /// - Throws: ``VolumeError`` where the volume cannot be read.
    /// - Complexity: reads the slices of the layer once, 8 MiB at a time, or two slices where these cannot be read in parts.
    mutating func run() throws(VolumeError) {
        let shape = image.volume.shape
        let rows = rows(0)
        let rowBytes = shape.x * image.scalarType.size
        let sliceBytes = rows.count * rowBytes
        // An even number of slices, and of rows.
        let depth = max(2, min(32, Self.readBytes / sliceBytes / 2 * 2))
        let readsParts = !image.hasWholeSlices && depth * sliceBytes > Self.readBytes && top > 0
        let height = readsParts ? max(2, Self.readBytes / (depth * rowBytes) / 2 * 2) : rows.count
        for z in stride(from: slices.lowerBound, to: slices.upperBound, by: depth) {
            let part = z..<min(z + depth, slices.upperBound)
            guard top > 0 else {
                guard let box = Box(z: part, y: rows, x: 0..<shape.x) else { continue }
                let bytes = try image.bytes(of: box)
                for slice in part {
                    let start = (slice - z) * sliceBytes
                    bytes.withUnsafeBytes {
                        add(UnsafeRawBufferPointer(rebasing: $0[start..<start + sliceBytes]), z: slice, level: 0)
                    }
                }
                continue
            }
            let next = (rows: self.rows(1).count, columns: image.levels[1].x)
            let nextBytes = next.rows * next.columns * image.scalarType.size
            var halved = [UInt8](repeating: 0, count: (part.count + 1) / 2 * nextBytes)
            for row in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
                guard let box = Box(z: part, y: row..<min(row + height, rows.upperBound), x: 0..<shape.x) else { continue }
                let bytes = try image.bytes(of: box)
                let target = VoxelHalving.Target(
                    start: (row - rows.lowerBound) / 2 * next.columns, columns: next.columns, rows: next.rows)
                halved.withUnsafeMutableBytes { destination in
                    bytes.withUnsafeBytes { image.halving($0, image.scalarType, shape: box.shape, into: destination, target) }
                }
            }
            for slice in 0..<(part.count + 1) / 2 {
                let start = slice * nextBytes
                halved.withUnsafeBytes {
                    add(UnsafeRawBufferPointer(rebasing: $0[start..<start + nextBytes]), z: z / 2 + slice, level: 1)
                }
            }
        }
    }

    /// Takes a slice of a resolution, and makes one of the next resolution of two.
    private mutating func add(_ slice: UnsafeRawBufferPointer, z: Int, level: Int) {
        if kept.contains(level) { cut(slice, z: z, level: level) }
        guard level < top else { return }
        let place = z % 2
        if pairs[level].count != 2 * slice.count { pairs[level] = [UInt8](repeating: 0, count: 2 * slice.count) }
        pairs[level].withUnsafeMutableBytes { pair in
            UnsafeMutableRawBufferPointer(rebasing: pair[place * slice.count..<(place + 1) * slice.count]).copyMemory(from: slice)
        }
        guard place == 1 || z == image.levels[level].z - 1 else { return }
        let (rows, next) = (rows(level).count, (rows: self.rows(level + 1).count, columns: image.levels[level + 1].x))
        guard let shape = VolumeShape(z: place + 1, y: rows, x: image.levels[level].x) else { return }
        var halved = [UInt8](repeating: 0, count: next.rows * next.columns * image.scalarType.size)
        halved.withUnsafeMutableBytes { destination in
            pairs[level].withUnsafeBytes { pair in
                image.halving(
                    UnsafeRawBufferPointer(rebasing: pair[..<((place + 1) * slice.count)]), image.scalarType, shape: shape,
                    into: destination, .init(columns: next.columns, rows: next.rows))
            }
        }
        halved.withUnsafeBytes { add($0, z: z / 2, level: level + 1) }
    }

    /// Copies a slice into the chunks of its layer, and gives them out after the last slice of the layer.
    private mutating func cut(_ slice: UnsafeRawBufferPointer, z: Int, level: Int) {
        let (length, size, width) = (ServedImage.chunkLength, image.scalarType.size, image.levels[level].x)
        let rows = rows(level)
        let (down, across) = ((rows.count + length - 1) / length, (width + length - 1) / length)
        if chunks[level].isEmpty {
            let bytes = image.bytesPerChunk
            chunks[level] = (0..<down * across).map { _ in [UInt8](repeating: 0, count: bytes) }
        }
        for index in 0..<down * across {
            let (y, x) = (index / across * length, index % across * length)
            let rowSize = min(length, width - x) * size
            chunks[level][index].withUnsafeMutableBytes { chunk in
                for row in y..<min(y + length, rows.count) {
                    let (from, to) = ((row * width + x) * size, (z % length * length + row - y) * length * size)
                    UnsafeMutableRawBufferPointer(rebasing: chunk[to..<to + rowSize]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: slice[from..<from + rowSize]))
                }
            }
        }
        guard z % length == length - 1 || z == image.levels[level].z - 1 else { return }
        let firstRow = rows.lowerBound / length
        for index in 0..<down * across {
            emit(ChunkPlace(level: level, z: z / length, y: firstRow + index / across, x: index % across), chunks[level][index])
        }
        chunks[level] = []
    }
}
