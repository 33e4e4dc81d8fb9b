import Basics
import ImageProcessing
import Volumes

/// Results on single slices as one volume of the tomogram's size: 0 where there is none.
struct SliceStack: Volume {
    let shape: VolumeShape
    let scalarType: ScalarType
    let header: VolumeHeader
    let chunkShape: VolumeShape

    private let slices: Set<Int>
    private let image: @Sendable (_ z: Int) throws -> [UInt8]

    private init(
        _ slices: some Sequence<Int>, shape: VolumeShape, scalarType: ScalarType, name: String,
        image: @escaping @Sendable (Int) throws -> [UInt8]
    ) {
        (self.slices, self.shape, self.scalarType, self.image) = (Set(slices), shape, scalarType, image)
        header = VolumeHeader(path: name, format: "artifacts")
        chunkShape = VolumeShape(z: 1, y: shape.y, x: shape.x) ?? shape
    }

    /// - Parameters:
    ///   - slices: those that have a result.
    ///   - name: for messages.
    ///   - image: the result of a slice `[y][x]`.
    init<Pixel: VoxelScalar>(
        _ slices: some Sequence<Int>, of type: Pixel.Type, shape: VolumeShape, name: String,
        image: @escaping @Sendable (_ z: Int) throws -> Image<Pixel>
    ) {
        self.init(slices, shape: shape, scalarType: Pixel.scalarType, name: name) { z in
            let image = try image(z)
            guard (image.height, image.width) == (shape.y, shape.x) else {
                throw VolumeError(
                    .malformed, "is of another size than the tomogram in slice \(z); `cellar run` renews it", path: name)
            }
            return image.values.withUnsafeBytes { [UInt8]($0) }
        }
    }

    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let size = scalarType.size
        guard box.isInside(shape), destination.count == box.shape.count * size else {
            throw VolumeError(
                mistake: .outOfBounds, "has no box x \(box.x), y \(box.y), z \(box.z) of that size", path: header.path)
        }
        let rowSize = box.x.count * size
        for (slice, z) in box.z.enumerated() {
            let bytes = slices.contains(z) ? try bytes(z) : nil
            for (row, y) in box.y.enumerated() {
                let start = (slice * box.y.count + row) * rowSize
                let target = UnsafeMutableRawBufferPointer(rebasing: destination[start..<start + rowSize])
                guard let bytes else {
                    target.initializeMemory(as: UInt8.self, repeating: 0)
                    continue
                }
                let source = (y * shape.x + box.x.lowerBound) * size
                bytes.withUnsafeBytes { target.copyMemory(from: .init(rebasing: $0[source..<source + rowSize])) }
            }
        }
    }

    private func bytes(_ z: Int) throws(VolumeError) -> [UInt8] {
        do {
            return try image(z)
        } catch let error as VolumeError {
            throw error
        } catch {
            throw VolumeError(.unreadable, "cannot be read: \(error)", path: header.path)
        }
    }
}

extension SliceStack {
    /// The labels of an annotation as bytes: those beyond 255 become 255, and what is no label 0.
    init(_ labels: LabelVolume, name: String) {
        let shape = labels.shape
        self.init(0..<shape.z, shape: shape, scalarType: .uint8, name: name) { z in
            let values = try labels.slice(z)
            return [UInt8](unsafeUninitializedCapacity: values.count) { bytes, count in
                for index in values.indices { bytes[index] = UInt8(min(max(values[index], 0), 255)) }
                count = values.count
            }
        }
    }
}

/// The eigenvectors of a slice as pictures of the slice: each tile in its place, each over its own range.
enum EigenvectorMap {
    /// A picture `[y][x]`, 0 to 1; each pixel has the value of its token. Where tiles overlap, the later one counts.
    ///
    /// - Parameters:
    ///   - regions: of the tiles in the slice.
    ///   - maps: of the tiles over their tokens; nil for a tile that has no such eigenvector, which is 0.
    static func picture(height: Int, width: Int, regions: [ImageRegion], maps: [Image<Float>?]) -> Image<Float>? {
        var values = [Float](repeating: 0, count: height * width)
        for (region, map) in zip(regions, maps) {
            guard let map, region.y.upperBound <= height, region.x.upperBound <= width,
                let low = map.values.min(), let high = map.values.max(), low < high
            else { continue }
            for y in region.y {
                let row = (y - region.y.lowerBound) * map.height / region.height * map.width
                for x in region.x {
                    let token = row + (x - region.x.lowerBound) * map.width / region.width
                    values[y * width + x] = (map.values[token] - low) / (high - low)
                }
            }
        }
        return Image(height: height, width: width, values: values)
    }
}
