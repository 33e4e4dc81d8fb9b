import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("Resizing")
struct ResizeTests {
    @Test("8-bit images equal OpenCV's in every bit: 100 pairs of sizes, by digest")
    func equalsOpenCV() throws {
        let rows = try GoldenFile("resize.csv", in: .module).rows().map(\.fields)
        #expect(rows.count == 100)
        for row in rows {
            let numbers = row.prefix(5).compactMap { Int($0) }
            try #require(numbers.count == 5 && row.count == 6)
            let image = try #require(
                SyntheticImage.noise.make(height: numbers[0], width: numbers[1], seed: UInt64(numbers[4])))
            let result = try image.resized(height: numbers[2], width: numbers[3])
            #expect(Digest(of: result.values).hexadecimal == row[5], "\(numbers)")
        }
    }

    // OpenCV's IPP path rounds positions in its own way: an error of side × 2⁻²⁴ times the slope, which is up to 16 here.
    @Test(
        "float32 images agree with OpenCV's to its rounding of positions",
        arguments: [[29, 29, 32, 32, 3000], [13, 21, 40, 30, 3001], [40, 30, 13, 21, 3002], [32, 24, 16, 12, 3003]])
    func agreesWithOpenCV(golden: [Int]) throws {
        let (height, width, newHeight, newWidth, seed) = (golden[0], golden[1], golden[2], golden[3], UInt64(golden[4]))
        let image = try #require(SyntheticImage.real(height: height, width: width, seed: seed))
        let result = try image.resized(height: newHeight, width: newWidth)
        let expected = try GoldenFile("resize-\(height)x\(width)-\(newHeight)x\(newWidth).f4", in: .module).floats()
        try #require(result.values.count == expected.count)
        #expect(zip(result.values, expected).allSatisfy { abs($0 - $1) <= 5e-5 })
    }

    // PyTorch rounds positions to float32 before it weighs.
    @Test(
        "float32 images agree with PyTorch's bilinear interpolation, align_corners=False: its convention is OpenCV's",
        arguments: [[29, 29, 32, 32, 3000], [13, 21, 40, 30, 3001], [40, 30, 13, 21, 3002], [32, 24, 16, 12, 3003]])
    func agreesWithPyTorch(golden: [Int]) throws {
        let (height, width, newHeight, newWidth, seed) = (golden[0], golden[1], golden[2], golden[3], UInt64(golden[4]))
        let image = try #require(SyntheticImage.real(height: height, width: width, seed: seed))
        let result = try image.resized(height: newHeight, width: newWidth)
        let name = "resize-\(height)x\(width)-\(newHeight)x\(newWidth).f4"
        for other in [try GoldenFile("operations/\(name)", in: .module).floats(), try GoldenFile(name, in: .module).floats()] {
            try #require(result.values.count == other.count)
            #expect(zip(result.values, other).allSatisfy { abs($0 - $1) <= 5e-5 })
        }
    }

    @Test("the same size changes nothing", arguments: [(1, 1), (5, 9), (64, 64)])
    func identity(size: (Int, Int)) throws {
        let bytes = try #require(SyntheticImage.noise.make(height: size.0, width: size.1, seed: 1))
        let floats = try #require(SyntheticImage.real(height: size.0, width: size.1, seed: 1))
        #expect(try bytes.resized(height: size.0, width: size.1) == bytes)
        #expect(try floats.resized(height: size.0, width: size.1) == floats)
    }

    @Test("a constant stays constant at every size", arguments: [1, 2, 3, 17, 64, 200])
    func constant(side: Int) throws {
        let bytes = try #require(Image<UInt8>(height: 33, width: 40, repeating: 201))
        let floats = try #require(Image<Float>(height: 33, width: 40, repeating: 0.1))
        #expect(try bytes.resized(height: side, width: side).values.allSatisfy { $0 == 201 })
        #expect(try floats.resized(height: side, width: side).values.allSatisfy { abs($0 - 0.1) < 1e-8 })
    }

    @Test("a ramp stays a ramp away from the border")
    func ramp() throws {
        let image = try #require(Image(height: 1, width: 58, values: (0..<58).map(Float.init)))
        let result = try image.resized(height: 1, width: 64)
        for x in 1..<63 { #expect(abs(result[y: 0, x: x] - (Float(x) + 0.5) * 58 / 64 + 0.5) < 1e-4) }
    }

    @Test("a side outside 1 … 65536 is refused", arguments: [0, -1, 65_537, Int.max])
    func refusesSide(side: Int) throws {
        let image = try #require(Image<UInt8>(height: 2, width: 2, repeating: 0))
        #expect(throws: ImageError.self) { try image.resized(height: side, width: 2) }
        #expect(throws: ImageError.self) { try image.resized(height: 2, width: side) }
        let floats = try #require(Image<Float>(height: 2, width: 2, repeating: 0))
        #expect(throws: ImageError.self) { try floats.resized(height: side, width: 2) }
    }
}
