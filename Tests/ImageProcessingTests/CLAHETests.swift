import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("CLAHE")
struct CLAHETests {
    @Test("equals OpenCV in every bit: 120 images, grids and clip limits, by digest")
    func equalsOpenCV() throws {
        let rows = try GoldenFile("clahe.csv", in: .module).rows().map(\.fields)
        #expect(rows.count == 120)
        for row in rows {
            try #require(row.count == 8)
            let kind = try #require(SyntheticImage(rawValue: row[0]))
            let numbers = [row[1], row[2], row[3], row[5], row[6]].compactMap { Int($0) }
            let limit = try #require(Double(row[4]))
            try #require(numbers.count == 5)
            let image = try #require(kind.make(height: numbers[0], width: numbers[1], seed: UInt64(numbers[2])))
            let method = try CLAHE(clipLimit: limit, rows: numbers[3], columns: numbers[4])
            #expect(Digest(of: method(image).values).hexadecimal == row[7], "\(row.dropLast())")
        }
    }

    @Test(
        "equals OpenCV pixel for pixel",
        arguments: [
            (file: "clahe-96x96-8x8-2.0.u8", height: 96, width: 96, method: (2.0, 8, 8)),
            (file: "clahe-61x83-3x5-3.7.u8", height: 61, width: 83, method: (3.7, 3, 5)),
        ])
    func equalsOpenCVPixelForPixel(golden: (file: String, height: Int, width: Int, method: (Double, Int, Int))) throws {
        let image = try #require(SyntheticImage.tomogram.make(height: golden.height, width: golden.width, seed: 7))
        let method = try CLAHE(clipLimit: golden.method.0, rows: golden.method.1, columns: golden.method.2)
        let expected = try GoldenFile(golden.file, in: .module).bytes()
        let result = method(image)
        try #require(result.values.count == expected.count)
        let differing = expected.indices.filter { result.values[$0] != expected[$0] }
        let first = (differing.first ?? 0).quotientAndRemainder(dividingBy: golden.width)
        #expect(differing.isEmpty, "\(differing.count) pixels, the first at y \(first.quotient), x \(first.remainder)")
    }

    @Test("a clip limit that is negative or no number is refused", arguments: [-1, Double.nan, .infinity])
    func refusesClipLimit(limit: Double) {
        #expect(throws: ImageError.self) { try CLAHE(clipLimit: limit) }
    }

    @Test("a grid without tiles, or with more than 256 along a side, is refused", arguments: [0, -3, 257, Int.max])
    func refusesGrid(side: Int) {
        #expect(throws: ImageError.self) { try CLAHE(rows: side) }
        #expect(throws: ImageError.self) { try CLAHE(columns: side) }
    }

    @Test("the largest grid and clip limit are defined on the smallest image")
    func extremes() throws {
        let pixel = try #require(Image<UInt8>(height: 1, width: 1, repeating: 7))
        let result = try CLAHE(clipLimit: .greatestFiniteMagnitude, rows: 256, columns: 256)(pixel)
        #expect(result.values == [255])
    }

    @Test("one tile without a clip limit is plain histogram equalization: order is kept and the brightest becomes white")
    func plainEqualization() throws {
        let image = try #require(SyntheticImage.tomogram.make(height: 50, width: 70, seed: 3))
        let result = try CLAHE(clipLimit: 0, rows: 1, columns: 1)(image)
        let pairs = zip(image.values, result.values).sorted { $0.0 < $1.0 }
        #expect(zip(pairs, pairs.dropFirst()).allSatisfy { $0.1 <= $1.1 })
        #expect(result.values.max() == 255)
    }
}
