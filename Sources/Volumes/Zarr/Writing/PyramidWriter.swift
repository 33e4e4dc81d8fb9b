import Basics

/// Writes the chunks of all resolutions of a volume in one pass over its voxels.
///
/// Layer by layer of chunks from the top, each chunk is read, stored, and reduced into the layer below it: half as deep, high and wide.
/// Two layers fill one of the next resolution, whose chunks then are stored and reduced likewise. Chunks have an even length, so that no
/// block of 2 × 2 × 2 voxels lies in two of them.
final class PyramidWriter<Value: PyramidVoxel> {
    private let volume: any Volume
    private let image: NewImage
    private let reduction: OMEZarrWriter.Reduction
    private let compressor = ZarrCompressor.best
    private let folder: AtomicFolder
    /// The layer that is being filled, for each resolution but the first.
    private var layers: [[Value]]
    /// Whether the volume is read in whole slices, since parts of them cost as much.
    private let readsWholeSlices: Bool

    init(
        _ volume: any Volume, image: NewImage, reduction: OMEZarrWriter.Reduction, output: OutputFolder
    ) throws(VolumeError) {
        (self.volume, self.image, self.reduction) = (volume, image, reduction)
        let (chunk, shape) = (volume.chunkShape, volume.shape)
        readsWholeSlices =
            chunk.y == shape.y && chunk.x == shape.x && (shape.y > image.chunkLength || shape.x > image.chunkLength)
        layers = image.levels.map { _ in [] }
        folder = try AtomicFolder(output)
    }

    /// Writes metadata and chunks, and gives the folder its name.
    func write(progress: (Double) throws(VolumeError) -> Void) throws(VolumeError) {
        for file in try image.files(scalarType: Value.scalarType, compressor: compressor) {
            try folder.write(file.bytes, to: file.key)
        }
        let count = layerCount(0)
        for index in 0..<count {
            let z = depth(of: index, level: 0)
            guard let box = volume.shape.slices(z) else { continue }
            let slices = readsWholeSlices ? try Self.values(volume.read(box)) : nil
            try forEachChunk(ofLayer: index, level: 0) { box throws(VolumeError) in
                if let slices {
                    return Self.part(box, of: slices, shape: volume.shape, from: z.lowerBound)
                }
                return Self.values(try volume.read(box))
            }
            try finish(layer: index, level: 0)
            try progress(Double(index + 1) / Double(count))
        }
        try folder.commit()
    }

    // MARK: Layers

    private func layerCount(_ level: Int) -> Int { (image.levels[level].z + image.chunkDepth - 1) / image.chunkDepth }

    private func depth(of layer: Int, level: Int) -> Range<Int> {
        layer * image.chunkDepth..<min((layer + 1) * image.chunkDepth, image.levels[level].z)
    }

    /// Stores the next resolution's layer where the one above it is the last that belongs to it.
    private func finish(layer: Int, level: Int) throws(VolumeError) {
        guard level + 1 < image.levels.count, layer % 2 == 1 || layer == layerCount(level) - 1 else { return }
        let (next, index) = (level + 1, layer / 2)
        let (values, shape, z) = (layers[next], image.levels[next], depth(of: index, level: next))
        layers[next] = []
        try forEachChunk(ofLayer: index, level: next) { box throws(VolumeError) in
            Self.part(box, of: values, shape: shape, from: z.lowerBound)
        }
        try finish(layer: index, level: next)
    }

    /// Stores each chunk of a layer, and reduces it into the next resolution.
    ///
    /// - Parameter read: gives the voxels of a box, which is the chunk's part of the volume.
    private func forEachChunk(
        ofLayer layer: Int, level: Int, read: (Box) throws(VolumeError) -> [Value]
    ) throws(VolumeError) {
        let (shape, length) = (image.levels[level], image.chunkLength)
        for y in stride(from: 0, to: shape.y, by: length) {
            for x in stride(from: 0, to: shape.x, by: length) {
                let place = [layer, y / length, x / length]
                guard
                    let box = Box(
                        z: depth(of: layer, level: level), y: y..<min(y + length, shape.y), x: x..<min(x + length, shape.x))
                else { continue }
                let values = try read(box)
                try store(values, of: box.shape, at: place, level: level)
                if level + 1 < image.levels.count { reduce(values, box, level: level) }
            }
        }
    }

    // MARK: Chunks

    private func store(_ values: [Value], of shape: VolumeShape, at place: [Int], level: Int) throws(VolumeError) {
        let chunk = image.chunkShape(level)
        let whole = shape == chunk ? values : Self.padded(values, shape, to: chunk)
        let encoded = whole.withUnsafeBytes { compressor.encode($0, elementSize: Value.scalarType.size) }
        guard let encoded else {
            throw VolumeError(
                .unwritable, "cannot be written: a chunk could not be compressed for want of memory; free some, and try again",
                path: folder.path)
        }
        try folder.write(encoded, to: "\(level)/\(place.map(String.init).joined(separator: "/"))")
    }

