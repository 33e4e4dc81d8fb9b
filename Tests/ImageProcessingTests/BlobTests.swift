import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

/// Bright balls in noise: densities of mean about 0.
private struct BallScene {
    let shape: VolumeShape
    /// Centre (x, y, z) and radius in voxels.
    var balls: [(center: SIMD3<Double>, radius: Double)]
    var contrast: Float = 2
    var noise: Float = 1
    var seed: UInt64 = 5

    init(z: Int, side: Int, balls: [(center: SIMD3<Double>, radius: Double)]) throws {
        shape = try #require(VolumeShape(z: z, y: side, x: side))
        self.balls = balls
    }

    /// All slices `[y][x]`. Voxels at the border of a ball are filled as far as the ball reaches into them, about.
    func slices() throws -> [Image<Float>] {
        var random = RandomStream(state: seed)
        return try (0..<shape.z).map { z in
            var values = [Float](repeating: 0, count: shape.voxelsPerSlice)
            for index in values.indices {
                values[index] = noise * Float.random(in: -1...1, using: &random)
                let place = SIMD3(Double(index % shape.x), Double(index / shape.x), Double(z))
                for ball in balls {
                    let offset = place - ball.center
                    let inside = ball.radius + 0.5 - (offset * offset).sum().squareRoot()
                    values[index] += contrast * Float(min(max(inside, 0), 1))
                }
            }
            return try #require(Image(height: shape.y, width: shape.x, values: values))
        }
    }
}

private func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
    ((a - b) * (a - b)).sum().squareRoot()
}

@Suite("Particles by their size") struct BlobTests {
    private static let five: [(center: SIMD3<Double>, radius: Double)] = [
        (SIMD3(12, 14, 10), 5), (SIMD3(40.3, 12.6, 20), 5), (SIMD3(14, 44, 28.4), 5), (SIMD3(44, 42, 11), 5),
        (SIMD3(29, 29, 30), 5),
    ]

    @Test("balls in noise are found within a voxel, with and without templates; of noise hardly anything", arguments: 0...2)
    func balls(rounds: Int) throws {
        let scene = try BallScene(z: 40, side: 56, balls: Self.five)
        let slices = try scene.slices()
        let found = try BlobFinder(shape: scene.shape, diameters: [10], rounds: rounds).blobs(in: 0..<40) { slices[$0] }
        // A template may take a maximum of the noise with it, which is less sure than any ball.
        #expect((5...6).contains(found.blobs.count), "\(found)")
        let surest = found.blobs.sorted { $0.confidence > $1.confidence }.prefix(5)
        for ball in scene.balls {
            #expect(surest.contains { distance($0.center, ball.center) < 1 }, "\(ball.center), \(found.blobs)")
        }
        // Above the threshold, and clearly so.
        #expect(found.blobs.allSatisfy { $0.radius == 5 && $0.confidence > 0.5 && $0.confidence < 1 })
        #expect(found.blobs.map(\.confidence) == found.blobs.map(\.confidence).sorted(by: >))
        #expect(try #require(found.thresholds[0]) > 0)
    }

    @Test("of all sizes that of a ball answers most in its centre, and alike whatever the size", arguments: [4.0, 5, 6.5, 8])
    func matchedSize(radius: Double) throws {
        var scene = try BallScene(z: 49, side: 49, balls: [(SIMD3(24, 24, 24), radius)])
        (scene.noise, scene.contrast) = (0, 1)
        let slices = try scene.slices()
        var responses: [(radius: Double, response: Float)] = []
        for factor in [0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4] {
            let filter = try RadialFilter(.laplacian(radius: factor * radius), shape: scene.shape)
            try filter.forEachSlice(of: 24..<25) {
                slices[$0]
            } _: {
                responses.append((factor, $1[y: 24, x: 24]))
            }
        }
        let best = try #require(responses.max { $0.response < $1.response })
        // The maximum is flat, and a ball of voxels is not a ball: the neighbouring sizes may come near, those beyond them not.
        #expect((0.9...1.1).contains(best.radius), "\(responses)")
        // √(2/π) 3^1.5 e^−1.5
        #expect(abs(best.response - 0.925) < 0.06, "\(responses)")
    }

    @Test("a volume of one value has no particle, nor has one of a single voxel")
    func constant() throws {
        let shape = try #require(VolumeShape(z: 12, y: 20, x: 20))
        let image = try #require(Image<Float>(height: 20, width: 20, repeating: 1))
        let found = try BlobFinder(shape: shape, diameters: [8, 40]).blobs(in: 0..<12) { _ in image }
        #expect(found.blobs.isEmpty && found.thresholds == [nil, nil])
        let one = try #require(VolumeShape(z: 1, y: 1, x: 1))
        let voxel = try #require(Image<Float>(height: 1, width: 1, repeating: 0))
        #expect(try BlobFinder(shape: one, diameters: [4]).blobs(in: 0..<1) { _ in voxel }.blobs.isEmpty)
    }

