internal import Foundation
public import Tensors

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
