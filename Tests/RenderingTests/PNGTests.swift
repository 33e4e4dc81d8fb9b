import Basics
import Foundation
import TestSupport
import Testing

@testable import Rendering

@Suite("PNG")
struct PNGTests {
    private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = RandomStream(state: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test("grey pictures of any size are read back as they were", arguments: [(1, 1), (1, 9), (7, 1), (13, 64), (200, 31)])
    func greyRoundTrip(size: (Int, Int)) throws {
        let picture = try #require(GreyImage(height: size.0, width: size.1, pixels: noise(size.0 * size.1, seed: 1)))
        let decoded = try DecodedPNG(PNGEncoder().encode(picture))
        #expect((decoded.height, decoded.width, decoded.channels) == (size.0, size.1, 1))
        #expect(decoded.samples == picture.pixels)
    }

    @Test("colour pictures are read back as they were, at every level", arguments: [1, 6, 9])
    func colorRoundTrip(level: Int) throws {
        var picture = try #require(RGBImage(height: 41, width: 57, filledWith: Color(red: 9, green: 200, blue: 40)))
        for (index, value) in noise(41 * 57, seed: 2).enumerated() where value < 90 {
            picture.bytes[3 * index + Int(value) % 3] = value
        }
        let decoded = try DecodedPNG(PNGEncoder(compressionLevel: level).encode(picture))
        #expect((decoded.height, decoded.width, decoded.channels) == (41, 57, 3))
        #expect(decoded.samples == picture.bytes)
    }

    @Test("every filter is undone by its inverse, and each is chosen where it predicts best")
    func filters() throws {
        let (height, width) = (40, 256)
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                switch y / 10 {
                case 0: pixels.append(UInt8(truncatingIfNeeded: 3 * x))  // the same rise along x in every row
                case 1: pixels.append(UInt8(truncatingIfNeeded: 3 * x + 20 * y))
                case 2: pixels.append(noise(1, seed: UInt64(y * width + x))[0] % 3)
                default: pixels.append(UInt8(truncatingIfNeeded: x * x / 64 + y * y))
                }
            }
        }
        let picture = try #require(GreyImage(height: height, width: width, pixels: pixels))
        let decoded = try DecodedPNG(PNGEncoder().encode(picture))
        #expect(decoded.samples == pixels)
        #expect(Set(decoded.filters).count >= 3)
        #expect(decoded.filters[0] == PNGFilter.sub.rawValue && decoded.filters[5] == PNGFilter.up.rawValue)
        for filter in PNGFilter.allCases {
            let (row, above) = (noise(30, seed: 3), noise(30, seed: 4))
            var filtered = [UInt8](repeating: 0, count: 30)
            let sum = row.withUnsafeBufferPointer { row in
                above.withUnsafeBufferPointer { above in
                    filtered.withUnsafeMutableBufferPointer { filter.apply(row, above: above, distance: 3, into: $0) }
                }
            }
            #expect(sum == filtered.reduce(0) { $0 + Int(Int8(bitPattern: $1).magnitude) })
        }
    }

    @Test("a large picture that does not compress is split into chunks of a megabyte")
    func chunks() throws {
        let picture = try #require(GreyImage(height: 1500, width: 1500, pixels: noise(1500 * 1500, seed: 5)))
        let decoded = try DecodedPNG(PNGEncoder(compressionLevel: 1).encode(picture))
        #expect(decoded.chunkTypes == ["IHDR", "IDAT", "IDAT", "IDAT", "IEND"])
        #expect(decoded.samples == picture.pixels)
    }

    @Test("a file is written whole, over an older one, and nothing else is left in the folder")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("slice.png", [1, 2, 3])
        let picture = try #require(RGBImage(height: 3, width: 4, filledWith: .white))
        try PNGFile.write(picture, to: .scratch(path))
        #expect(try DecodedPNG(Array(Data(contentsOf: URL(fileURLWithPath: path)))).samples == picture.bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["slice.png"])
    }

    @Test("a folder that does not exist is named in the error")
    func missingFolder() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("absent/slice.png")
        let picture = try #require(GreyImage(height: 1, width: 1, pixels: [0]))
        let error = try #require(throws: RenderingError.self) { try PNGFile.write(picture, to: .scratch(path)) }
        #expect(error.code == .unwritable && error.description.contains(path))
    }
}
