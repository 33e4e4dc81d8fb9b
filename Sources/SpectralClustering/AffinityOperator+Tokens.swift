public import Basics
internal import Tensors

extension AffinityOperator {
    /// The Gaussian affinity of tokens: W = exp(−d² / 2σ²) for tokens at a distance d of their features, σ = bandwidth · median
    /// distance.
    ///
    /// Each layer's channels are centred, and the layer is scaled so that the mean squared length of its tokens is its weight.
    /// Then it is interpolated bilinearly to the finest grid (pixel centres at halves); nearest-neighbour interpolation would
    /// leave the squares of the coarse grid visible in the maps. The channels of all layers are concatenated.
    ///
    /// - Parameters:
    ///   - layers: the tokens; layers with weight 0 are left out.
    ///   - bandwidth: σ relative to the median distance of two tokens.
    ///   - normalized: whether rows are divided by their sums D, as the softmax of attention does. The matrix is then the
    ///     symmetric D^−½ W D^−½. Its eigenvectors times D^−½ are those of the row-stochastic D⁻¹ W, with the same eigenvalues;
    ///     ``Eigensolver`` returns these. The first of them is constant, with eigenvalue 1.
    ///   - seed: selects the 16,384 pairs of tokens that the median distance is taken over; if there are no more pairs, all are
    ///     used.
    /// - Throws: ``SpectralError`` where tokens do not vary, numbers are not finite, or there are more than
    ///   ``AffinityOperator/mostTokens``.
    /// - Complexity: N² C operations for N tokens with C channels in all; 4 N² bytes.
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
                    degrees[row] = GaussianAffinity.sum(UnsafeBufferPointer(rebasing: target[row * stride..<row * stride + n]))
                }
            }
            // No degree is below 1, the affinity of a token to itself.
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

    /// Writes W, `[n][stride]`: the upper triangle from products ⟨a, b⟩, then its mirror image.
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
                        GaussianAffinity.apply(
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

/// The features of one network layer: a vector of channels for each token of a grid.
public struct TokenLayer: Sendable {
    public let grid: TokenGrid
    /// Channels of each token.
    public let channels: Int
    /// `[token][channel]`, tokens row by row.
    public let values: [Float]
    /// The layer's weight in squared distances between tokens, relative to other layers.
    public let weight: Double

    /// - Throws: ``SpectralError`` where there are not `channels` values (1 to 65,536) for each token, or the weight is negative
    ///   or not finite.
    public init(grid: TokenGrid, channels: Int, values: [Float], weight: Double = 1) throws(SpectralError) {
        guard (1...65_536).contains(channels) else { throw .parameter("channels", channels, mustBe: "between 1 and 65536") }
        guard values.count == grid.count * channels else {
            throw .size(
                "\(grid) tokens of \(channels) channels cannot have \(values.count) values; give \(grid.count * channels)")
        }
        guard weight.isFinite, weight >= 0 else { throw .parameter("weight", weight, mustBe: "0 or greater") }
        (self.grid, self.channels, self.values, self.weight) = (grid, channels, values, weight)
    }
}

/// The channels of all layers, concatenated on the finest grid. Each layer is scaled so that only its weight decides its
/// influence on distances.
struct TokenFeatures {
    let grid: TokenGrid
    let channels: Int
    /// `[token][channel]`
    let values: Tensor

    /// Centres each channel, scales each layer so that the mean squared length of its tokens is its weight, and interpolates it
    /// bilinearly to the finest grid, pixel centres at halves. Layers that do not vary are left out.
    ///
    /// - Throws: ``SpectralError`` where no layer varies, numbers are not finite, or there are too many tokens.
    init(_ layers: [TokenLayer]) throws(SpectralError) {
        let layers = layers.filter { $0.weight > 0 }
        guard let finest = layers.map(\.grid).max(by: { $0.count < $1.count }) else {
            throw .size("no tokens are left: give at least one layer a weight above 0")
        }
        guard finest.count <= AffinityOperator.mostTokens else {
            throw .size("a grid of \(finest) tokens; a dense affinity takes at most \(AffinityOperator.mostTokens)")
        }
        var scaled: [(layer: TokenLayer, means: [Double], scale: Double)] = []
        for layer in layers {
            let (means, variance) = Self.moments(of: layer)
            guard variance.isFinite else { throw .notFinite("the tokens") }
            let magnitude = means.reduce(0) { $0 + $1 * $1 }
            // Rounding makes even constant channels vary a little.
            if variance > 1e-12 * magnitude { scaled.append((layer, means, (layer.weight / variance).squareRoot())) }
        }
        guard !scaled.isEmpty else {
            throw .degenerate("all tokens are alike, so nothing tells them apart; the tile may be empty")
        }
        let channels = scaled.reduce(0) { $0 + $1.layer.channels }
        values = Tensor(shape: [finest.count, channels]) { target in
            var offset = 0
            for (layer, means, scale) in scaled {
                Self.write(layer, means: means, scale: scale, to: target, grid: finest, stride: channels, offset: offset)
                offset += layer.channels
            }
        }
        (grid, self.channels) = (finest, channels)
    }

    /// The mean of each channel, and the mean squared length of the tokens after the means are subtracted.
    private static func moments(of layer: TokenLayer) -> (means: [Double], variance: Double) {
        let (n, channels) = (layer.grid.count, layer.channels)
        var means = [Double](repeating: 0, count: channels)
        var squares = [Double](repeating: 0, count: channels)
        layer.values.withUnsafeBufferPointer { values in
            for token in 0..<n {
                for channel in 0..<channels { means[channel] += Double(values[token * channels + channel]) }
            }
            for channel in 0..<channels { means[channel] /= Double(n) }
            for token in 0..<n {
                for channel in 0..<channels {
                    let difference = Double(values[token * channels + channel]) - means[channel]
                    squares[channel] += difference * difference
                }
            }
        }
        return (means, squares.reduce(0, +) / Double(n))
    }

    /// Interpolates one layer to `grid` and writes its channels, `offset` channels from the beginning of each token of `stride`
    /// channels.
    private static func write(
        _ layer: TokenLayer, means: [Double], scale: Double, to target: UnsafeMutableBufferPointer<Float>, grid: TokenGrid,
        stride: Int, offset: Int
    ) {
        let rows = positions(of: grid.height, in: layer.grid.height)
        let columns = positions(of: grid.width, in: layer.grid.width)
        let (width, channels) = (layer.grid.width, layer.channels)
        layer.values.withUnsafeBufferPointer { source in
            Threads.perform(grid.height) { row in
                let y = rows[row]
                for column in 0..<grid.width {
                    let x = columns[column]
                    let corners = [
                        y.low * width + x.low, y.low * width + x.high, y.high * width + x.low, y.high * width + x.high,
                    ]
                    let weights = [
                        (1 - y.share) * (1 - x.share), (1 - y.share) * x.share, y.share * (1 - x.share), y.share * x.share,
                    ]
                    let token = (row * grid.width + column) * stride + offset
                    for channel in 0..<channels {
                        var sum = -means[channel]
                        for corner in 0..<4 { sum += weights[corner] * Double(source[corners[corner] * channels + channel]) }
                        target[token + channel] = Float(sum * scale)
                    }
                }
            }
        }
    }

    /// Linear interpolation from a coarser axis: for each position, the two positions of the coarser axis around it, and the
    /// share of the higher one.
    private static func positions(of length: Int, in coarser: Int) -> [(low: Int, high: Int, share: Double)] {
        (0..<length).map { index in
            let position = min(
                max((Double(index) + 0.5) * Double(coarser) / Double(length) - 0.5, 0), Double(coarser - 1))
            let low = Int(position)
            return (low, min(low + 1, coarser - 1), position - Double(low))
        }
    }

    /// The median distance between two tokens, over all pairs or over 16,384 random ones.
    func medianDistance(seed: UInt64) -> Double {
        let n = grid.count
        let most = 16_384
        var pairs: [(Int, Int)] = []
        if n * (n - 1) / 2 <= most {
            for first in 0..<n { for second in first + 1..<max(n, first + 1) { pairs.append((first, second)) } }
        } else {
            var numbers = RandomStream(seed: seed, for: .pairsOfTokens)
            for _ in 0..<most {
                let first = numbers.index(below: n)
                let second = numbers.index(below: n - 1)
                pairs.append((first, second < first ? second : second + 1))
            }
        }
        let distances = values.withUnsafeBufferPointer { values in
            pairs.map { first, second in
                var sum = 0.0
                for channel in 0..<channels {
                    let difference = Double(values[first * channels + channel] - values[second * channels + channel])
                    sum += difference * difference
                }
                return sum.squareRoot()
            }
        }
        return Quantile.median(of: distances) ?? 0
    }
}

/// Gaussians of distances, 16 values at a time in SIMD vectors.
enum GaussianAffinity {
    /// Replaces products ⟨a, b⟩ of one token a with others by exp(exponent · d²), d² = |a|² + |b|² − 2 ⟨a, b⟩.
    ///
    /// - Parameters:
    ///   - products: ⟨a, b⟩ for each b.
    ///   - squares: |b|² for each b.
    ///   - own: |a|².
    ///   - exponent: −1 / 2σ².
    static func apply(
        to products: UnsafeMutableBufferPointer<Float>, squares: UnsafeBufferPointer<Float>, own: Float, exponent: Float
    ) {
        guard let base = products.baseAddress, let squaresBase = squares.baseAddress else { return }
        let (target, source) = (UnsafeMutableRawPointer(base), UnsafeRawPointer(squaresBase))
        let whole = products.count / 16 * 16
        for index in stride(from: 0, to: whole, by: 16) {
            let product = target.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            let square = source.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            target.storeBytes(of: value(product, square + own, exponent), toByteOffset: index * 4, as: SIMD16<Float>.self)
        }
        guard whole < products.count else { return }
        var (product, square) = (SIMD16<Float>.zero, SIMD16<Float>.zero)
        for lane in 0..<products.count - whole {
            (product[lane], square[lane]) = (products[whole + lane], squares[whole + lane])
        }
        let rest = value(product, square + own, exponent)
        for lane in 0..<products.count - whole { products[whole + lane] = rest[lane] }
    }

    @inline(__always)
    private static func value(_ product: SIMD16<Float>, _ squares: SIMD16<Float>, _ exponent: Float) -> SIMD16<Float> {
        // Rounding may make d² slightly negative.
        exponential(pointwiseMin((squares - 2 * product) * exponent, .zero))
    }

    /// exp(x) for x ≤ 0, with an error of at most 2 units in the last place. x below −87 counts as −87, which gives some 10⁻³⁸.
    @inline(__always)
    static func exponential(_ x: SIMD16<Float>) -> SIMD16<Float> {
        let x = pointwiseMax(x, SIMD16(repeating: -87))
        // Adding 1.5 · 2²³ rounds to an integer, which is then in the lowest bits of the sum.
        let shifted = x * 1.442_695_04 + 12_582_912
        let whole = shifted - 12_582_912
        // ln 2 in two parts; the lowest bits of the first are zeros, so that its products are exact.
        let r = x - whole * 0.693_359_375 + whole * 2.121_944_4e-4
        var sum = SIMD16<Float>(repeating: 1.388_888_9e-3)
        sum = sum * r + 8.333_333_3e-3
        sum = sum * r + 4.166_666_7e-2
        sum = sum * r + 0.166_666_67
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        let power = unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23
        return unsafeBitCast(unsafeBitCast(sum, to: SIMD16<UInt32>.self) &+ power, to: SIMD16<Float>.self)
    }

    /// The sum of the values, in 16 lanes.
    static func sum(_ values: UnsafeBufferPointer<Float>) -> Float {
        var lanes = SIMD16<Float>.zero
        let whole = values.count / 16 * 16
        if let base = values.baseAddress {
            let raw = UnsafeRawPointer(base)
            for index in stride(from: 0, to: whole, by: 16) {
                lanes += raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            }
        }
        return values[whole...].reduce(lanes.sum(), +)
    }
}
