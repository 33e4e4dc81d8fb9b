internal import CKernels

/// Batch normalisation (Ioffe and Szegedy, ICML 2015) of a trained network: with the moments of its training, it multiplies each
/// channel by a factor and adds another.
public struct BatchNorm: Sendable {
    private let scale: Tensor
    private let shift: Tensor

    /// - Precondition: all hold one value for each channel.
    public init(weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Float) {
        let channels = weight.count
        precondition(
            [bias, mean, variance].allSatisfy { $0.count == channels },
            "\(bias.shape), \(mean.shape) and \(variance.shape) cannot normalise \(channels) channels")
        let factors = (0..<channels).map { channel in
            Double(weight.storage.base[channel])
                / (Double(variance.storage.base[channel]) + Double(epsilon)).squareRoot()
        }
        scale = Tensor(shape: [channels], values: factors.map { Float($0) })
        shift = Tensor(
            shape: [channels],
            values: factors.enumerated().map { channel, factor in
                Float(Double(bias.storage.base[channel]) - Double(mean.storage.base[channel]) * factor)
            })
    }

    /// The channels of what it takes and gives.
    public var channels: Int { scale.count }

    /// - Parameters:
    ///   - x: `[N, …, C]`
    ///   - offset: what is added to each image's channels before, `[N, C]`
    public func callAsFunction(_ x: Tensor, offset: Tensor? = nil, activation: Activation = .none) -> Tensor {
        let factors = factors(of: x, offset: offset)
        guard x.count > 0 else { return x }
        let rows = x.count / channels / x.shape[0]
        let rowsOfChunk = max(Tensor.chunk / channels, 1)
        let chunks = (rows + rowsOfChunk - 1) / rowsOfChunk
        let isFused = activation.isFusedWithScaling
        return Tensor(
            shape: x.shape,
            storage: .filled(count: x.count) { result in
                Threads.perform(x.shape[0] * chunks) { index in
                    let (image, chunk) = (index / chunks, index % chunks)
                    let first = (image * rows + chunk * rowsOfChunk) * channels
                    let some = min(rowsOfChunk, rows - chunk * rowsOfChunk)
                    ck_scale_shift(
                        x.storage.base + first, result + first, some, channels, factors.scale(of: image),
                        factors.shift(of: image), isFused ? activation.kernel : Activation.none.kernel)
                    if !isFused { ck_activate(result + first, result + first, some * channels, activation.kernel) }
                }
            })
    }

    /// The linear layer that gives what the given one makes of normalised channels: a 1 × 1 convolution needs no normalisation of
    /// its own.
    ///
    /// - Parameters:
    ///   - weight: `[outputs, channels]`
    ///   - bias: `[outputs]`
    public func folded(into weight: Tensor, bias: Tensor) -> Linear {
        precondition(
            weight.shape == [bias.count, channels], "\(weight.shape) and \(bias.shape) are no layer of \(channels) channels")
        var offsets = bias.values.map { Double($0) }
        let weights = Tensor(shape: weight.shape) { weights in
            for output in offsets.indices {
                for channel in 0..<channels {
                    let value = weight.storage.base[output * channels + channel]
                    weights[output * channels + channel] = value * scale.storage.base[channel]
                    offsets[output] += Double(value) * Double(shift.storage.base[channel])
                }
            }
        }
        return Linear(weight: weights, bias: Tensor(shape: bias.shape, values: offsets.map { Float($0) }))
    }

    /// Scale and shift for each image of x, with the offset moved into the shift.
    func factors(of x: Tensor, offset: Tensor?) -> ChannelFactors {
        precondition(x.shape.last == channels, "\(x.shape) has not the \(channels) channels of this layer")
        guard let offset else { return ChannelFactors(scale: scale, shift: shift) }
        precondition(offset.shape == [x.shape[0], channels], "\(offset.shape) are no channels of the images of \(x.shape)")
        return ChannelFactors(
            scale: scale,
            shift: Tensor(shape: offset.shape) { shifts in
                for index in shifts.indices {
                    let channel = index % channels
                    shifts[index] = offset.storage.base[index] * scale.storage.base[channel] + shift.storage.base[channel]
                }
            })
    }
}

/// What each channel is multiplied by, and then moved by: by the same in all images, or in each by its own.
struct ChannelFactors {
    /// `[C]`
    let scale: Tensor
    /// `[C]` or `[N, C]`
    let shift: Tensor

    /// Valid as long as this value is.
    func scale(of image: Int) -> UnsafePointer<Float> { UnsafePointer(scale.storage.base) }

    /// Valid as long as this value is.
    func shift(of image: Int) -> UnsafePointer<Float> {
        UnsafePointer(shift.storage.base + (shift.shape.count == 2 ? image * scale.count : 0))
    }
}

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
        precondition(x.shape.last == weight.count, "\(x.shape) has not the \(weight.count) channels of this layer")
        guard x.count > 0 else { return x }
        let moments = ChannelMoments(of: x, over: .groups(groups))
        return Normalization(weight: weight, bias: bias, epsilon: epsilon)(x, moments: moments, activation: activation)
    }
}

/// Layer normalisation (Ba, Kiros and Hinton, 2016): each token's channels get mean 0 and variance 1, then each channel
/// its weight and bias.
public struct LayerNorm: Sendable {
    public let epsilon: Float
    private let weight: Tensor
    private let bias: Tensor?

    /// - Precondition: weight and bias hold one value for each channel.
    public init(epsilon: Float, weight: Tensor, bias: Tensor?) {
        precondition(bias.map { $0.count == weight.count } ?? true, "a bias for other channels than the weights'")
        (self.epsilon, self.weight, self.bias) = (epsilon, weight, bias)
    }

    /// - Parameter x: `[…, C]`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let channels = weight.count
        precondition(x.shape.last == channels, "\(x.shape) has not the \(channels) channels of this layer")
        let rows = channels > 0 ? x.count / channels : 0
        let rowsOfChunk = max(Tensor.chunk / max(channels, 1), 1)
        return Tensor(
            shape: x.shape,
            storage: .filled(count: x.count) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    let first = index * rowsOfChunk * channels
                    ck_layer_norm(
                        x.storage.base + first, result + first, min(rowsOfChunk, rows - index * rowsOfChunk), channels, epsilon,
                        weight.storage.base, bias?.storage.base)
                }
            })
    }
}
