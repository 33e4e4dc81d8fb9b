internal import CKernels

/// Normalisation with the moments of what it is given, as in training: batch (Ioffe and Szegedy, ICML 2015), group (Wu and He, ECCV
/// 2018) or instance normalisation (Ulyanov et al., 2016), with a ReLU after it where wanted, and the way back.
public struct Normalization: Sendable {
    public let weight: Tensor
    public let bias: Tensor
    public let epsilon: Float
    /// Whether max(·, 0) follows.
    public let isRectified: Bool

    /// - Precondition: weight and bias hold one value for each channel.
    public init(weight: Tensor, bias: Tensor, epsilon: Float = 1e-5, rectified: Bool = false) {
        precondition(weight.count == bias.count, "\(weight.shape) and \(bias.shape) cannot scale the same channels")
        (self.weight, self.bias, self.epsilon, isRectified) = (weight, bias, epsilon, rectified)
    }

    /// - Parameters:
    ///   - x: `[N, …, C]`
    ///   - moments: of x
    public func callAsFunction(_ x: Tensor, moments: ChannelMoments) -> Tensor {
        self(x, moments: moments, activation: isRectified ? .relu : .none)
    }

    func callAsFunction(_ x: Tensor, moments: ChannelMoments, activation: Activation) -> Tensor {
        precondition(x.shape.last == weight.count, "\(x.shape) has not the \(weight.count) channels of this layer")
        let factors = moments.factors(weight: weight, bias: bias, epsilon: epsilon)
        let channels = weight.count
        let isFused = activation.isFusedWithScaling
        return Tensor(
            shape: x.shape,
            storage: .filled(count: x.count) { result in
                forEachChunk(of: moments, factors) { image, first, count, factors in
                    ck_scale_shift(
                        x.storage.base + first, result + first, count, channels, factors, factors + channels,
                        isFused ? activation.kernel : Activation.none.kernel)
                    if !isFused { ck_activate(result + first, result + first, count * channels, activation.kernel) }
                }
            })
    }

    /// Derivatives by x, weight and bias, from those by the result.
    public func gradients(
        _ x: Tensor, moments: ChannelMoments, _ gradient: Tensor
    ) -> (input: Tensor, weight: Tensor, bias: Tensor) {
        precondition(x.shape == gradient.shape, "\(gradient.shape) does not come of \(x.shape)")
        let (channels, rows, images) = (weight.count, moments.rows, moments.images)
        let factors = moments.factors(weight: weight, bias: bias, epsilon: epsilon)
        let means = moments.means.map { Float($0) }
        let relu: Int32 = isRectified ? 1 : 0
        let sums = factors.withUnsafeBufferPointer { factors in
            means.withUnsafeBufferPointer { means in
                ChannelMoments.sums(images: images, rows: rows, channels: channels) { image, first, count, sums in
                    guard let factors = factors.baseAddress, let means = means.baseAddress else { return }
                    let place = (image * rows + first) * channels
                    let scale = factors + image * 2 * channels
                    ck_normalization_sums(
                        x.storage.base + place, gradient.storage.base + place, count, channels, scale, scale + channels,
                        means + image * channels, relu, sums, sums + channels)
                }
            }
        }
        var (weights, biases) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        // Of each image: what the gradient is multiplied by, what x is, and what is added: `[images][3][channels]`.
        var coefficients = [Float](repeating: 0, count: images * 3 * channels)
        ChannelMoments.forEachRegion(moments.region, images: images, channels: channels) { members in
            let size = Double(members.count * rows)
            var (total, product) = (0.0, 0.0)
            for (image, channel) in members {
                let inverse = inverseDeviation(moments, image, channel)
                let (sum, moment) = (sums[image * 2 * channels + channel], sums[(image * 2 + 1) * channels + channel] * inverse)
                total += Double(weight.storage.base[channel]) * sum
                product += Double(weight.storage.base[channel]) * moment
                weights[channel] += moment
                biases[channel] += sum
            }
            for (image, channel) in members {
                let inverse = inverseDeviation(moments, image, channel)
                let slope = -inverse * inverse * product / size
                let entry = image * 3 * channels + channel
                coefficients[entry] = Float(inverse * Double(weight.storage.base[channel]))
                coefficients[entry + channels] = Float(slope)
                coefficients[entry + 2 * channels] = Float(
                    -inverse * total / size - moments.means[image * channels + channel] * slope)
            }
        }
        let input = Tensor(
            shape: x.shape,
            storage: .filled(count: x.count) { result in
                coefficients.withUnsafeBufferPointer { coefficients in
                    guard let coefficients = coefficients.baseAddress else { return }
                    forEachChunk(of: moments, factors) { image, first, count, factors in
                        let values = coefficients + image * 3 * channels
                        ck_normalization_gradient(
                            x.storage.base + first, gradient.storage.base + first, result + first, count, channels, factors,
                            factors + channels, relu, values, values + channels, values + 2 * channels)
                    }
                }
            })
        return (
            input, Tensor(shape: weight.shape, values: weights.map { Float($0) }),
            Tensor(shape: bias.shape, values: biases.map { Float($0) })
        )
    }

    private func inverseDeviation(_ moments: ChannelMoments, _ image: Int, _ channel: Int) -> Double {
        1 / (moments.variances[image * weight.count + channel] + Double(epsilon)).squareRoot()
    }