    @Test(
        "a part of a volume is filtered as the whole, and neither depends on the other side of it",
        arguments: [0..<3, 9..<14, 20..<24])
    func window(z: Range<Int>) throws {
        let scene = try BallScene(z: 24, side: 24, balls: [(SIMD3(12, 12, 12), 4)])
        let slices = try scene.slices()
        for kernel in [RadialKernel.laplacian(radius: 4), RadialKernel.laplacian(radius: 12)] {
            let filter = try RadialFilter(kernel, shape: scene.shape)
            var (whole, part): ([Image<Float>], [Image<Float>]) = ([], [])
            var loaded: [Int] = []
            try filter.forEachSlice(of: 0..<24, load: { slices[$0] }, { whole.append($1) })
            try filter.forEachSlice(of: z) { slice in
                loaded.append(slice)
                return slices[slice]
            } _: { index, image in
                #expect(index == z.lowerBound + part.count)
                part.append(image)
            }
            #expect(part == Array(whole[z]))
            #expect(loaded == Array(max(0, z.lowerBound - filter.reach)..<min(24, z.upperBound + filter.reach)))
        }
    }

    @Test("a filter equals the plain sum of Gaussians over a mirrored volume")
    func plain() throws {
        let scene = try BallScene(z: 7, side: 9, balls: [(SIMD3(4, 3, 2), 2)])
        let slices = try scene.slices()
        let kernel = RadialKernel(terms: [.init(weight: 2, sigma: 1.2), .init(weight: -1, sigma: 2)])
        let filter = try RadialFilter(kernel, shape: scene.shape)
        var result: [Image<Float>] = []
        try filter.forEachSlice(of: 0..<7, load: { slices[$0] }, { result.append($1) })
        func mirrored(_ index: Int, _ count: Int) -> Int {
            var index = index
            while index < 0 || index >= count { index = index < 0 ? -index : 2 * (count - 1) - index }
            return index
        }
        let (z, y, x) = (1, 7, 4)
        var expected = 0.0
        for term in kernel.terms {
            let gaussian = try GaussianKernel(sigma: term.sigma)
            let radius = gaussian.radius
            for dz in -radius...radius {
                for dy in -radius...radius {
                    for dx in -radius...radius {
                        let weights = [dz, dy, dx].map { Double(gaussian.weights[$0 + radius]) }
                        let value = slices[mirrored(z + dz, 7)][y: mirrored(y + dy, 9), x: mirrored(x + dx, 9)]
                        expected += term.weight * weights[0] * weights[1] * weights[2] * Double(value)
                    }
                }
            }
        }
        #expect(abs(Double(result[z][y: y, x: x]) - expected) < 1e-4)
    }

    @Test("two sizes are told apart, each ball once, with and without templates", arguments: [0, 2])
    func twoSizes(rounds: Int) throws {
        var scene = try BallScene(
            z: 44, side: 72,
            balls: [
                (SIMD3(16, 16, 22), 8), (SIMD3(54, 18, 20), 8), (SIMD3(20, 54, 22), 4), (SIMD3(40, 40, 12), 4),
                (SIMD3(56, 56, 30), 4),
            ])
        scene.noise = 0.6
        let slices = try scene.slices()
        let found = try BlobFinder(shape: scene.shape, diameters: [8, 16], rounds: rounds).blobs(in: 0..<44) { slices[$0] }
        for ball in scene.balls {
            let near = found.blobs.filter { distance($0.center, ball.center) < ball.radius }
            #expect(near.count == 1 && near.first?.radius == ball.radius, "\(ball), \(found.blobs)")
        }
    }

    @Test("large particles are found in a binned volume, where they are, to a binned voxel or two")
    func binned() throws {
        let scene = try BallScene(z: 48, side: 96, balls: [(SIMD3(25, 30, 24), 18), (SIMD3(70, 64, 22), 18)])
        let slices = try scene.slices()
        // A threshold is given: of hardly more maxima than balls, Otsu's parts the balls themselves.
        let found = try BlobFinder(shape: scene.shape, diameters: [36], rounds: 1, threshold: 1).blobs(in: 0..<48) { slices[$0] }
        for ball in scene.balls {
            #expect(found.blobs.contains { distance($0.center, ball.center) < 4 }, "\(found.blobs)")
        }
    }

