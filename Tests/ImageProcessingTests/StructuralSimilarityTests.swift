import TestSupport
import Testing

@testable import ImageProcessing

@Suite("Structural similarity")
struct StructuralSimilarityTests {
    @Test("equals scikit-image's to 1e-10")
    func equalsScikitImage() throws {
        let rows = try GoldenFile("operations/ssim.csv", in: .module).rows()
        #expect(rows.count == 20)
        for var row in rows {
            let (height, width, seed) = (try row.int(), try row.int(), UInt64(try row.int()))
            let (window, range, expected) = (try row.int(), try row.double(), try row.double())
            let a = try #require(SyntheticImage.real(height: height, width: width, seed: seed))
            let other = try #require(SyntheticImage.real(height: height, width: width, seed: seed + 1))
            let b = try #require(Image(height: height, width: width, values: zip(a.values, other.values).map { ($0 + $1) / 2 }))
            let value = try StructuralSimilarity(dataRange: range, windowSize: window)(a, b)
            #expect(abs(value - expected) < 1e-10, "\(height) × \(width), window \(window)")
            #expect(try StructuralSimilarity(dataRange: range, windowSize: window)(b, a) == value)
        }
    }

    @Test("an image is wholly similar to itself, also a constant one; with bright and dark exchanged it is below zero")
    func laws() throws {
        let image = try #require(SyntheticImage.real(height: 20, width: 31, seed: 4))
        let constant = try #require(Image<Float>(height: 20, width: 31, repeating: 1e-3))
        let similarity = try StructuralSimilarity()
        #expect(abs(try similarity(image, image) - 1) < 1e-12)
        #expect(abs(try similarity(constant, constant) - 1) < 1e-12)
        #expect(try similarity(image.map { 0.5 + $0 / 16 }, image.map { 0.5 - $0 / 16 }) < -0.5)
    }

    @Test("sizes that differ, or hold no window, are refused")
    func refusesSizes() throws {
        let similarity = try StructuralSimilarity()
        let small = try #require(Image<Float>(height: 6, width: 9, repeating: 0))
        let large = try #require(Image<Float>(height: 9, width: 9, repeating: 0))
        #expect(throws: ImageError.self) { try similarity(small, large) }
        #expect(throws: ImageError.self) { try similarity(small, small) }
    }

    @Test("parameters of no index are refused")
    func refusesParameters() {
        for range in [0, -1, Double.nan, .infinity] {
            #expect(throws: ImageError.self) { try StructuralSimilarity(dataRange: range) }
        }
        for window in [1, 4, -7, 257] { #expect(throws: ImageError.self) { try StructuralSimilarity(windowSize: window) } }
        #expect(throws: ImageError.self) { try StructuralSimilarity(k1: 0) }
        #expect(throws: ImageError.self) { try StructuralSimilarity(k2: .nan) }
    }
}
