public import Basics

/// The affinity of the attention layers of one group at one resolution: a term of the matrix whose eigenvectors are wanted.
public struct AffinityTerm: Sendable {
    /// A symmetric matrix of n × n, from the diagonal to the right, row after row: n (n + 1) / 2 values.
    public enum Triangle: Sendable {
        case float16([Float16])
        case float32([Float])

        var count: Int {
            switch self {
            case .float16(let values): values.count
            case .float32(let values): values.count
            }
        }
    }

    /// The tokens of the layers.
    public let grid: TokenGrid
    /// n times the mean of (P + Pᵀ) / 2 over layers, heads and timesteps, as `features` are stored: 1 is what all tokens alike
    /// would give.
    public let triangle: Triangle
    /// How many layers the triangle is the mean of.
    public let layers: Int
    /// How much each of the layers counts, beside those of other terms.
    public let weight: Double

    /// - Parameter weight: that of the group times that of the resolution.
    /// - Throws: ``SpectralError`` where the triangle does not fit the grid, or layers or weight are negative or not finite.
    public init(grid: TokenGrid, triangle: Triangle, layers: Int, weight: Double = 1) throws(SpectralError) {
        let n = grid.count
        guard n <= AffinityOperator.mostTokens else {
            throw .size("a grid of \(grid) tokens; a dense affinity takes at most \(AffinityOperator.mostTokens)")
        }
        guard triangle.count == n * (n + 1) / 2 else {
            let wanted = n * (n + 1) / 2
            throw .size("an affinity of \(grid) tokens has \(wanted) values from its diagonal on, not \(triangle.count)")
        }
        guard (0...1_000_000).contains(layers) else { throw .parameter("layers", layers, mustBe: "between 0 and 1000000") }
        guard weight.isFinite, weight >= 0 else { throw .parameter("weight", weight, mustBe: "0 or greater") }
        (self.grid, self.triangle, self.layers, self.weight) = (grid, triangle, layers, weight)
    }
}
