public import Basics
internal import Foundation
public import Tensors

/// Computes the eigenvectors of the largest eigenvalues of an affinity by block Lanczos with thick restarts (Wu and Simon, SIAM
/// J. Matrix Anal. Appl. 22, 2000).
///
/// Deterministic: the start vectors depend only on the seed, and results do not depend on the number of threads.
public struct Eigensolver: Sendable {
    /// The number of eigenvectors.
    public let count: Int
    /// An eigenvector has converged when its residual ‖Mx − λx‖ ≤ tolerance · |λ| + 10⁻⁷ · the largest |λ|; the second term is
    /// the rounding error of float32. Its direction is then wrong by an angle of about residual / distance to the nearest other
    /// eigenvalue.
    public let tolerance: Double
    /// The most products of the matrix with a block of vectors.
    public let maxProducts: Int
    /// An eigenvector counts as constant when its standard deviation is at most this share of its root mean square. The first
    /// constant one is left out and the next eigenvector takes its place. 0 keeps all.
    public let constantTolerance: Double
    /// The seed of the start vectors.
    public let seed: UInt64

    /// - Throws: ``SpectralError`` where a parameter is out of range.
    public init(
        count: Int = 20, tolerance: Double = 3e-6, maxProducts: Int = 300, constantTolerance: Double = 0.1, seed: UInt64 = 0
    ) throws(SpectralError) {
        guard (1...1024).contains(count) else { throw .parameter("count", count, mustBe: "between 1 and 1024") }
        guard tolerance >= 1e-6, tolerance < 1 else {
            throw .parameter("tolerance", tolerance, mustBe: "at least 1e-6 and below 1")
        }
        guard (1...1_000_000).contains(maxProducts) else {
            throw .parameter("maxProducts", maxProducts, mustBe: "between 1 and 1000000")
        }
        guard constantTolerance >= 0, constantTolerance < 1 else {
            throw .parameter("constantTolerance", constantTolerance, mustBe: "at least 0 and below 1")
        }
        (self.count, self.tolerance, self.maxProducts) = (count, tolerance, maxProducts)
        (self.constantTolerance, self.seed) = (constantTolerance, seed)
    }

    /// Computes the eigenvectors of an affinity. If `maxProducts` is reached first, the result is the best approximation so far,
    /// with `isConverged` false.
    ///
    /// - Throws: ``SpectralError`` where the affinity has too few tokens, is (almost) the same for all of them, or is not finite,
    ///   and where `maxProducts` is too low for any result.
    /// - Complexity: some 10 to 30 products with 32 vectors; each takes 2 · 32 · n² operations for each resolution of n tokens.
    public func callAsFunction(_ affinity: AffinityOperator) throws(SpectralError) -> Eigenvectors {
        let tokens = affinity.grid.count
        // One more than asked for, because a constant one is dropped.
        let wanted = count + (constantTolerance > 0 ? 1 : 0)
        guard wanted < tokens else {
            let most = max(tokens + count - wanted - 1, 0)
            throw .size("\(count) eigenvectors are too many for \(affinity.grid) tokens; ask for at most \(most)")
        }
        let found = try solve(affinity, wanted: wanted)
        // The mean of M alone has the eigenvalue mean · N (constant vector). Rounding leaves others of some 10⁻⁷ of it.
        let scale = affinity.mean * Double(tokens)
        guard let first = found.values.first, first > 1e-6 * scale, found.values.dropFirst().first ?? first > 1e-6 * first else {
            throw .degenerate("the affinity makes no difference between tokens; the tile may be empty")
        }
        return found.selected(
            for: affinity, constantTolerance: constantTolerance, count: count,
            isConverged: isConverged(found.values, found.residuals, wanted: wanted))
    }

