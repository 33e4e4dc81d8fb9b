public import Basics
internal import Tensors

/// The published gradient-descent method, to compare ``Eigensolver`` with: the maps are the output of a small network that is
/// trained on one affinity (Zhang, Yunis and Maire, CVPR 2024; method.md, section 3).
///
/// The published loop draws new images and timesteps in each of the 20 iterations whose gradients are summed for one update. Here
/// the affinity is already the mean over images and timesteps, so that all iterations of an update would be equal. One is
/// computed, and its gradient is multiplied by 20.
public struct ReferenceSolver: Sendable {
    /// The number of maps.
    public let count: Int
    /// K, the hidden channels of the network.
    public let channels: Int
    /// Steps of the optimizer.
    public let updates: Int
    /// The iterations whose gradients are summed for one update: a factor of the gradient.
    public let iterations: Int
    /// Adam's learning rate.
    public let learningRate: Double
    /// See ``Eigensolver/constantTolerance``. Where a map is constant, the result has one map less.
    public let constantTolerance: Double
    /// The seed of the network's first weights.
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

    /// Trains the network and returns the left singular vectors of its maps.
    ///
    /// - Throws: ``SpectralError`` where the affinity has too few tokens, or the loop diverges.
    /// - Complexity: some 7 · 2 · 9 · channels² · N operations for each update, N being the tokens.
    public func callAsFunction(_ affinity: AffinityOperator) throws(SpectralError) -> ReferenceSolution {
        let grid = affinity.grid
        guard count < grid.count else {
            throw .size("\(count) maps are too many for \(grid) tokens; ask for fewer, or for smaller tiles")
        }
        let loss = ReferenceLoss(grid: grid, graphs: affinity.resolutions)
        let network = ReferenceNetwork(grid: grid, channels: channels, maps: count, seed: seed)
        let parameters = network.parameters
        var states = parameters.map { AdamState(shape: $0.value.shape) }
        var losses: [Double] = []
        for update in 0..<updates {
            let tape = Tape()
            let maps = network(on: tape)
            let (value, gradient) = loss(maps.value)
            guard value.isFinite else { throw .notFinite("the maps of the reference solver, or the affinities,") }
            losses.append(value)
            tape.backward(from: maps, gradient: gradient)
            let step = AdamState.Step(number: update + 1, learningRate: learningRate)
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = parameter.gradient else { continue }
                // The sum over the (equal) iterations of an update.
                var sum = gradient
                sum.add(gradient, times: Float(iterations - 1))
                states[index].update(&parameter.value, gradient: sum, step)
                parameter.gradient = nil
            }
        }
        let maps = network(on: Tape(recording: false)).value
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

    /// Each map `[C, N]` scaled to length 1.
    private static func normalized(_ maps: Tensor) -> Tensor {
        let (count, n) = (maps.shape[0], maps.shape[1])
        var result = maps
        result.withUnsafeMutableBufferPointer { values in
            for map in 0..<count {
                let row = map * n..<(map + 1) * n
                let length = Float(row.reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }.squareRoot())
                for element in row { values[element] /= length }
            }
        }
        return result
    }
}

/// The result of ``ReferenceSolver``.
public struct ReferenceSolution: Sendable {
    /// The left singular vectors of the maps, in descending order of singular values. `values` are their Rayleigh quotients,
    /// which need not be in descending order. `isConverged` is always false, because the loop ends after a fixed number of
    /// updates.
    public let eigenvectors: Eigenvectors
    /// The loss before each update and after the last one: `updates` + 1 values.
    public let losses: [Double]
    /// tr(XᵀMX) over all singular vectors X, including a constant one. It is at most the sum of the same number of largest
    /// eigenvalues.
    public let trace: Double
}

/// The singular value decomposition of a few long vectors by one-sided Jacobi rotations in double precision. The method computes
/// small singular values with the same relative precision as large ones.
struct SingularVectors {
    /// Singular values in descending order.
    let values: [Double]
    /// `[values.count, n]`: orthonormal vectors with the same span as the input. Those with a singular value of at most 10⁻⁶ of
    /// the first are left out.
    let vectors: Tensor

    /// - Parameter vectors: `[count, n]`, one vector in each row.
    init(_ vectors: Tensor) {
        let (count, n) = (vectors.shape[0], vectors.shape[1])
        var rows = vectors.values.map(Double.init)
        rows.withUnsafeMutableBufferPointer { rows in
            // Convergence is quadratic: each sweep squares the remaining inner products. Some six sweeps are enough.
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

    /// Rotates two rows so that they become orthogonal; false where they already are, up to rounding.
    private static func rotate(_ rows: UnsafeMutableBufferPointer<Double>, _ a: Int, _ b: Int, _ n: Int) -> Bool {
        var (aa, bb, ab) = (0.0, 0.0, 0.0)
        for element in 0..<n {
            aa += rows[a + element] * rows[a + element]
            bb += rows[b + element] * rows[b + element]
            ab += rows[a + element] * rows[b + element]
        }
        guard abs(ab) > 1e-14 * (aa * bb).squareRoot() else { return false }
        let turn = JacobiRotation(pp: aa, qq: bb, pq: ab)
        for element in 0..<n { (rows[a + element], rows[b + element]) = turn(rows[a + element], rows[b + element]) }
        return true
    }
}
