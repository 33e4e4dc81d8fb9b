public import Basics
internal import Tensors

extension AffinityOperator {
    /// The Gaussian affinity of tokens, exp(−d² / 2σ²) of their distances d, with σ = bandwidth · the median distance.
    ///
    /// The layers' channels are centred, each layer is scaled to a mean squared length of its weight, and brought to the finest
    /// grid bilinearly (pixel centres at halves), since nearest tokens would print the coarse grid's squares into the maps.
    ///
    /// - Parameters:
    ///   - bandwidth: a factor of the median distance, which all pairs of tokens or 16,384 that the seed picks tell.
    ///   - normalized: whether rows are divided by their sums, as the softmax of attention does. The symmetric
    ///     D^−½ W D^−½ is what is solved; its eigenvectors times D^−½ are those of the row-stochastic D⁻¹ W, with the same
    ///     eigenvalues, and are what ``Eigensolver`` returns: the first is constant, its eigenvalue 1.
    /// - Throws: ``SpectralError`` where tokens do not vary, or numbers are not finite.
    /// - Complexity: N² C operations for C channels in all, 4 N² bytes.
    public init(
        tokens layers: [TokenLayer], bandwidth: Double = 0.5, normalized: Bool = true, seed: UInt64 = 0
    ) throws(SpectralError) {
        guard bandwidth.isFinite, bandwidth > 0 else { throw .parameter("bandwidth", bandwidth, mustBe: "above 0") }
        let features = try TokenFeatures(layers)
        let sigma = bandwidth * features.medianDistance(seed: seed)
        let exponent = -0.5 / (sigma * sigma)
        guard sigma > 0, exponent.isFinite, Float(exponent).isFinite else {
            throw .degenerate("half of all tokens are alike, so their median distance is no bandwidth; the tile may be empty")
        }
        let n = features.grid.count
        let stride = SymmetricMatrix.stride(of: n)
        var degrees = [Float](repeating: 1, count: n)
        var scales = [Float](repeating: 1, count: n)
        let values = Tensor(shape: [n, stride]) { target in
            Self.fillGaussians(of: features, exponent: Float(exponent), into: target, stride: stride)
            guard normalized else { return }
            degrees.withUnsafeMutableBufferPointer { degrees in
                Threads.perform(n) { row in
                    degrees[row] = GaussianKernel.sum(UnsafeBufferPointer(rebasing: target[row * stride..<row * stride + n]))
                }
            }
            // No degree is below 1, which is what a token's affinity to itself gives.
            scales = degrees.map { 1 / $0.squareRoot() }
            scales.withUnsafeBufferPointer { scales in
                Threads.perform(n) { row in
                    for column in 0..<n { target[row * stride + column] *= scales[row] * scales[column] }
                }
            }
        }
        self.init(
            grid: features.grid,
            resolutions: [
                Resolution(grid: features.grid, matrix: SymmetricMatrix(n: n, values: values), scale: 1, offset: 0, share: 1)
            ],
            walkScale: normalized ? scales : nil)
    }

    private static func fillGaussians(
        of features: TokenFeatures, exponent: Float, into target: UnsafeMutableBufferPointer<Float>, stride: Int
    ) {
        let (n, channels) = (features.grid.count, features.channels)
        features.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress, let matrix = target.baseAddress else { return }
            let squares = (0..<n).map { token in
                (0..<channels).reduce(Float(0)) { $0 + values[token * channels + $1] * values[token * channels + $1] }
            }
            let rowsOfTask = 64
            Threads.perform((n + rowsOfTask - 1) / rowsOfTask) { task in
                let rows = task * rowsOfTask..<min((task + 1) * rowsOfTask, n)
                let columns = n - rows.lowerBound
                BLAS.multiply(
                    rows: rows.count, columns: columns, inner: channels,
                    .init(base + rows.lowerBound * channels, stride: channels),
                    .init(base + rows.lowerBound * channels, stride: channels, transposed: true),
                    into: matrix + rows.lowerBound * stride + rows.lowerBound, stride: stride)
                for row in rows {
                    let part = UnsafeMutableBufferPointer(rebasing: target[row * stride + row..<row * stride + n])
                    squares.withUnsafeBufferPointer { squares in
                        GaussianKernel.apply(
                            to: part, squares: UnsafeBufferPointer(rebasing: squares[row...]), own: squares[row],
                            exponent: exponent)
                    }
                    part[0] = 1
                    target[row * stride + n..<(row + 1) * stride].update(repeating: 0)
                }
            }
        }
        SymmetricMatrix.mirror(target, n: n, stride: stride)
    }
}