    /// Calls the body for some rows of an image at a time, with the place of the first value, the rows, and the image's factors.
    private func forEachChunk(
        of moments: ChannelMoments, _ factors: [Float],
        _ body: (_ image: Int, _ first: Int, _ rows: Int, _ factors: UnsafePointer<Float>) -> Void
    ) {
        let (channels, rows) = (weight.count, moments.rows)
        let rowsOfChunk = max(Tensor.chunk / max(channels, 1), 1)
        let chunks = (rows + rowsOfChunk - 1) / rowsOfChunk
        factors.withUnsafeBufferPointer { factors in
            guard let factors = factors.baseAddress else { return }
            Threads.perform(moments.images * chunks) { index in
                let (image, chunk) = (index / chunks, index % chunks)
                body(
                    image, (image * rows + chunk * rowsOfChunk) * channels, min(rowsOfChunk, rows - chunk * rowsOfChunk),
                    factors + image * 2 * channels)
            }
        }
    }
}

/// Mean and variance of the channels of a batch, over the images and channels that are normalised together.
public struct ChannelMoments: Sendable {
    /// What is normalised together.
    public enum Region: Hashable, Sendable {
        /// A channel of all images: batch normalisation.
        case batch
        /// Some channels of one image: group normalisation with this many groups, instance normalisation with as many as channels.
        case groups(Int)
    }

    let images: Int
    let channels: Int
    /// Voxels of an image.
    let rows: Int
    let region: Region
    /// Of each image and channel, `[images][channels]`: equal within a region.
    let means: [Double]
    /// Likewise, over the whole region (not the sample's).
    let variances: [Double]

    /// Moments are taken about the image's first voxel, so that a large mean costs no digits; the same bits on any number of threads.
    ///
    /// - Parameter x: `[N, …, C]`
    /// - Precondition: groups divide the channels.
    /// - Complexity: reads x once.
    public init(of x: Tensor, over region: Region) {
        (images, channels) = (x.shape[0], x.shape.last ?? 1)
        rows = images * channels > 0 ? x.count / channels / images : 0
        self.region = region
        let (rows, channels, images) = (rows, channels, images)
        let sums = Self.sums(images: images, rows: rows, channels: channels) { image, first, count, sums in
            let pixel = x.storage.base + image * rows * channels
            ck_channel_moments(pixel + first * channels, count, channels, pixel, sums, sums + channels)
        }
        var (means, variances) = (
            [Double](repeating: 0, count: images * channels), [Double](repeating: 0, count: images * channels)
        )
        Self.forEachRegion(region, images: images, channels: channels) { members in
            let size = Double(members.count * rows)
            let pivots = members.map { image, channel in Double(x.storage.base[image * rows * channels + channel]) }
            var total = 0.0
            for (pivot, (image, channel)) in zip(pivots, members) {
                total += sums[image * 2 * channels + channel] + pivot * Double(rows)
            }
            let mean = total / size
            var variance = 0.0
            for (pivot, (image, channel)) in zip(pivots, members) {
                let (distance, entry) = (pivot - mean, image * 2 * channels + channel)
                variance += sums[entry + channels] + distance * (2 * sums[entry] + distance * Double(rows))
            }
            for (image, channel) in members {
                means[image * channels + channel] = mean
                variances[image * channels + channel] = max(variance, 0) / size
            }
        }
        (self.means, self.variances) = (means, variances)
    }

    /// Mean and unbiased variance of each channel, for the running moments of batch normalisation.
    public var ofBatch: (means: [Double], variances: [Double]) {
        let count = Double(images * rows)
        return (Array(means.prefix(channels)), variances.prefix(channels).map { $0 * count / max(count - 1, 1) })
    }

    /// What to multiply the channels of each image by, and then what to add: `[images][2][channels]`.
    func factors(weight: Tensor, bias: Tensor, epsilon: Float) -> [Float] {
        var factors = [Float](repeating: 0, count: images * 2 * channels)
        for image in 0..<images {
            for channel in 0..<channels {
                let place = image * channels + channel
                let factor = Double(weight.storage.base[channel]) / (variances[place] + Double(epsilon)).squareRoot()
                factors[image * 2 * channels + channel] = Float(factor)
                factors[(image * 2 + 1) * channels + channel] = Float(Double(bias.storage.base[channel]) - means[place] * factor)
            }
        }
        return factors
    }

    /// Calls the body with the images and channels of each region.
    static func forEachRegion(_ region: Region, images: Int, channels: Int, _ body: ([(image: Int, channel: Int)]) -> Void) {
        switch region {
        case .batch: for channel in 0..<channels { body((0..<images).map { ($0, channel) }) }
        case .groups(let groups):
            precondition(groups > 0 && channels % groups == 0, "\(groups) groups do not divide \(channels) channels")
            let width = channels / groups
            for image in 0..<images {
                for group in 0..<groups { body((group * width..<(group + 1) * width).map { (image, $0) }) }
            }
        }
    }

    /// Sums over the rows of each image, `[images][2][channels]`, of what the body adds for some rows of one image.
    static func sums(
        images: Int, rows: Int, channels: Int,
        _ body: (_ image: Int, _ first: Int, _ count: Int, UnsafeMutablePointer<Double>) -> Void
    ) -> [Double] {
        let rowsOfChunk = max(Tensor.chunk / max(channels, 1), 1)
        let chunks = (rows + rowsOfChunk - 1) / rowsOfChunk
        var parts = [Double](repeating: 0, count: images * chunks * 2 * channels)
        parts.withUnsafeMutableBufferPointer { parts in
            guard let parts = parts.baseAddress else { return }
            Threads.perform(images * chunks) { index in
                let (image, chunk) = (index / chunks, index % chunks)
                body(image, chunk * rowsOfChunk, min(rowsOfChunk, rows - chunk * rowsOfChunk), parts + index * 2 * channels)
            }
        }
        var sums = [Double](repeating: 0, count: images * 2 * channels)
        for image in 0..<images {
            for chunk in 0..<chunks {
                for entry in 0..<2 * channels {
                    sums[image * 2 * channels + entry] += parts[(image * chunks + chunk) * 2 * channels + entry]
                }
            }
        }
        return sums
    }
}
