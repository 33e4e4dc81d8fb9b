import Basics
import Testing

@testable import Volumes

@Suite("Voxels as float32")
struct ScalarTypeTests {
    private static func floats<Value: VoxelScalar>(_ values: [Value]) throws -> [Float] {
        let shape = try #require(VolumeShape(z: 1, y: 1, x: values.count))
        return try #require(VoxelBuffer(shape: shape, values: values)).floats()
    }

    @Test("every type is converted, and what float32 cannot hold is rounded")
    func types() throws {
        #expect(try Self.floats([0, 255] as [UInt8]) == [0, 255])
        #expect(try Self.floats([-128, 127] as [Int8]) == [-128, 127])
        #expect(try Self.floats([0, 65535] as [UInt16]) == [0, 65535])
        #expect(try Self.floats([-32768, 32767] as [Int16]) == [-32768, 32767])
        #expect(try Self.floats([16_777_217, .max] as [UInt32]) == [16_777_216, 4_294_967_296])
        #expect(try Self.floats([-16_777_219, .min] as [Int32]) == [-16_777_220, -2_147_483_648])
        #expect(try Self.floats([.max] as [UInt64]) == [0x1p64])
        #expect(try Self.floats([.min, -1] as [Int64]) == [-0x1p63, -1])
        #expect(try Self.floats([0.1, -.infinity] as [Float]) == [0.1, -.infinity])
        #expect(try Self.floats([0.1, 1e300] as [Double]) == [0.1, .infinity])
    }

    @Test("float16 keeps its value, its sign and its being no number", arguments: [1, 7, 8, 9, 65_536])
    func halves(count: Int) throws {
        let halves = (0..<count).map { Float16(bitPattern: UInt16(truncatingIfNeeded: $0 &* 40_503)) }
        for (half, float) in zip(halves, try Self.floats(halves)) {
            #expect(half.isNaN ? float.isNaN : float == Float(half))
            #expect(float.sign == half.sign)
        }
    }
}
