internal import Basics
internal import Tensors

/// The channels of all layers side by side on the finest grid, so scaled that each layer counts by its weight alone.
struct TokenFeatures {
    let grid: TokenGrid
    let channels: Int
    /// `[token][channel]`
    let values: Tensor

    /// Centres each channel, scales each layer so that its tokens have a mean squared length of its weight, and brings it to the
    /// finest grid bilinearly, pixel centres at halves. Layers that do not vary are left out.
    ///
    /// - Throws: ``SpectralError`` where nothing varies or numbers are not finite.
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
            // Rounding alone makes constant channels vary a little.
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

    /// The mean of each channel, and the mean squared length of a token less that.
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

    /// Between which places of a coarser axis each place lies, and how far towards the higher one.
    private static func positions(of length: Int, in coarser: Int) -> [(low: Int, high: Int, share: Double)] {
        (0..<length).map { index in
            let position = min(
                max((Double(index) + 0.5) * Double(coarser) / Double(length) - 0.5, 0), Double(coarser - 1))
            let low = Int(position)
            return (low, min(low + 1, coarser - 1), position - Double(low))
        }
    }

    /// The median distance of two tokens: of all pairs, or of 16,384 that the seed picks.
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
        guard !pairs.isEmpty else { return 0 }
        let distances = values.withUnsafeBufferPointer { values in
            pairs.map { first, second in
                var sum = 0.0
                for channel in 0..<channels {
                    let difference = Double(values[first * channels + channel] - values[second * channels + channel])
                    sum += difference * difference
                }
                return sum.squareRoot()
            }
        }.sorted()
        return (distances[distances.count / 2] + distances[(distances.count - 1) / 2]) / 2
    }
}
