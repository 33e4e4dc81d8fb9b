public import Basics
internal import Foundation
public import Tensors

/// Finds the eigenvectors of the largest eigenvalues of an affinity: block Lanczos with thick restarts (Wu and Simon, SIAM
/// J. Matrix Anal. Appl. 22, 2000).
///
/// Deterministic: the start block is the seed's, and results do not depend on the number of threads.
public struct Eigensolver: Sendable {
    /// How many eigenvectors.
    public let count: Int
    /// An eigenvector has converged when its residual ‖Mx − λx‖ is up to this share of |λ|, beside 10⁻⁷ of the largest |λ|,
    /// which is what rounding of float32 leaves. It is then off by an angle of some residual / distance to the nearest other eigenvalue.
    public let tolerance: Double
    /// How often the matrix is multiplied with a block of vectors at most.
    public let mostProducts: Int
    /// An eigenvector whose standard deviation is up to this share of its root mean square is constant: it is left out, and the
    /// others move up. 0 keeps all.
    public let constantTolerance: Double
    public let seed: UInt64

    /// - Throws: ``SpectralError`` where a parameter is out of range.
    public init(
        count: Int = 20, tolerance: Double = 3e-6, mostProducts: Int = 300, constantTolerance: Double = 0.1, seed: UInt64 = 0
    ) throws(SpectralError) {
        guard (1...1024).contains(count) else { throw .parameter("count", count, mustBe: "between 1 and 1024") }
        guard tolerance >= 1e-6, tolerance < 1 else {
            throw .parameter("tolerance", tolerance, mustBe: "at least 1e-6 and below 1")
        }
        guard (1...1_000_000).contains(mostProducts) else {
            throw .parameter("mostProducts", mostProducts, mustBe: "between 1 and 1000000")
        }
        guard constantTolerance >= 0, constantTolerance < 1 else {
            throw .parameter("constantTolerance", constantTolerance, mustBe: "at least 0 and below 1")
        }
        (self.count, self.tolerance, self.mostProducts) = (count, tolerance, mostProducts)
        (self.constantTolerance, self.seed) = (constantTolerance, seed)
    }

    /// Finds them. Where the bound on products is too low, the best approximation comes back, with `isConverged` false.
    ///
    /// - Throws: ``SpectralError`` where the affinity has too few tokens, or makes no difference between them.
    /// - Complexity: some 10 to 30 products with 32 vectors, of which one takes 2 · 32 · n² operations for each resolution.
    public func callAsFunction(_ affinity: AffinityOperator) throws(SpectralError) -> Eigenvectors {
        let tokens = affinity.grid.count
        // One more, in case that one is constant.
        let wanted = count + (constantTolerance > 0 ? 1 : 0)
        guard wanted < tokens else {
            let most = max(tokens + count - wanted - 1, 0)
            throw .size("\(count) eigenvectors are too many for \(affinity.grid) tokens; ask for at most \(most)")
        }
        let found = try solve(affinity, wanted: wanted)
        // Rounding alone leaves eigenvalues some 10⁻⁷ of what the mean of M makes of a constant vector.
        let scale = affinity.mean * Double(tokens)
        guard let first = found.values.first, first > 1e-6 * scale, found.values.dropFirst().first ?? first > 1e-6 * first else {
            throw .degenerate("the affinity makes no difference between tokens; the tile may be empty")
        }
        return found.selected(
            for: affinity, constantTolerance: constantTolerance, count: count,
            isConverged: isConverged(found.values, found.residuals, wanted: wanted))
    }

    private func solve(_ affinity: AffinityOperator, wanted: Int) throws(SpectralError) -> Candidates {
        let tokens = affinity.grid.count
        let block = LanczosProcess.blockSize
        let capacity = max(3 * wanted, wanted + 6 * block)
        // A small matrix is solved as it is.
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
            let isLast = process.products + 1 >= mostProducts
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
                // Up to a whole block takes no longer to multiply, and more of the neighbours' rounding is seen.
                let judged = min(max(wanted + 1, block), values.count)
                let vectors = process.vectors(pairs.prefix(judged - locked.count))
                let found = Candidates(vectors, of: affinity, products: process.products + 1, refines: true)
                measurements += 1
                if isLast || measurements == 3 || isConverged(found.values, found.residuals, wanted: wanted) { return found }
            }
            if isFull { process.restart(with: pairs, locking: dominant(pairs, of: values[wanted - 1])) }
        }
    }

    /// How many of the first pairs have converged, to a direction within 10⁻⁶, and dwarf the last one wanted.
    private func dominant(_ pairs: LanczosProcess.RitzPairs, of last: Float) -> Int {
        zip(pairs.values, pairs.residuals).prefix { value, residual in value > 8 * last && residual <= 1e-6 * value }.count
    }

    private var tooFew: SpectralError {
        let least = count / LanczosProcess.blockSize + 3
        return .parameter("mostProducts", mostProducts, mustBe: "at least \(least) for \(count) eigenvectors")
    }

    /// - Parameter rounding: residuals up to this share of the largest eigenvalue are as good as none.
    private func isConverged(_ values: [Double], _ residuals: [Double], wanted: Int, rounding: Double = 1e-7) -> Bool {
        let least = rounding * values.reduce(0) { max($0, abs($1)) }
        return zip(values, residuals).prefix(wanted).allSatisfy { value, residual in residual <= tolerance * abs(value) + least }
    }
}

/// The largest eigenvalues of an affinity and their eigenvectors, as maps on the grid of its tokens.
public struct Eigenvectors: Sendable {
    public let grid: TokenGrid
    /// Eigenvalues, falling.
    public let values: [Double]
    /// `[count, N]`: one of length 1 in each row, whose value of largest amount is positive. Orthogonal to each other unless
    /// the affinity was normalised by degrees.
    public let vectors: Tensor
    /// ‖Mx − λx‖ of each, measured at the end.
    public let residuals: [Double]
    /// From the last eigenvalue to the next one, the next one estimated from below; nil where there is no next one.
    public let gap: Double?
    /// The eigenvalue of the constant vector that was dropped.
    public let droppedConstant: Double?
    /// How often the matrix was multiplied with a block of vectors.
    public let products: Int
    /// Whether all residuals are within the tolerance.
    public let isConverged: Bool

    /// How many.
    public var count: Int { values.count }

    /// The share of its length that is left of a map after a walk of `power` steps, beside that of the first map: (λ / λ₁)^power,
    /// 0 for negative eigenvalues. A higher power of the matrix has the same eigenvectors and fades fine ones first, so it
    /// is a knob for granularity where maps are weighted by it.
    public func weights(power: Double) -> [Double] {
        guard let first = values.first, first > 0 else { return values.map { _ in 1 } }
        return values.map { $0 > 0 ? pow($0 / first, power) : 0 }
    }
}
