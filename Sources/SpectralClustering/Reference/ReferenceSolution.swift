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