    /// The voxels at the beginning of a larger chunk, which has 0 elsewhere: chunks at the far edges are stored whole.
    private static func padded(_ values: [Value], _ shape: VolumeShape, to chunk: VolumeShape) -> [Value] {
        var whole = [Value](repeating: .zero, count: chunk.count)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let (source, target) = ((z * shape.y + y) * shape.x, (z * chunk.y + y) * chunk.x)
                whole.replaceSubrange(target..<target + shape.x, with: values[source..<source + shape.x])
            }
        }
        return whole
    }

    /// The voxels of a box out of slices of a volume.
    private static func part(_ box: Box, of slices: [Value], shape: VolumeShape, from first: Int) -> [Value] {
        if box.shape.count == slices.count { return slices }
        var part: [Value] = []
        part.reserveCapacity(box.shape.count)
        for z in box.z {
            for y in box.y {
                let row = ((z - first) * shape.y + y) * shape.x
                part += slices[row + box.x.lowerBound..<row + box.x.upperBound]
            }
        }
        return part
    }

    /// The voxels of a buffer in the type that is stored.
    private static func values(_ buffer: VoxelBuffer) -> [Value] {
        buffer.withValues(as: Value.self) { [Value]($0) } ?? buffer.doubles().map(Value.init(nearest:))
    }

    /// Reduces a chunk into the layer of the next resolution.
    private func reduce(_ values: [Value], _ box: Box, level: Int) {
        let (shape, next) = (box.shape, image.levels[level + 1])
        let first = box.z.lowerBound / 2 / image.chunkDepth * image.chunkDepth
        let depth = min(image.chunkDepth, next.z - first)
        if layers[level + 1].isEmpty { layers[level + 1] = [Value](repeating: .zero, count: depth * next.voxelsPerSlice) }
        let takesMean = reduction == .mean
        let (firstRow, firstColumn) = (box.y.lowerBound / 2, box.x.lowerBound / 2)
        layers[level + 1].withUnsafeMutableBufferPointer { target in
            values.withUnsafeBufferPointer { source in
                for z in stride(from: 0, to: shape.z, by: 2) {
                    // The distance to the neighbour along z; 0 at the far edge, where a voxel takes the place of its neighbour: the
                    // mean is then that of the voxels that are there.
                    let below = z + 1 < shape.z ? shape.voxelsPerSlice : 0
                    for y in stride(from: 0, to: shape.y, by: 2) {
                        let down = y + 1 < shape.y ? shape.x : 0
                        let row = (((box.z.lowerBound + z) / 2 - first) * next.y + firstRow + y / 2) * next.x + firstColumn
                        for x in stride(from: 0, to: shape.x, by: 2) {
                            let corner = (z * shape.y + y) * shape.x + x
                            target[row + x / 2] =
                                takesMean
                                ? Self.mean(source, at: corner, right: x + 1 < shape.x ? 1 : 0, down: down, below: below)
                                : source[corner]
                        }
                    }
                }
            }
        }
    }

    /// The mean of a voxel and its seven neighbours at some distances.
    @inline(__always)
    private static func mean(
        _ voxels: UnsafeBufferPointer<Value>, at corner: Int, right: Int, down: Int, below: Int
    ) -> Value {
        func pair(_ index: Int) -> Double { voxels[index].number + voxels[index &+ right].number }
        let upper = pair(corner) + pair(corner &+ down)
        let lower = pair(corner &+ below) + pair(corner &+ below &+ down)
        return Value(nearest: (upper + lower) / 8)
    }
}

/// A type of voxels that images store.
protocol PyramidVoxel: VoxelScalar {
    static var zero: Self { get }
    /// The value of this type that is nearest to a number.
    init(nearest number: Double)
    var number: Double { get }
}

extension PyramidVoxel where Self: FixedWidthInteger {
    init(nearest number: Double) {
        let rounded = number.rounded()
        self = Self(exactly: rounded) ?? (rounded < 0 ? .min : .max)
    }
    var number: Double { Double(self) }
}

extension UInt8: PyramidVoxel {}
extension Int8: PyramidVoxel {}
extension UInt16: PyramidVoxel {}
extension Int16: PyramidVoxel {}
extension UInt32: PyramidVoxel {}
extension Int32: PyramidVoxel {}
extension UInt64: PyramidVoxel {}
extension Int64: PyramidVoxel {}
extension Float: PyramidVoxel {
    init(nearest number: Double) { self.init(number) }
    var number: Double { Double(self) }
}
