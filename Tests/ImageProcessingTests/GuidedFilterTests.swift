import Basics
import Testing

@testable import ImageProcessing

@Suite("The guided filter")
struct GuidedFilterTests {
    /// Values in 0 ..< 1.
    private static func random(height: Int, width: Int, seed: UInt64) throws -> Image<Float> {
        var generator = RandomStream(state: seed)
        let values = (0..<height * width).map { _ in Float.random(in: 0..<1, using: &generator) }
        return try #require(Image(height: height, width: width, values: values))
    }

    /// The mean over the window of each pixel, by adding all of them.
    private static func means(_ values: [Double], height: Int, width: Int, radius: Int) -> [Double] {
        (0..<height * width).map { place in
            let (y, x) = (place / width, place % width)
            var (sum, count) = (0.0, 0.0)
            for row in max(y - radius, 0)...min(y + radius, height - 1) {
                for column in max(x - radius, 0)...min(x + radius, width - 1) {
                    sum += values[row * width + column]
                    count += 1
                }
            }
            return sum / count
        }
    }

    @Test("equals a direct computation, also where windows are larger than the image", arguments: [1, 2, 5, 40])
    func direct(radius: Int) throws {
        for (height, width) in [(17, 23), (9, 4), (1, 12), (12, 1), (1, 1)] {
            let image = try Self.random(height: height, width: width, seed: 1)
            let guide = try Self.random(height: height, width: width, seed: 2)
            let (p, i) = (image.values.map(Double.init), guide.values.map(Double.init))
            func means(_ values: [Double]) -> [Double] { Self.means(values, height: height, width: width, radius: radius) }
            for epsilon in [1e-3, 0.1] {
                let (meanI, meanP) = (means(i), means(p))
                let (squares, products) = (means(zip(i, i).map(*)), means(zip(i, p).map(*)))
                let slopes = i.indices.map {
                    (products[$0] - meanI[$0] * meanP[$0]) / (squares[$0] - meanI[$0] * meanI[$0] + epsilon)
                }
                let (a, b) = (means(slopes), means(i.indices.map { meanP[$0] - slopes[$0] * meanI[$0] }))
                let result = try GuidedFilter(radius: radius, epsilon: epsilon)(image, guide: guide)
                for place in i.indices {
                    #expect(abs(Double(result.values[place]) - (a[place] * i[place] + b[place])) < 1e-5)
                }
            }
        }
    }

    @Test("a constant guide gives the mean over the window, twice")
    func constantGuide() throws {
        let image = try Self.random(height: 14, width: 19, seed: 3)
        let guide = try #require(Image<Float>(height: 14, width: 19, repeating: 0.4))
        let result = try GuidedFilter(radius: 2, epsilon: 1e-3)(image, guide: guide)
        let once = Self.means(image.values.map(Double.init), height: 14, width: 19, radius: 2)
        let twice = Self.means(once, height: 14, width: 19, radius: 2)
        #expect(zip(result.values, twice).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    }

    @Test("an image that is its own guide is kept as ε vanishes, and so is any line of it")
    func lines() throws {
        let guide = try Self.random(height: 20, width: 20, seed: 4)
        let filter = try GuidedFilter(radius: 3, epsilon: 1e-9)
        for (slope, level) in [(Float(1), Float(0)), (-2, 5), (0.3, -1), (0, 2)] {
            let image = guide.map { slope * $0 + level }
            let result = try filter(image, guide: guide)
            #expect(zip(result.values, image.values).allSatisfy { abs($0 - $1) < 1e-4 }, "\(slope) · guide + \(level)")
        }
    }

    @Test("an edge of the guide is kept in a blurred map, and noise of the map is not")
    func edge() throws {
        let (height, width) = (24, 24)
        let values = (0..<height * width).map { Float($0 % width < 12 ? 0 : 1) }
        let guide = try #require(Image<Float>(height: height, width: width, values: values))
        let blurred = try guide.blurred(by: GaussianKernel(sigma: 3))
        let result = try GuidedFilter(radius: 4, epsilon: 1e-4)(blurred, guide: guide)
        let row = 12 * width
        let (before, after) = (
            blurred.values[row + 12] - blurred.values[row + 11], result.values[row + 12] - result.values[row + 11]
        )
        #expect(after > 2 * before)
        // What the guide does not show is smoothed.
        let flat = try #require(Image<Float>(height: height, width: width, repeating: 0.5))
        let noise = try Self.random(height: height, width: width, seed: 5)
        let smooth = try GuidedFilter(radius: 4, epsilon: 1e-4)(noise, guide: flat)
        func spread(_ image: Image<Float>) -> Float { (image.values.max() ?? 0) - (image.values.min() ?? 0) }
        #expect(spread(smooth) < spread(noise) / 2)
    }

    @Test("refuses images of other sizes, radii and ε that it is not defined for")
    func refuses() throws {
        #expect(throws: ImageError.self) { try GuidedFilter(radius: 0, epsilon: 0.1) }
        #expect(throws: ImageError.self) { try GuidedFilter(radius: 9000, epsilon: 0.1) }
        for epsilon in [0, -1, .nan, .infinity] {
            #expect(throws: ImageError.self) { try GuidedFilter(radius: 1, epsilon: epsilon) }
        }
        let (a, b) = (try Self.random(height: 4, width: 5, seed: 1), try Self.random(height: 5, width: 4, seed: 1))
        #expect(throws: ImageError.self) { try GuidedFilter(radius: 1, epsilon: 0.1)(a, guide: b) }
    }
}
