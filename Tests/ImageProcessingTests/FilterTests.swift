import TestSupport
import Testing

@testable import ImageProcessing

@Suite("Gaussian blur")
struct FilterTests {
    @Test("the weights are OpenCV's, of any size and σ")
    func kernels() throws {
        for var row in try GoldenFile("operations/kernels.csv", in: .module).rows() {
            let (size, sigma) = (try row.int(), try row.double())
            let expected = try row.text().split(separator: " ").compactMap { Float($0) }
            let kernel = try GaussianKernel(size: size, sigma: sigma > 0 ? sigma : nil)
            try #require(kernel.weights.count == expected.count)
            for (mine, theirs) in zip(kernel.weights, expected) { #expect(abs(mine - theirs) <= theirs.ulp, "size \(size)") }
        }
    }

    // Values are up to 8; a dozen roundings of float32 along each axis.
    @Test("blurred images equal OpenCV's to rounding, at both borders, and with kernels larger than the image")
    func equalsOpenCV() throws {
        let rows = try GoldenFile("operations/blur.csv", in: .module).rows()
        #expect(rows.count == 22)
        for var row in rows {
            let (height, width, seed) = (try row.int(), try row.int(), try row.int())
            let (size, sigma, border) = (try row.int(), try row.double(), try row.value(BorderRule.self))
            let image = try #require(SyntheticImage.real(height: height, width: width, seed: UInt64(seed)))
            let result = try image.blurred(by: GaussianKernel(size: size, sigma: sigma > 0 ? sigma : nil), border: border)
            let expected = try GoldenFile("operations/blur-\(seed).f4", in: .module).floats()
            try #require(result.values.count == expected.count)
            let error = zip(result.values, expected).map { abs($0 - $1) }.max() ?? 0
            #expect(error <= 5e-6, "seed \(seed)")
        }
    }

    @Test("a constant stays constant, whatever the sizes", arguments: BorderRule.allCases)
    func constant(border: BorderRule) throws {
        for (height, width, size) in [(1, 1, 511), (1, 40, 31), (33, 2, 9), (20, 16, 5)] {
            let image = try #require(Image<Float>(height: height, width: width, repeating: 0.1))
            let result = try image.blurred(by: GaussianKernel(size: size), border: border)
            #expect(result.values.allSatisfy { abs($0 - 0.1) < 1e-6 })
        }
    }

    @Test("an impulse becomes the product of the weights, and nothing beyond them")
    func impulse() throws {
        var image = try #require(Image<Float>(height: 41, width: 53, repeating: 0))
        image[y: 20, x: 26] = 1
        let kernel = try GaussianKernel(size: 15)
        let result = image.blurred(by: kernel)
        for (dy, dx) in [(0, 0), (7, -7), (-3, 2)] {
            let expected = kernel.weights[7 + dy] * kernel.weights[7 + dx]
            #expect(abs(result[y: 20 + dy, x: 26 + dx] - expected) < 1e-8)
        }
        #expect(abs(result.values.reduce(0, +) - 1) < 1e-5)
        #expect(result[y: 20 + 8, x: 26] == 0)
    }

    @Test("a size that is even, or of no kernel, is refused", arguments: [0, 2, -1, 513, Int.min])
    func refusesSize(size: Int) {
        #expect(throws: ImageError.self) { try GaussianKernel(size: size) }
    }
}
