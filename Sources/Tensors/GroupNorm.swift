internal import CKernels

/// Group normalisation (Wu and He, ECCV 2018): each image's groups of channels get mean 0 and variance 1, then each
/// channel its weight and bias.
public struct GroupNorm: Sendable {
    public let groups: Int
    public let epsilon: Float
    private let weight: Tensor
    private let bias: Tensor

    /// - Precondition: weight and bias hold one value for each channel, and the groups divide the channels.
    public init(groups: Int, epsilon: Float, weight: Tensor, bias: Tensor) {
        precondition(
            groups > 0 && weight.count % groups == 0 && bias.count == weight.count,
            "\(weight.shape) and \(bias.shape) cannot scale \(groups) groups")
        (self.groups, self.epsilon, self.weight, self.bias) = (groups, epsilon, weight, bias)
    }

    /// - Parameter x: `[N, …, C]`.
    public func callAsFunction(_ x: Tensor, activation: Activation = .none) -> Tensor {
        let channels = weight.count
        precondition(x.shape.last == channels, "\(x.shape) has not the \(channels) channels of this layer")
        let images = x.shape[0]
        guard x.count > 0 else { return x }
        let rows = x.count / channels / images
        let rowsOfChunk = max(Tensor.chunk / channels, 1)
        let chunks = (rows + rowsOfChunk - 1) / rowsOfChunk
        let factors = self.factors(of: x, images: images, rows: rows, rowsOfChunk: rowsOfChunk)
        return Tensor(
            shape: x.shape,
            storage: .filled(count: x.count) { result in
                factors.withUnsafeBufferPointer { factors in
                    guard let factors = factors.baseAddress else { return }
                    Threads.perform(images * chunks) { index in
                        let (image, chunk) = (index / chunks, index % chunks)
                        let first = image * rows + chunk * rowsOfChunk
                        let scale = factors + image * 2 * channels
                        let target = result + first * channels
                        let rows = min(rowsOfChunk, rows - chunk * rowsOfChunk)
                        let inPlace = activation.kernel != CK_NONE && activation.kernel != CK_SILU
                        ck_scale_shift(
                            x.storage.base + first * channels, target, rows, channels, scale, scale + channels,
                            inPlace ? Int32(CK_NONE) : activation.kernel)
                        if inPlace { ck_activate(target, target, rows * channels, activation.kernel) }
                    }
                }
            })
    }

    /// For each image, what to multiply each channel by, and then what to add.
    ///
    /// Moments are taken about the image's first pixel, so that a large mean costs no digits.
    private func factors(of x: Tensor, images: Int, rows: Int, rowsOfChunk: Int) -> [Float] {
        let channels = weight.count
        let chunks = (rows + rowsOfChunk - 1) / rowsOfChunk
        var moments = [Double](repeating: 0, count: images * chunks * 2 * channels)
        moments.withUnsafeMutableBufferPointer { moments in
            guard let moments = moments.baseAddress else { return }
            Threads.perform(images * chunks) { index in
                let (image, chunk) = (index / chunks, index % chunks)
                let pixel = x.storage.base + image * rows * channels
                let sums = moments + index * 2 * channels
                ck_channel_moments(
                    pixel + chunk * rowsOfChunk * channels, min(rowsOfChunk, rows - chunk * rowsOfChunk), channels, pixel,
                    sums, sums + channels)
            }
        }
        let width = channels / groups
        let size = Double(rows * width)
        var factors = [Float](repeating: 0, count: images * 2 * channels)
        for image in 0..<images {
            for chunk in 1..<max(chunks, 1) {
                for entry in 0..<2 * channels {
                    moments[image * chunks * 2 * channels + entry] += moments[(image * chunks + chunk) * 2 * channels + entry]
                }
            }
            let sums = moments[image * chunks * 2 * channels..<(image * chunks + 1) * 2 * channels]
            let base = sums.startIndex
            for group in 0..<groups {
                let members = group * width..<(group + 1) * width
                let pivots = members.map { Double(x.storage.base[image * rows * channels + $0]) }
                let total = members.reduce(0.0) { $0 + sums[base + $1] }
                let mean = (total + pivots.reduce(0, +) * Double(rows)) / size
                var variance = 0.0
                for (pivot, channel) in zip(pivots, members) {
                    let distance = pivot - mean
                    variance += sums[base + channels + channel] + distance * (2 * sums[base + channel] + distance * Double(rows))
                }
                let scale = 1 / (max(variance, 0) / size + Double(epsilon)).squareRoot()
                for channel in members {
                    let factor = scale * Double(weight.storage.base[channel])
                    factors[image * 2 * channels + channel] = Float(factor)
                    factors[(image * 2 + 1) * channels + channel] = Float(Double(bias.storage.base[channel]) - mean * factor)
                }
            }
        }
        return factors
    }
}
