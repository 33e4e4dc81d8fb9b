import Testing
import Volumes

/// Lower resolutions of voxels in memory.
@Suite struct VoxelHalvingTests {
    private func halved<Value: VoxelScalar>(
        _ halving: VoxelHalving, _ values: [Value], z: Int, y: Int, x: Int
    ) throws -> [Value] {
        let shape = try #require(VolumeShape(z: z, y: y, x: x))
        let (columns, rows) = ((x + 1) / 2, (y + 1) / 2)
        var result = [UInt8](repeating: 0, count: (z + 1) / 2 * rows * columns * Value.scalarType.size)
        result.withUnsafeMutableBytes { target in
            values.withUnsafeBytes {
                halving($0, Value.scalarType, shape: shape, into: target, .init(columns: columns, rows: rows))
            }
        }
        return result.withUnsafeBytes { [Value]($0.bindMemory(to: Value.self)) }
    }

    @Test("eight voxels become their mean or the greatest of them")
    func blocks() throws {
        #expect(try halved(.mean, [1, 2, 3, 4, 5, 6, 7, 9] as [Float], z: 2, y: 2, x: 2) == [4.625])
        #expect(try halved(.maximum, [1, 2, 3, 9, 5, 6, 7, 4] as [UInt8], z: 2, y: 2, x: 2) == [9])
        #expect(try halved(.mean, [-1, -2, -3, -4, -5, -6, -7, -8] as [Int8], z: 2, y: 2, x: 2) == [-4])
        #expect(try halved(.mean, [1, 1, 1, 1, 2, 2, 2, 2] as [UInt16], z: 2, y: 2, x: 2) == [2])
        #expect(try halved(.mean, [UInt64](repeating: .max, count: 8), z: 2, y: 2, x: 2) == [.max])
        #expect(try halved(.mean, [.min, .min, .min, .min, .max, .max, .max, .max] as [Int64], z: 2, y: 2, x: 2) == [0])
        #expect(try halved(.mean, [Float16](repeating: 0.5, count: 8), z: 2, y: 2, x: 2) == [0.5])
        #expect(try halved(.mean, [1, 3] as [Double], z: 1, y: 1, x: 2) == [2])
    }

    @Test("at the far edges a block has the voxels that are there")
    func edges() throws {
        // 3 × 3 × 1: the last column and row are halved alone.
        #expect(try halved(.mean, [1, 3, 5, 5, 7, 9, 2, 4, 8] as [Float], z: 1, y: 3, x: 3) == [4, 7, 3, 8])
        #expect(try halved(.maximum, [1, 3, 5, 5, 7, 9, 2, 4, 8] as [UInt8], z: 1, y: 3, x: 3) == [7, 9, 4, 8])
        #expect(try halved(.mean, [1, 2, 6] as [Float], z: 3, y: 1, x: 1) == [1.5, 6])
    }

    @Test("the result may be a part of a larger array")
    func part() throws {
        let shape = try #require(VolumeShape(z: 2, y: 2, x: 4))
        let values: [UInt8] = [1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2]
        var target = [UInt8](repeating: 9, count: 3 * 3 * 4)
        target.withUnsafeMutableBytes { target in
            values.withUnsafeBytes {
                VoxelHalving.mean($0, .uint8, shape: shape, into: target, .init(start: 17, columns: 4, rows: 3))
            }
        }
        #expect(target[17] == 1 && target[18] == 2 && target.count { $0 == 9 } == 34)
    }
}
