import Testing
import Volumes

@testable import ImageProcessing

@Suite("8-bit conversion")
struct EightBitConversionTests {
    private func convert(_ values: [Float], low: Float, high: Float) throws -> [UInt8] {
        let image = try #require(Image(height: 1, width: values.count, values: values))
        return try EightBitConversion(low: low, high: high)(image).values
    }

    @Test("the ends of the range become 0 and 255, and what lies beyond is clamped")
    func clamps() throws {
        #expect(try convert([-10, -9.9, 0, 10, 11, .infinity, -.infinity], low: -10, high: 10) == [0, 1, 128, 255, 255, 255, 0])
    }

    @Test("halves are rounded to even")
    func roundsHalfToEven() throws {
        #expect(try convert([0.5, 1.5, 2.5, 3.5, 253.5, 254.5], low: 0, high: 255) == [0, 2, 2, 4, 254, 254])
    }

    @Test("NaN becomes black")
    func notANumber() throws {
        #expect(try convert([.nan, 1], low: 0, high: 1) == [0, 255])
    }

    @Test("a constant tomogram becomes middle grey")
    func emptyRange() throws {
        #expect(try convert([3, 4, .nan, .infinity], low: 3, high: 3) == [128, 128, 0, 128])
        #expect(try convert([3], low: 5, high: 3) == [128])
    }

    @Test("the whole range of float32 does not overflow")
    func wholeRange() throws {
        let top = Float.greatestFiniteMagnitude
        #expect(try convert([-top, 0, top], low: -top, high: top) == [0, 128, 255])
    }

    @Test("a range that is no number is refused")
    func refusesRange() {
        #expect(throws: ImageError.self) { try EightBitConversion(low: .nan, high: 1) }
        #expect(throws: ImageError.self) { try EightBitConversion(low: 0, high: .infinity) }
    }

    @Test("a slice of any voxel type is read as numbers")
    func voxels() throws {
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 3))
        let conversion = try EightBitConversion(low: -100, high: 100)
        let expected = Image<UInt8>(height: 1, width: 3, values: [0, 128, 255])
        let integers = try #require(VoxelBuffer(shape: shape, values: [-100, 0, 100] as [Int16]))
        let doubles = try #require(VoxelBuffer(shape: shape, values: [-1e300, 0, 1e300] as [Double]))
        #expect(try conversion(integers) == expected)
        #expect(try conversion(doubles) == expected)
    }

    @Test("several slices are refused")
    func refusesSlab() throws {
        let shape = try #require(VolumeShape(z: 2, y: 1, x: 1))
        let slab = try #require(VoxelBuffer(shape: shape, values: [0, 0] as [UInt8]))
        #expect(throws: ImageError.self) { try EightBitConversion(low: 0, high: 1)(slab) }
    }

    @Test("the conversion of 0 … 255 changes nothing")
    func identity() throws {
        #expect(try convert((0...255).map(Float.init), low: 0, high: 255) == Array(0...255))
    }
}
