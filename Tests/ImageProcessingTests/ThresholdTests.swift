import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("Thresholds")
struct ThresholdTests {
    @Test("the adaptive threshold equals OpenCV's in every pixel but listed near ties: 60 images, both directions, by digest")
    func adaptiveEqualsOpenCV() throws {
        let rows = try GoldenFile("operations/adaptive.csv", in: .module).rows()
        #expect(rows.count == 60)
        for var row in rows {
            let (kind, height, width, seed) = (try row.value(SyntheticImage.self), try row.int(), try row.int(), try row.int())
            let (block, offset) = (try row.int(), try row.double())
            let image = try #require(kind.make(height: height, width: width, seed: UInt64(seed)))
            let expected = [try row.text(), try row.text()]
            let ties = try row.integers()
            #expect(ties.count <= height * width / 4)
            for (direction, expected) in zip([AdaptiveThreshold.Direction.aboveMean, .openCVBinary], expected) {
                var result = try AdaptiveThreshold(blockSize: block, offset: offset, direction: direction)(image).bytes()
                for tie in ties { result[y: tie / width, x: tie % width] = 0 }
                #expect(
                    Digest(of: result.values).hexadecimal == expected, "seed \(seed), block \(block), C \(offset), \(direction)")
            }
        }
    }

    @Test("what is flat is background above the mean, and foreground in OpenCV's direction", arguments: [0, 7, 255] as [UInt8])
    func flat(value: UInt8) throws {
        let image = try #require(Image<UInt8>(height: 20, width: 31, repeating: value))
        #expect(try AdaptiveThreshold()(image).foregroundCount == 0)
        #expect(try AdaptiveThreshold(direction: .openCVBinary)(image).foregroundCount == 620)
        #expect(try AdaptiveThreshold().localMeans(of: image) == image)
    }

    @Test("one pixel is an image, too")
    func onePixel() throws {
        let image = try #require(Image<UInt8>(height: 1, width: 1, repeating: 9))
        #expect(try AdaptiveThreshold(blockSize: 511)(image).values == [false])
    }

    @Test("a block that is even or too small, and an offset that is no grey level, are refused")
    func refuses() {
        for block in [0, 1, 14, -15, 513] { #expect(throws: ImageError.self) { try AdaptiveThreshold(blockSize: block) } }
        for offset in [Double.nan, .infinity, 256, -300] {
            #expect(throws: ImageError.self) { try AdaptiveThreshold(offset: offset) }
        }
    }

    @Test("Otsu's threshold gives the masks of OpenCV and scikit-image")
    func otsu() throws {
        let rows = try GoldenFile("operations/otsu.csv", in: .module).rows()
        #expect(rows.count == 42)
        for var row in rows {
            let (type, kind) = (try row.text(), try row.text())
            let (height, width, seed, threshold) = (try row.int(), try row.int(), try row.int(), try row.double())
            if type == "8-bit" {
                let kind = try #require(SyntheticImage(rawValue: kind))
                let image = try #require(kind.make(height: height, width: width, seed: UInt64(seed)))
                #expect(image.otsuThreshold() == UInt8(threshold), "\(kind) \(seed)")
                let mask = image.thresholded(above: image.otsuThreshold())
                let expected = try row.text()
                #expect(Digest(of: mask.bytes().values).hexadecimal == expected, "\(kind) \(seed)")
            } else {
                let image = try #require(SyntheticImage.real(height: height, width: width, seed: UInt64(seed)))
                #expect(abs(Double(image.otsuThreshold()) - threshold) < 1e-6, "seed \(seed)")
            }
        }
    }

    @Test("Otsu's threshold of a constant is the constant, and without any number 0")
    func otsuOfConstant() throws {
        let constant = try #require(Image<Float>(height: 3, width: 4, repeating: -2.5))
        #expect(constant.otsuThreshold() == -2.5)
        #expect(constant.thresholded(above: -2.5).foregroundCount == 0)
        let none = try #require(Image<Float>(height: 3, width: 4, repeating: .nan))
        #expect(none.otsuThreshold() == 0)
        let extreme = try #require(
            Image<Float>(height: 1, width: 3, values: [-.greatestFiniteMagnitude, .infinity, .greatestFiniteMagnitude]))
        #expect(extreme.thresholded(above: extreme.otsuThreshold()).values == [false, true, true])
    }

    @Test("percentiles equal NumPy's")
    func percentiles() throws {
        for var row in try GoldenFile("operations/percentiles.csv", in: .module).rows() {
            let (height, width, seed) = (try row.int(), try row.int(), try row.int())
            let image = try #require(SyntheticImage.real(height: height, width: width, seed: UInt64(seed)))
            let result = try #require(try image.percentiles([0, 1, 12.5, 50, 99, 99.9, 100]))
            for value in result {
                let expected = try row.double()
                #expect(abs(Double(value) - expected) < 1e-6)
            }
        }
    }

    @Test("percentiles are of the finite numbers; where there are none there is no percentile")
    func percentilesOfOddValues() throws {
        let odd = try #require(Image<Float>(height: 1, width: 5, values: [.nan, 1, .infinity, 3, -.infinity]))
        #expect(try odd.percentiles([0, 50, 100]) == [1, 2, 3])
        let none = try #require(Image<Float>(height: 1, width: 1, repeating: .nan))
        #expect(try none.percentiles([50]) == nil)
        for percent in [-1, 101, Double.nan] { #expect(throws: ImageError.self) { try odd.percentiles([percent]) } }
    }
}