    /// The largest eigenpairs, at least `wanted` of them.
    private func solve(_ affinity: AffinityOperator, wanted: Int) throws(SpectralError) -> Candidates {
        let tokens = affinity.grid.count
        let block = LanczosProcess.blockSize
        let capacity = max(3 * wanted, wanted + 6 * block)
        // A small matrix is solved directly.
        guard capacity + 2 * block < tokens else {
            guard let eigen = SymmetricEigenproblem(affinity.assembled(), count: wanted + 1) else {
                throw .notFinite("affinities")
            }
            return Candidates(eigen.vectors, of: affinity, products: (tokens + block - 1) / block, refines: true)
        }
        var process = LanczosProcess(affinity, capacity: capacity, seed: seed)
        var measurements = 0
        while true {
            guard process.grow() else { throw .notFinite("affinities") }
            let isFull = process.size + block > capacity
            let isLast = process.products + 1 >= maxProducts
            guard process.size > wanted, isFull || isLast || process.products % 2 == 0 else {
                if isLast { throw tooFew }
                continue
            }
            let locked = process.locked
            guard let pairs = process.ritzPairs(count: min(wanted + block, process.size) - locked.count) else {
                throw .notFinite("affinities")
            }
            let (values, residuals) = (locked + pairs.values, locked.map { _ in 0 } + pairs.residuals)
            if isLast || isConverged(values.map(Double.init), residuals.map(Double.init), wanted: wanted, rounding: 1e-9) {
                // A whole block takes no longer to multiply than fewer vectors, and with more neighbours the refinement corrects
                // more of their rounding.
                let judged = min(max(wanted + 1, block), values.count)
                let vectors = process.vectors(pairs.prefix(judged - locked.count))
                let found = Candidates(vectors, of: affinity, products: process.products + 1, refines: true)
                measurements += 1
                if isLast || measurements == 3 || isConverged(found.values, found.residuals, wanted: wanted) { return found }
            }
            if isFull { process.restart(with: pairs, locking: dominant(pairs, of: values[wanted - 1])) }
        }
    }

    /// The number of leading pairs to lock: those with a residual of at most 10⁻⁶ of their value whose value is more than 8 times
    /// `last`, that of the last wanted pair.
    private func dominant(_ pairs: LanczosProcess.RitzPairs, of last: Float) -> Int {
        zip(pairs.values, pairs.residuals).prefix { value, residual in value > 8 * last && residual <= 1e-6 * value }.count
    }

    /// The error for a `maxProducts` with which the basis cannot reach the wanted size.
    private var tooFew: SpectralError {
        let least = count / LanczosProcess.blockSize + 3
        return .parameter("maxProducts", maxProducts, mustBe: "at least \(least) for \(count) eigenvectors")
    }

    /// Whether the first `wanted` pairs have converged (see ``tolerance``).
    ///
    /// - Parameter rounding: residuals up to this share of the largest |λ| count as 0.
    private func isConverged(_ values: [Double], _ residuals: [Double], wanted: Int, rounding: Double = 1e-7) -> Bool {
        let least = rounding * values.reduce(0) { max($0, abs($1)) }
        return zip(values, residuals).prefix(wanted).allSatisfy { value, residual in residual <= tolerance * abs(value) + least }
    }
}

/// The largest eigenvalues of an affinity and their eigenvectors as maps on the grid of its tokens.
public struct Eigenvectors: Sendable {
    public let grid: TokenGrid
    /// Eigenvalues in descending order.
    public let values: [Double]
    /// `[count, N]`: row i is the eigenvector of `values[i]`, of length 1, with a sign such that the value of largest magnitude
    /// is positive. They are orthogonal, except where the affinity was normalised by degrees.
    public let vectors: Tensor
    /// ‖Mx − λx‖ of each eigenvector, computed from one last product with M.
    public let residuals: [Double]
    /// The difference between the last eigenvalue and the next smaller one; nil where there is no next one. The next one is
    /// estimated from below, so that the gap may be too large.
    public let gap: Double?
    /// The eigenvalue of the constant eigenvector that was left out; nil where there was none.
    public let droppedConstant: Double?
    /// The number of products of the matrix with a block of vectors.
    public let products: Int
    /// Whether all residuals are within ``Eigensolver/tolerance``.
    public let isConverged: Bool

    /// The number of eigenvectors.
    public var count: Int { values.count }

    /// A weight for each map: (λ / λ₁)^power, the factor by which M^power shrinks the map relative to the first one; 0 for
    /// negative eigenvalues, and 1 for all where λ₁ is not positive. M^power has the same eigenvectors as M and damps fine ones
    /// most, so that `power` controls granularity where maps are weighted with it.
    public func weights(power: Double) -> [Double] {
        guard let first = values.first, first > 0 else { return values.map { _ in 1 } }
        return values.map { $0 > 0 ? pow($0 / first, power) : 0 }
    }
}
