import Testing

@testable import ImageProcessing

@Suite("Images")
struct ImageTests {
    @Test("sizes that contradict the values, or that no image can have, give no image")
    func refusesSizes() {
        #expect(Image<UInt8>(height: 2, width: 2, values: [1, 2, 3]) == nil)
        #expect(Image<UInt8>(height: 0, width: 2, values: []) == nil)
        #expect(Image<UInt8>(height: -1, width: -1, values: [1]) == nil)
        #expect(Image<UInt8>(height: .max, width: .max, repeating: 0) == nil)
        #expect(Image<UInt8>(height: Int(Int32.max), width: Int(Int32.max), repeating: 0) == nil)
    }

    @Test("pixels are found by row and column")
    func pixels() throws {
        var image = try #require(Image<UInt8>(height: 2, width: 3, values: [0, 1, 2, 10, 11, 12]))
        #expect(image[y: 1, x: 2] == 12)
        image[y: 0, x: 1] = 99
        #expect(image.values == [0, 99, 2, 10, 11, 12])
        #expect(image.map { Float(255 - $0) } == Image(height: 2, width: 3, values: [255, 156, 253, 245, 244, 243]))
    }

    @Test("a region that does not lie in the image is refused")
    func refusesRegion() throws {
        let image = try #require(Image<Float>(height: 4, width: 4, repeating: 0))
        let tooWide = try #require(ImageRegion(y: 0..<4, x: 1..<5))
        let tooHigh = try #require(ImageRegion(y: 4..<5, x: 0..<1))
        #expect(throws: ImageError.self) { try image.cropped(to: tooWide) }
        #expect(throws: ImageError.self) { try image.cropped(to: tooHigh) }
        #expect(ImageRegion(y: 0..<0, x: 0..<1) == nil)
        #expect(ImageRegion(y: -1..<2, x: 0..<1) == nil)
    }
}
