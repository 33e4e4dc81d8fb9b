public import Tensors

/// The principal components (PCA) of tokens with many channels.
public struct PrincipalComponents: Sendable {
    /// The scores, `[n, rank]`: a column for each component, in the order of decreasing variance.
    public let scores: Tensor
    /// The fraction of the variance that the components explain, 0 to 1.
    public let explainedVariance: Double

    /// Standardises each channel to mean 0 and variance 1, and computes the components of the largest variance.
    ///
    /// Channels that do not vary are ignored. Components without variance are zero. The sign of a component is chosen so that its
    /// score of the largest magnitude is positive.
    ///
    /// - Parameters:
    ///   - tokens: `[n, channels]`
    ///   - rank: the number of components. If there are fewer tokens or channels, the remaining components are zero.
    /// - Returns: nil if tokens hold numbers that are not finite.
    /// - Complexity: O(n · channels · m) for the Gram matrix of m = min(n, channels) rows, and its leading eigenvectors.
    public init?(_ tokens: Tensor, rank: Int) {
        let (n, channels) = (tokens.shape[0], tokens.shape[1])
        let (standardized, variance) = Self.standardized(tokens)
        let side = min(n, channels)
        // The smaller of XᵀX and XXᵀ: both have the same eigenvalues except for zeros.
        let usesTokens = n < channels
        var gram = Tensor(shape: [side, side])
        standardized.withUnsafeBufferPointer { x in
            gram.withUnsafeMutableBufferPointer { gram in
                guard let x = x.baseAddress, let gram = gram.baseAddress else { return }
                BLAS.multiply(
                    rows: side, columns: side, inner: usesTokens ? channels : n,
                    .init(x, stride: channels, transposed: !usesTokens), .init(x, stride: channels, transposed: usesTokens),
                    into: gram, stride: side)
            }
        }
        guard let eigen = SymmetricEigenproblem(gram, count: min(rank, side)) else { return nil }
        let found = eigen.values.count
        let kept = eigen.values.reduce(0.0) { $0 + max(Double($1), 0) }
        explainedVariance = variance > 0 ? min(kept / variance, 1) : 0

        var scores = Tensor(shape: [n, rank])
        scores.withUnsafeMutableBufferPointer { scores in
            eigen.vectors.withUnsafeBufferPointer { vectors in
                standardized.withUnsafeBufferPointer { x in
                    guard let target = scores.baseAddress, let vectors = vectors.baseAddress, let x = x.baseAddress else {
                        return
                    }
                    if usesTokens {
                        for component in 0..<found {
                            let length = max(eigen.values[component], 0).squareRoot()
                            for token in 0..<n { target[token * rank + component] = vectors[component * n + token] * length }
                        }
                    } else {
                        BLAS.multiply(
                            rows: n, columns: found, inner: channels, .init(x, stride: channels),
                            .init(vectors, stride: channels, transposed: true), into: target, stride: rank)
                    }
                }
            }
            for component in 0..<found {
                var largest: Float = 0
                for token in 0..<n where abs(scores[token * rank + component]) > abs(largest) {
                    largest = scores[token * rank + component]
                }
                if largest < 0 { for token in 0..<n { scores[token * rank + component].negate() } }
            }
        }
        self.scores = scores
    }

    /// The tokens with channels of mean 0 and variance 1 (constant channels become 0), and the sum of the squares of all values.
    private static func standardized(_ tokens: Tensor) -> (Tensor, Double) {
        let (n, channels) = (tokens.shape[0], tokens.shape[1])
        var result = tokens
        var total = 0.0
        result.withUnsafeMutableBufferPointer { values in
            for channel in 0..<channels {
                var (sum, squares) = (0.0, 0.0)
                for token in 0..<n { sum += Double(values[token * channels + channel]) }
                let mean = sum / Double(n)
                for token in 0..<n {
                    let difference = Double(values[token * channels + channel]) - mean
                    squares += difference * difference
                }
                let deviation = (squares / Double(n)).squareRoot()
                // A constant channel may vary a little from rounding alone.
                let varies = deviation > 1e-6 * max(abs(mean), 1e-30)
                if varies { total += Double(n) }
                let scale = varies ? 1 / deviation : 0
                for token in 0..<n {
                    let value = Double(values[token * channels + channel])
                    values[token * channels + channel] = Float(varies ? (value - mean) * scale : value.isFinite ? 0 : value)
                }
            }
        }
        return (result, total)
    }
}
