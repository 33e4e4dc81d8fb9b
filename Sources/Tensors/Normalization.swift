internal import CKernels

/// Normalisation with the moments of its own input, as in training, forward and backward: batch (Ioffe and Szegedy, ICML 2015),
/// group (Wu and He, ECCV 2018) or instance normalisation (Ulyanov et al., 2016), optionally followed by a ReLU.
///
/// y = (x − mean) / √(variance + ε) · weight + bias, with mean and variance of the region from ``ChannelMoments``.
public struct Normalization: Sendable {
    /// The factor of each channel, `[C]`.
    public let weight: Tensor
    /// Added to each channel after that, `[C]`.
    public let bias: Tensor
    /// ε, added to the variance.
    public let epsilon: Float
    /// Whether a ReLU, max(·, 0), follows.
    public let isRectified: Bool

    /// - Precondition: weight and bias have one value for each channel.
    public init(weight: Tensor, bias: Tensor, epsilon: Float = 1e-5, rectified: Bool = false) {
        precondition(weight.count == bias.count, "\(weight.shape) and \(bias.shape) cannot scale the same channels")
        (self.weight, self.bias, self.epsilon, isRectified) = (weight, bias, epsilon, rectified)
    }

    /// The forward pass, `[N, …, C]` → `[N, …, C]`.
    ///
    /// - Parameters:
    ///   - x: `[N, …, C]`
    ///   - moments: the moments of x.
    /// - Complexity: reads x and writes the result once.
    public func callAsFunction(_ x: Tensor, moments: ChannelMoments) -> Tensor {
        self(x, moments: moments, activation: isRectified ? .relu : .none)
    }

    /// The forward pass with any activation function in place of the ReLU.
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

    /// The backward pass: gradients with respect to x (`[N, …, C]`), weight and bias (`[C]`).
    ///
    /// - Parameters:
    ///   - x: the input of the forward pass.
    ///   - moments: the moments of x.
    ///   - gradient: the gradient with respect to the result, `[N, …, C]`.
    /// - Complexity: reads x and the gradient twice.
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
                    let offset = (image * rows + first) * channels
                    let scale = factors + image * 2 * channels
                    ck_normalization_sums(
                        x.storage.base + offset, gradient.storage.base + offset, count, channels, scale, scale + channels,
                        means + image * channels, relu, sums, sums + channels)
                }
            }
        }
        var (weights, biases) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        // The gradient with respect to x is a · gradient + b · x + c, with a, b, c of each image and channel:
        // `[images][3][channels]`.
        var coefficients = [Float](repeating: 0, count: images * 3 * channels)
        ChannelMoments.forEachRegion(moments.region, images: images, channels: channels) { pairs in
            let size = Double(pairs.count * rows)
            var (total, product) = (0.0, 0.0)
            for (image, channel) in pairs {
                let inverse = inverseDeviation(moments, image, channel)
                let (sum, moment) = (sums[image * 2 * channels + channel], sums[(image * 2 + 1) * channels + channel] * inverse)
                total += Double(weight.storage.base[channel]) * sum
                product += Double(weight.storage.base[channel]) * moment
                weights[channel] += moment
                biases[channel] += sum
            }
            for (image, channel) in pairs {
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

    /// 1 / √(variance + ε)
    private func inverseDeviation(_ moments: ChannelMoments, _ image: Int, _ channel: Int) -> Double {
        1 / (moments.variances[image * weight.count + channel] + Double(epsilon)).squareRoot()
    }

    /// Calls the body for chunks of each image's voxels (rows), on several threads.
    ///
    /// - Parameters:
    ///   - factors: `[images][2][channels]`
    ///   - body: is given the index of the chunk's first value, its rows, and the image's factors `[2][channels]`.
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

/// Mean and variance of each channel of a batch `[N, …, C]`, over the images and channels that are normalised together (a
/// region).
public struct ChannelMoments: Sendable {
    /// The images and channels that are normalised together.
    public enum Region: Hashable, Sendable {
        /// Each channel over all images: batch normalisation.
        case batch
        /// Each group of neighbouring channels of each image: group normalisation with this number of groups. As many groups as
        /// channels are instance normalisation.
        case groups(Int)
    }

    /// N
    let images: Int
    /// C
    let channels: Int
    /// Voxels (or pixels) of one image.
    let rows: Int
    let region: Region
    /// The mean for each image and channel, `[images][channels]`; equal within a region.
    let means: [Double]
    /// The variance for each image and channel, `[images][channels]`; equal within a region. It is the population variance
    /// (divided by the count, not by the count − 1).
    let variances: [Double]

    /// Computes the moments in double precision. Sums are taken of differences to the image's first voxel, so that a mean much
    /// larger than the variation costs no precision. The result is bit-identical for any number of threads.
    ///
    /// - Parameter x: `[N, …, C]`
    /// - Precondition: the number of groups divides the number of channels.
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
        Self.forEachRegion(region, images: images, channels: channels) { pairs in
            let size = Double(pairs.count * rows)
            let pivots = pairs.map { image, channel in Double(x.storage.base[image * rows * channels + channel]) }
            var total = 0.0
            for (pivot, (image, channel)) in zip(pivots, pairs) {
                total += sums[image * 2 * channels + channel] + pivot * Double(rows)
            }
            let mean = total / size
            var variance = 0.0
            for (pivot, (image, channel)) in zip(pivots, pairs) {
                let (distance, entry) = (pivot - mean, image * 2 * channels + channel)
                variance += sums[entry + channels] + distance * (2 * sums[entry] + distance * Double(rows))
            }
            for (image, channel) in pairs {
                means[image * channels + channel] = mean
                variances[image * channels + channel] = max(variance, 0) / size
            }
        }
        (self.means, self.variances) = (means, variances)
    }

    /// Mean and unbiased variance (divided by the count − 1) of each channel, `[C]`, for the running moments of batch
    /// normalisation.
    ///
    /// Valid for moments over ``Region/batch``.
    public var ofBatch: (means: [Double], variances: [Double]) {
        let count = Double(images * rows)
        return (Array(means.prefix(channels)), variances.prefix(channels).map { $0 * count / max(count - 1, 1) })
    }

    /// The normalisation as scale and shift, y = x · scale + shift, for each image and channel: `[images][2][channels]`.
    func factors(weight: Tensor, bias: Tensor, epsilon: Float) -> [Float] {
        var factors = [Float](repeating: 0, count: images * 2 * channels)
        for image in 0..<images {
            for channel in 0..<channels {
                let index = image * channels + channel
                let factor = Double(weight.storage.base[channel]) / (variances[index] + Double(epsilon)).squareRoot()
                factors[image * 2 * channels + channel] = Float(factor)
                factors[(image * 2 + 1) * channels + channel] = Float(Double(bias.storage.base[channel]) - means[index] * factor)
            }
        }
        return factors
    }

    /// Calls the body once for each region, with its images and channels.
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

    /// Two sums for each channel over the voxels (rows) of each image: `[images][2][channels]`. Chunks run on several threads;
    /// their sums are added in order.
    ///
    /// - Parameter body: adds to `[2][channels]` the sums over `count` rows of one image, from the row `first` on.
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
