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

/// What the reference loop found.
public struct ReferenceSolution: Sendable {
    /// The left singular vectors of the maps, in the order of falling singular values; `values` are Rayleigh quotients, and need
    /// not fall. `isConverged` is false: the loop ends after its updates.
    public let eigenvectors: Eigenvectors
    /// Before each update, and after the last one.
    public let losses: [Double]
    /// The trace of XᵀMX of all singular vectors X, a constant one too: at most the sum of as many largest eigenvalues.
    public let trace: Double
}

/// The singular value decomposition of a few long vectors by one-sided Jacobi rotations in double precision, which finds small
/// singular values as precisely as large ones.
struct SingularVectors {
    /// Falling.
    let values: [Double]
    /// `[values.count, n]`: orthonormal, and of the same span as the vectors were. Those whose singular value is below 10⁻⁶ of
    /// the first are left out.
    let vectors: Tensor

    /// - Parameter vectors: `[count, n]`
    init(_ vectors: Tensor) {
        let (count, n) = (vectors.shape[0], vectors.shape[1])
        var rows = vectors.values.map(Double.init)
        rows.withUnsafeMutableBufferPointer { rows in
            // Each sweep squares what is left; some six are enough.
            for _ in 0..<30 {
                var isOrthogonal = true
                for first in 0..<count {
                    for second in first + 1..<max(count, first + 1) where Self.rotate(rows, first * n, second * n, n) {
                        isOrthogonal = false
                    }
                }
                if isOrthogonal { break }
            }
        }
        let lengths = (0..<count).map { row in
            rows[row * n..<(row + 1) * n].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let largest = lengths.max() ?? 0
        let order = (0..<count).filter { lengths[$0] > 1e-6 * largest }.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        values = order.map { lengths[$0] }
        self.vectors = Tensor(
            shape: [order.count, n],
            values: order.flatMap { row in rows[row * n..<(row + 1) * n].map { Float($0 / lengths[row]) } })
    }

    /// Turns two rows so that they are orthogonal; false where they are.
    private static func rotate(_ rows: UnsafeMutableBufferPointer<Double>, _ a: Int, _ b: Int, _ n: Int) -> Bool {
        var (aa, bb, ab) = (0.0, 0.0, 0.0)
        for place in 0..<n {
            aa += rows[a + place] * rows[a + place]
            bb += rows[b + place] * rows[b + place]
            ab += rows[a + place] * rows[b + place]
        }
        guard abs(ab) > 1e-14 * (aa * bb).squareRoot() else { return false }
        let zeta = (bb - aa) / (2 * ab)
        let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = cosine * tangent
        for place in 0..<n {
            let (x, y) = (rows[a + place], rows[b + place])
            rows[a + place] = cosine * x - sine * y
            rows[b + place] = sine * x + cosine * y
        }
        return true
    }
}