    @Test("with little memory the volume is binned further; what lies at its far faces is found inside of it")
    func littleMemory() throws {
        var scene = try BallScene(z: 45, side: 61, balls: [(SIMD3(18, 20, 20), 8), (SIMD3(44, 42, 44), 8)])
        scene.noise = 0.5
        let slices = try scene.slices()
        let finder = try BlobFinder(shape: scene.shape, diameters: [16], rounds: 0, threshold: 2, bytes: 1)
        var calls = 0
        let found = try finder.blobs(in: 0..<45) { z in
            calls += 1
            return slices[z]
        }
        #expect(calls == 45)
        for ball in scene.balls { #expect(found.blobs.contains { distance($0.center, ball.center) < 3 }, "\(found.blobs)") }
        #expect(found.blobs.allSatisfy { $0.center.z <= 44 && $0.center.y <= 60 && $0.center.x <= 60 })
    }

    @Test(
        "slices beyond a range are read, so that its ends are no edges; what lies there is not given; the bits are the same again"
    )
    func slab() throws {
        let scene = try BallScene(z: 40, side: 56, balls: Self.five)
        let slices = try scene.slices()
        let finder = try BlobFinder(shape: scene.shape, diameters: [10], rounds: 1)
        let z = 9..<22
        let found = try finder.blobs(in: z) { slices[$0] }
        // One begins four slices below the range.
        for ball in scene.balls where z.contains(Int(ball.center.z.rounded())) {
            #expect(found.blobs.contains { distance($0.center, ball.center) < 1 }, "\(ball.center), \(found.blobs)")
        }
        #expect(found.blobs.allSatisfy { z.contains(Int($0.center.z.rounded())) })
        #expect(try finder.blobs(in: z) { slices[$0] }.blobs == found.blobs)
        #expect(try finder.blobs(in: 50..<60) { slices[$0] }.blobs.isEmpty)
    }

    @Test("of voxels that are the same the first is the maximum, and maxima in the first slice of a part are not known")
    func maxima() throws {
        func image(_ values: [Float]) throws -> Image<Float> { try #require(Image(height: 1, width: 4, values: values)) }
        var whole = BlobMaxima(depth: 3, least: 0)
        let slices: [[Float]] = [[0, 2, 2, 0], [0, 2, 0, 0], [0, 0, 0, 3]]
        for (z, values) in slices.enumerated() {
            whole.add(try image(values), z: z)
        }
        #expect(whole.peaks.map { $0.response } == [2, 3])
        #expect(whole.peaks[0].center.z == 0 && whole.peaks[1].center.z == 2)
        var part = BlobMaxima(depth: 9, least: 0)
        for z in 4...5 { part.add(try image([0, 1, 0, 0]), z: z) }
        #expect(part.peaks.isEmpty)
    }

    @Test("a template is like the profile it is made from, and its weights sum to zero")
    func template() throws {
        let radius = 8.0
        let profile = (0..<20).map { min(max(radius + 0.5 - Double($0), 0), 1) }
        let kernel = try #require(RadialKernel(profile: profile, radius: radius, smoothing: 1.5))
        let weights = kernel.terms.map(\.weight)
        #expect(abs(weights.reduce(0, +)) < 1e-6 * weights.map(abs).reduce(0, +))
        #expect(abs(kernel.scaled(toNorm: 3).norm - 3) < 1e-9)
        #expect(RadialKernel(profile: [Double](repeating: 0, count: 20), radius: radius, smoothing: 1.5) == nil)
        #expect(RadialKernel(profile: [Double](repeating: .nan, count: 20), radius: radius, smoothing: 1.5) == nil)
    }

    @Test("numbers of balls: where two overlap the nearer centre counts, and of equally near ones the first")
    func numbers() throws {
        let shape = try #require(VolumeShape(z: 9, y: 9, x: 13))
        let balls = [
            Blob(center: SIMD3(3, 4, 4), radius: 3, confidence: 1), Blob(center: SIMD3(7, 4, 4), radius: 3, confidence: 1),
        ]
        let numbers = BallNumbers(balls, shape: shape)
        let middle = numbers.numbers(slice: 4)
        #expect((0..<13).map { middle[y: 4, x: $0] } == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0, 0])
        #expect(numbers.numbers(slice: 7)[y: 4, x: 3] == 1 && numbers.numbers(slice: 8).values.allSatisfy { $0 == 0 })
    }

    @Test("numbers that are out of range, and slices of another size, are refused")
    func refusals() throws {
        let shape = try #require(VolumeShape(z: 4, y: 8, x: 8))
        #expect(throws: ImageError.self) { try BlobFinder(shape: shape, diameters: [3]) }
        #expect(throws: ImageError.self) { try BlobFinder(shape: shape, diameters: [.nan]) }
        #expect(throws: ImageError.self) { try BlobFinder(shape: shape, diameters: [10], rounds: -1) }
        #expect(throws: ImageError.self) { try BlobFinder(shape: shape, diameters: [10], threshold: -1) }
        #expect(throws: ImageError.self) { try BlobFinder(shape: shape, diameters: [10], separation: 0) }
        let small = try #require(Image<Float>(height: 7, width: 8, repeating: 0))
        for diameter in [5.0, 40] {
            let finder = try BlobFinder(shape: shape, diameters: [diameter])
            #expect(throws: ImageError.self) { try finder.blobs(in: 0..<4) { _ in small } }
        }
    }
}
