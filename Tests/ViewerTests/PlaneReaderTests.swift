import Basics
import Catalog
import Testing
import Volumes

@testable import Viewer

/// Planes of volumes in memory, compared with a plain computation.
@Suite struct PlaneReaderTests {
    /// Shapes whose planes are read one by one, in blocks, and in parts.
    static let cases: [(shape: (Int, Int, Int), chunk: (Int, Int, Int))] = [
        ((7, 13, 11), (1, 1, 11)), ((6, 70, 90), (1, 70, 90)), ((33, 20, 21), (16, 8, 8)), ((70, 10, 9), (64, 64, 64)),
        ((1, 1, 5), (1, 1, 5)),
    ]

    @Test("a plane along any axis, at any level, is the means of its voxels, or the greatest of its labels", arguments: cases)
    func planes(item: (shape: (Int, Int, Int), chunk: (Int, Int, Int))) throws {
        let shape = try #require(VolumeShape(z: item.shape.0, y: item.shape.1, x: item.shape.2))
        let densities = (0..<shape.count).map { Float(($0 * 7919) % 1009) }
        let labels = (0..<shape.count).map { UInt8($0 % 7 == 0 ? $0 % 5 : 0) }
        let chunk = (z: item.chunk.0, y: item.chunk.1, x: item.chunk.2)
        let reader = PlaneReader(volume: try MemoryVolume(shape, chunk: chunk, densities), name: "t")
        let whole = PlaneReader(volume: try MemoryVolume(shape, chunk: chunk, densities.map { Int16($0) }), name: "t")
        let labelReader = PlaneReader(volume: try MemoryVolume(shape, chunk: chunk, labels), name: "t")
        let scale = ByteScale(100...900)
        for axis in SliceAxis.allCases {
            for level in 0...3 {
                for index in Set([0, reader.count(axis) / 2, reader.count(axis) - 1]) {
                    let block = reader.block(axis, around: index)
                    #expect(block.contains(index) && block.upperBound <= reader.count(axis))
                    let plane = try reader.planes(axis, block, level: level) { DensityPlane($0, scale: scale) }[
                        index - block.lowerBound]
                    let integers = try whole.planes(axis, index..<index + 1, level: level) { DensityPlane($0, scale: scale) }
                    #expect(integers == [plane], "of integers, and alone")
                    let greatest = try labelReader.planes(axis, index..<index + 1, level: level) { LabelPlane($0) }[0]
                    let (width, height) = reader.size(axis)
                    let side = 1 << level
                    #expect(plane.width == (width + side - 1) / side && plane.height == (height + side - 1) / side)
                    #expect(plane.bytes.count == plane.width * plane.height && greatest.bytes.count == plane.bytes.count)
                    var wrong = 0
                    for pixel in plane.bytes.indices {
                        let (row, column) = (pixel / plane.width * side, pixel % plane.width * side)
                        var (sum, count, label) = (0.0, 0.0, UInt8(0))
                        for r in row..<min(row + side, height) {
                            for c in column..<min(column + side, width) {
                                let (z, y, x) = axis == .z ? (index, r, c) : axis == .y ? (r, index, c) : (r, c, index)
                                let voxel = (z * shape.y + y) * shape.x + x
                                sum += Double(densities[voxel])
                                count += 1
                                label = max(label, labels[voxel])
                            }
                        }
                        let exact = min(max((sum / count - 100) * 255 / 800, 0), 255)
                        if abs(Double(plane.bytes[pixel]) - exact) > 0.51 || greatest.bytes[pixel] != label { wrong += 1 }
                    }
                    #expect(wrong == 0, "\(axis), level \(level), slice \(index)")
                }
            }
        }
    }

    @Test("bytes are rounded and cut off, NaN is 0, and one density alone is grey")
    func bytes() {
        func bytes(_ scale: ByteScale, _ densities: [Float]) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: densities.count) { buffer, count in
                let target = UnsafeMutableBufferPointer(rebasing: buffer[..<densities.count])
                densities.withUnsafeBufferPointer { scale.bytes(of: $0, into: target) }
                count = densities.count
            }
        }
        let scale = ByteScale(0...255)
        let values: [Float] = [0, 0.4, 0.6, 1, 254.4, 254.6, 255, 256, -1, .nan, -.nan, .infinity, -.infinity]
        #expect(bytes(scale, values) == [0, 0, 1, 1, 254, 255, 255, 255, 0, 0, 0, 255, 0])
        #expect(bytes(ByteScale(3...3), [3, 2, .nan]) == [128, 128, 0])
        let huge = Float.greatestFiniteMagnitude
        #expect(bytes(ByteScale(-huge...huge), [-huge, huge]) == [0, 255])
        #expect(bytes(ByteScale(-1...1), (0..<100).map { _ in Float(0.5) }) == [UInt8](repeating: 191, count: 100))
    }

    @Test("slices and levels that are not there are refused in a sentence")
    func outside() throws {
        let shape = try #require(VolumeShape(z: 3, y: 4, x: 5))
        let reader = PlaneReader(
            volume: try MemoryVolume(shape, chunk: (1, 1, 5), [Float](repeating: 0, count: 60)), name: "d/t")
        try reader.check(.x, index: 4, level: 8)
        for (axis, index, level) in [
            (SliceAxis.z, 3, 0), (.z, -1, 0), (.y, 4, 0), (.x, 5, 0), (.x, Int.max, 0), (.x, Int.min, 0), (.z, 0, -1), (.z, 0, 9),
            (.z, 0, Int.max),
        ] {
            let error = #expect(throws: CatalogError.self) { try reader.check(axis, index: index, level: level) }
            #expect(error?.code == .invalid, "\(axis) \(index) \(level)")
        }
    }

    @Test("percentiles of a sample are those of the voxels, and voxels that are no numbers do not count")
    func range() throws {
        let shape = try #require(VolumeShape(z: 40, y: 20, x: 25))
        var values = (0..<shape.count).map { Float($0 * 7 % 1000) }
        values[17] = .nan
        values[18] = .infinity
        let range = try DensityRange.sampled(try MemoryVolume(shape, chunk: (1, 1, 25), values))
        // Sixteen of forty slices hold each value several times.
        #expect(abs(range.lowerBound - 1) < 10 && abs(range.upperBound - 998) < 10, "\(range)")
        let layers = try DensityRange.sampled(try MemoryVolume(shape, chunk: (32, 20, 25), values))
        #expect(abs(layers.lowerBound - 1) < 20 && abs(layers.upperBound - 998) < 20, "\(layers)")
        let none = try MemoryVolume(shape, chunk: (1, 1, 25), [Float](repeating: .nan, count: shape.count))
        #expect(try DensityRange.sampled(none) == 0...0)
    }
}
