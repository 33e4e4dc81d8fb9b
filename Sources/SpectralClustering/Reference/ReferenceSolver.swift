public import Basics
internal import Tensors

/// The loop of gradient descent that the closed form stands beside, for comparison: maps are the output of a small network that
/// is trained on one affinity (Zhang, Yunis and Maire, CVPR 2024; method.md, section 3).
///
/// That loop draws images and timesteps anew in each of the 20 iterations whose gradients make one update. Here an affinity
/// is the mean over them already, so the iterations of an update would be equal: one is computed and counted 20 times.
public struct ReferenceSolver: Sendable {
    /// How many maps.
    public let count: Int
    /// Channels of the network.
    public let channels: Int
    /// Steps of the optimizer.
    public let updates: Int
    /// Iterations whose gradients make one update.
    public let iterations: Int
    public let learningRate: Double
    /// As of ``Eigensolver``. One map less comes back where one is constant.
    public let constantTolerance: Double
    public let seed: UInt64

    /// - Throws: ``SpectralError`` where a parameter is out of range.
    public init(
        count: Int = 20, channels: Int = 128, updates: Int = 100, iterations: Int = 20, learningRate: Double = 0.002,
        constantTolerance: Double = 0.1, seed: UInt64 = 0
    ) throws(SpectralError) {
        guard (1...1024).contains(count) else { throw .parameter("count", count, mustBe: "between 1 and 1024") }
        guard (1...1024).contains(channels) else { throw .parameter("channels", channels, mustBe: "between 1 and 1024") }
        guard (1...1_000_000).contains(updates) else { throw .parameter("updates", updates, mustBe: "between 1 and 1000000") }
        guard (1...1_000_000).contains(iterations) else {
            throw .parameter("iterations", iterations, mustBe: "between 1 and 1000000")
        }
        guard learningRate > 0, learningRate <= 1 else {
            throw .parameter("learningRate", learningRate, mustBe: "above 0 and at most 1")
        }
        guard constantTolerance >= 0, constantTolerance < 1 else {
            throw .parameter("constantTolerance", constantTolerance, mustBe: "at least 0 and below 1")
        }
        (self.count, self.channels, self.updates, self.iterations) = (count, channels, updates, iterations)
        (self.learningRate, self.constantTolerance, self.seed) = (learningRate, constantTolerance, seed)
    }

    /// Runs the loop.
    ///
    /// - Throws: ``SpectralError`` where the affinity has too few tokens, or the loop diverges.
    /// - Complexity: some 7 · 2 · 9 · channels² · N operations for each update.
    public func callAsFunction(_ affinity: AffinityOperator) throws(SpectralError) -> ReferenceSolution {
        let grid = affinity.grid
        guard count < grid.count else {
            throw .size("\(count) maps are too many for \(grid) tokens; ask for fewer, or for smaller tiles")
        }
        let loss = ReferenceLoss(grid: grid, graphs: affinity.resolutions)
        var network = ReferenceNetwork(grid: grid, channels: channels, maps: count, seed: seed)
        var states = network.parameters.all.map { AdamState(shape: $0.shape) }
        var losses: [Double] = []
        for update in 0..<updates {
            let (maps, pass) = network.forward()
            let (value, gradient) = loss(maps)
            guard value.isFinite else { throw .notFinite("the maps of the reference solver, or the affinities,") }
            losses.append(value)
            let step = AdamState.Step(number: update + 1, learningRate: learningRate)
            var values = network.parameters.all
            for (index, gradient) in network.backward(gradient, pass).all.enumerated() {
                // The sum over the iterations of an update.
                var sum = gradient
                sum.add(gradient, times: Float(iterations - 1))
                states[index].update(&values[index], gradient: sum, step)
            }
            network.parameters.all = values
        }
        let (maps, _) = network.forward()
        losses.append(loss(maps).loss)
        let singular = SingularVectors(Self.normalized(maps))
        guard losses.allSatisfy(\.isFinite), !singular.values.isEmpty else {
            throw .notFinite("the maps of the reference solver, or the affinities,")
        }
        let candidates = Candidates(singular.vectors, of: affinity, products: updates + 2)
        return ReferenceSolution(
            eigenvectors: candidates.selected(
                for: affinity, constantTolerance: constantTolerance, count: count, isConverged: false),
            losses: losses, trace: candidates.values.reduce(0, +))
    }

    private static func normalized(_ maps: Tensor) -> Tensor {
        let (count, n) = (maps.shape[0], maps.shape[1])
        var result = maps
        result.withUnsafeMutableBufferPointer { values in
            for map in 0..<count {
                let row = map * n..<(map + 1) * n
                let length = Float(row.reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }.squareRoot())
                for place in row { values[place] /= length }
            }
        }
        return result
    }
}
