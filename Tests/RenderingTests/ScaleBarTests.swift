import Testing

@testable import Rendering

@Suite("Scale bars")
struct ScaleBarTests {
    @Test(
        "the length is round and takes at most a quarter of the width",
        arguments: [
            (928, 13.48, 200.0, "200 nm"), (512, 10, 100, "100 nm"), (4096, 13.48, 1000, "1 µm"),
            (4096, 100, 10_000, "10 µm"), (64, 13.48, 20, "20 nm"), (64, 1, 1, "1 nm"), (64, 0.5, 0.5, "5 Å"),
            (20, 0.1, 0.05, "0.5 Å"), (800, 10, 200, "200 nm"),
        ])
    func lengths(width: Int, pixelSize: Double, length: Double, label: String) throws {
        let bar = try #require(ScaleBar(imageWidth: width, pixelSizeInAngstroms: pixelSize))
        #expect(abs(bar.lengthInNanometers - length) < 1e-9 * length)
        #expect(bar.label == label)
        #expect(abs(Double(bar.lengthInPixels) - length * 10 / pixelSize) <= 0.5)
    }

    @Test("no longer round length would fit")
    func longest() throws {
        for width in stride(from: 16, through: 3000, by: 37) {
            let bar = try #require(ScaleBar(imageWidth: width, pixelSizeInAngstroms: 7.84))
            let quarter = Double(width) * 0.784 / 4
            #expect(bar.lengthInNanometers <= quarter && quarter < bar.lengthInNanometers * 2.5 + 1e-9)
        }
    }

    @Test("without a usable pixel size there is none", arguments: [0, -1, Double.nan, .infinity])
    func refusals(pixelSize: Double) {
        #expect(ScaleBar(imageWidth: 512, pixelSizeInAngstroms: pixelSize) == nil)
    }

    @Test("a picture without width, and one of a pixel, have none")
    func tinyPictures() {
        #expect(ScaleBar(imageWidth: 0, pixelSizeInAngstroms: 10) == nil)
        #expect(ScaleBar(imageWidth: 1, pixelSizeInAngstroms: 10) == nil)
        #expect(ScaleBar(imageWidth: -5, pixelSizeInAngstroms: 10) == nil)
    }

    @Test("the bar is seen on white and on black, and is not drawn where it does not fit", arguments: [Color.white, .black])
    func visible(background: Color) throws {
        let bar = try #require(ScaleBar(imageWidth: 200, pixelSizeInAngstroms: 10))
        var picture = try #require(RGBImage(height: 60, width: 200, filledWith: background))
        picture.draw(bar, inY: 0..<60, x: 0..<200)
        let row = (0..<200).map { picture[y: 60 - 8 - 2, x: $0] }
        #expect(row.filter { $0 == .white }.count >= bar.lengthInPixels && row.contains(.black))
        var small = try #require(RGBImage(height: 20, width: 200, filledWith: background))
        let untouched = small
        small.draw(bar, inY: 0..<20, x: 0..<200)
        small.draw(bar, inY: .min..<Int.max, x: .min..<Int.max)
        #expect(small == untouched)
    }
}
