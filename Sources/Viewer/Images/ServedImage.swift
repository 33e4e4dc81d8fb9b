import Basics
import Volumes

/// A volume that is served as OME-Zarr: its metadata, and its chunks of 64³ voxels.
struct ServedImage: Sendable {
    /// Another one where the content is another one.
    let key: String
    let volume: any Volume
    let metadata: NewImage
    let halving: VoxelHalving
    /// The type of the voxels that are served: the volume's own, but float32 for float16 and float64, which not every program
    /// reads.
    let scalarType: ScalarType

    /// Voxels along a side of a chunk.
    static let chunkLength = 64
    static let voxelsPerChunk = chunkLength * chunkLength * chunkLength

    /// - Parameters:
    ///   - halving: how lower resolutions are made; the greatest of labels.
    ///   - classes: the names of the values of labels.
    init(
        _ volume: any Volume, key: String, name: String, voxelSize: VoxelSize?, halving: VoxelHalving,
        classes: [(value: Int, name: String)] = []
    ) {
        (self.key, self.volume, self.halving) = (key, volume, halving)
        scalarType = volume.scalarType == .float16 || volume.scalarType == .float64 ? .float32 : volume.scalarType
        metadata = NewImage(
            served: name, remarks: [], voxelSize: voxelSize, halving: halving, classes: classes, shape: volume.shape,
            chunkLength: Self.chunkLength)
    }

    var levels: [VolumeShape] { metadata.levels }
    var bytesPerChunk: Int { Self.voxelsPerChunk * scalarType.size }

    /// Whether a part of a slice costs as much as the slice.
    var hasWholeSlices: Bool {
        let (shape, chunk) = (volume.shape, volume.chunkShape)
        return chunk.y == shape.y && chunk.x == shape.x && max(shape.y, shape.x) > Self.chunkLength
    }

    /// The part of a level that a chunk has; nil where it lies outside.
    func box(_ place: ChunkPlace) -> Box? {
        guard levels.indices.contains(place.level) else { return nil }
        let shape = levels[place.level]
        func range(_ index: Int, _ count: Int) -> Range<Int>? {
            guard index >= 0, index <= count / Self.chunkLength else { return nil }
            let first = index * Self.chunkLength
            return first < count ? first..<min(first + Self.chunkLength, count) : nil
        }
        guard let z = range(place.z, shape.z), let y = range(place.y, shape.y), let x = range(place.x, shape.x) else {
            return nil
        }
        return Box(z: z, y: y, x: x)
    }

    /// The voxels of a box of the volume `[z][y][x]`, of the type that is served.
    func bytes(of box: Box) throws(VolumeError) -> [UInt8] {
        let voxels = try volume.read(box)
        guard voxels.scalarType != scalarType else { return voxels.bytes }
        return voxels.floats().withUnsafeBytes { [UInt8]($0) }
    }

    /// A chunk of the highest resolution, read alone; 0 beyond the far edges.
    ///
    /// - Complexity: reads a box of 64³ voxels.
    func chunk(_ box: Box) throws(VolumeError) -> [UInt8] {
        let bytes = try bytes(of: box)
        guard bytes.count != bytesPerChunk else { return bytes }
        var chunk = [UInt8](repeating: 0, count: bytesPerChunk)
        let (rowSize, pitch) = (box.x.count * scalarType.size, Self.chunkLength * scalarType.size)
        chunk.withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes { source in
                for row in 0..<box.z.count * box.y.count {
                    let place = (row / box.y.count * Self.chunkLength + row % box.y.count) * pitch
                    UnsafeMutableRawBufferPointer(rebasing: target[place..<place + rowSize]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[row * rowSize..<(row + 1) * rowSize]))
                }
            }
        }
        return chunk
    }

    /// A chunk of the second resolution, read alone.
    ///
    /// - Complexity: reads a box of 128³ voxels, 32 slices at a time.
    func halvedChunk(_ box: Box) throws(VolumeError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: bytesPerChunk)
        let (shape, length) = (volume.shape, Self.chunkLength)
        let (y, x) = (
            2 * box.y.lowerBound..<min(2 * box.y.upperBound, shape.y), 2 * box.x.lowerBound..<min(2 * box.x.upperBound, shape.x)
        )
        let end = min(2 * box.z.upperBound, shape.z)
        for z in stride(from: 2 * box.z.lowerBound, to: end, by: 32) {
            guard let part = Box(z: z..<min(z + 32, end), y: y, x: x) else { continue }
            let bytes = try bytes(of: part)
            let start = (z / 2 - box.z.lowerBound) * length * length
            chunk.withUnsafeMutableBytes { target in
                bytes.withUnsafeBytes { source in
                    halving(
                        source, scalarType, shape: part.shape, into: target, .init(start: start, columns: length, rows: length))
                }
            }
        }
        return chunk
    }
}

/// A chunk among those of an image.
struct ChunkPlace: Hashable, Sendable {
    let level, z, y, x: Int
}
