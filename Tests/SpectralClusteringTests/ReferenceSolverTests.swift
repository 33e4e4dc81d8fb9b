import Tensors
import TestSupport
import Testing

@testable import SpectralClustering

@Suite("The reference solver")
struct ReferenceSolverTests {
    /// The parameters of Golden/make_golden.py.
    private static func network() -> ReferenceNetwork {
        let (k, c) = (16, 5)
        let weights = [(UInt64(21), k), (22, k), (23, c)].map { seed, outputs in noise(seed, outputs, k, 1, 3, 3, scale: 0.5) }
        let biases = [noise(24, k, scale: 0.5), noise(25, k, scale: 0.5), noise(26, c, scale: 0.5)]
        let scales = [UInt64(27), 28].map { seed in
            Tensor(shape: [k], values: noise(seed, k, scale: 0.5).values.map { $0 + 1 })
        }
        return ReferenceNetwork(
            input: noise(20, 1, 1, 8, 8, k, scale: 0.5), weights: weights, biases: biases, scales: scales,
            shifts: [noise(29, k, scale: 0.5), noise(30, k, scale: 0.5)])
    }

    @Test("loss, maps and the derivatives by all parameters equal PyTorch's")
    func derivatives() throws {
        let heads: [(side: Int, seed: UInt64, spread: Double)] = [(8, 31, 0.05), (8, 32, 0.2), (4, 33, 0.1)]
        let graphs = try heads.flatMap { head in
            try AffinityOperator(terms: [Affinities.term(head.side, seed: head.seed, spread: head.spread)]).resolutions.map {
                AffinityOperator.Resolution(grid: $0.grid, matrix: $0.matrix, scale: $0.scale, offset: $0.offset, share: 1 / 3)
            }
        }
        let network = Self.network()
        let tape = Tape()
        let maps = network(on: tape)
        #expect(try relativeError(maps.value.values, GoldenFile("reference_maps.f32", in: .module).floats()) < 1e-5)
        let (loss, gradient) = try ReferenceLoss(grid: TokenGrid(height: 8, width: 8), graphs: graphs)(maps.value)
        #expect(try relativeError([Float(loss)], GoldenFile("reference_loss.f32", in: .module).floats()) < 1e-5)
        tape.backward(from: maps, gradient: gradient)
        for parameter in network.parameters where parameter.name != "bias0" && parameter.name != "bias1" {
            let found = try #require(parameter.gradient).values
            let expected = try GoldenFile("reference_\(parameter.name).f32", in: .module).floats()
            #expect(relativeError(found, expected) < 1e-4, "\(parameter.name)")
        }
        // Normalisation takes a bias before it away again: nothing but rounding is left.
        for bias in network.biases.prefix(2) { #expect(try #require(bias.gradient).values.allSatisfy { abs($0) < 1e-6 }) }
    }

    @Test("three steps of Adam equal PyTorch's")
    func adam() throws {
        var values = noise(40, 64)
        var state = AdamState(shape: [64])
        for step in 0..<3 {
            let gradient = Tensor(shape: [64], values: noise(41 + UInt64(step), 64).values.map { 20 * $0 })
            state.update(&values, gradient: gradient, AdamState.Step(number: step + 1, learningRate: 0.002))
        }
        #expect(try relativeError(values.values, GoldenFile("adam.f32", in: .module).floats()) < 1e-6)
    }

    @Test("the closed form's trace is at least the loop's, on ten random structured affinities", arguments: 0..<10)
    func trace(seed: Int) throws {
        let seed = UInt64(seed)
        let affinity = try AffinityOperator(
            terms: [
                Affinities.term(12, seed: 100 + seed, spread: 0.02 + 0.01 * Double(seed), layers: 5),
                Affinities.term(6, seed: 200 + seed, spread: 0.05, layers: 5), Affinities.term(3, seed: 300 + seed, spread: 0.2),
            ])
        let loop = try ReferenceSolver(count: 6, channels: 32, updates: 60, constantTolerance: 0, seed: seed)(affinity)
        let closed = try Eigensolver(count: 6, constantTolerance: 0)(affinity)
        let trace = closed.values.reduce(0, +)
        #expect(trace >= loop.trace * (1 - 1e-6))
        #expect(loop.losses.count == 61)
        #expect(try #require(loop.losses.last) < loop.losses[0])
        // The loop is no random guess: it finds more than six random orthonormal vectors would, of which each has the mean
        // eigenvalue.
        #expect(loop.trace > 0.3 * trace)
        let angle = largestAngle(loop.eigenvectors.vectors, closed.vectors)
        print("seed \(seed): trace \(trace), by the loop \(loop.trace); sine of the largest principal angle \(angle)")
    }

    @Test("a seed determines the result, and parameters out of range are refused")
    func seeds() throws {
        let affinity = try AffinityOperator(terms: [Affinities.term(6, seed: 2, spread: 0.1)])
        func run(_ seed: UInt64) throws -> [Float] {
            try ReferenceSolver(count: 4, channels: 8, updates: 5, seed: seed)(affinity).eigenvectors.vectors.values
        }
        #expect(try run(1) == run(1))
        #expect(try run(1) != run(2))
        expectFailure(.invalidParameter) { try ReferenceSolver(count: 0) }
        expectFailure(.invalidParameter) { try ReferenceSolver(channels: 0) }
        expectFailure(.invalidParameter) { try ReferenceSolver(updates: 0) }
        expectFailure(.invalidParameter) { try ReferenceSolver(iterations: 0) }
        expectFailure(.invalidParameter) { try ReferenceSolver(learningRate: .nan) }
        expectFailure(.invalidSize) { try ReferenceSolver(count: 36)(affinity) }
    }

    @Test("singular vectors are orthonormal, span what the vectors span, and dependent ones are left out")
    func singularVectors() {
        var rows = noise(1, 4, 50).values
        for place in 0..<50 { rows[150 + place] = rows[place] + 2 * rows[50 + place] }
        let found = SingularVectors(Tensor(shape: [4, 50], values: rows))
        #expect(found.values.count == 3)
        let squares = rows.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(found.values.reduce(0) { $0 + $1 * $1 } / squares - 1) < 1e-9)
        #expect(largestAngle(Tensor(shape: [4, 50], values: rows), found.vectors) < 1e-6)
    }
}
