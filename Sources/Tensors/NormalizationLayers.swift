internal import CKernels

/// Batch normalisation (Ioffe and Szegedy, ICML 2015) of a trained network. With the running moments of its training it is
/// y = x · scale + shift for each channel.
public struct BatchNorm: Sendable {
    /// weight / √(variance + ε), `[C]`
    private let scale: Tensor
    /// bias − mean · scale, `[C]`
    private let shift: Tensor

    /// - Parameters:
    ///   - mean: the running mean, `[C]`.
    ///   - variance: the running variance, `[C]`.
    ///   - epsilon: added to the variance.
    /// - Precondition: all four tensors have one value for each channel.
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

    /// Channels of the input and of the result.
    public var channels: Int { scale.count }

    /// activation((x + offset) · scale + shift), `[N, …, C]` → `[N, …, C]`.
    ///
    /// - Parameters:
    ///   - x: `[N, …, C]`
    ///   - offset: `[N, C]`, added to the channels of each image before the normalisation.
    ///   - activation: applied to the result.
    /// - Complexity: reads x and writes the result once.
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

    /// Folds the normalisation into the linear layer that follows it: one linear layer equal to this normalisation and then
    /// y = x Wᵀ + b. A 1 × 1 convolution after a normalisation can be run this way.
    ///
    /// - Parameters:
    ///   - weight: W, `[outputs, channels]`
    ///   - bias: b, `[outputs]`
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

    /// Scale and shift for each image of x, with the offset included in the shift.
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

/// Scale and shift of each channel, y = x · scale + shift; the shift may differ between images.
struct ChannelFactors {
    /// `[C]`
    let scale: Tensor
    /// `[C]` or `[N, C]`
    let shift: Tensor

    /// The scale of one image, `[C]`. The pointer is valid as long as this value exists.
    func scale(of image: Int) -> UnsafePointer<Float> { UnsafePointer(scale.storage.base) }

    /// The shift of one image, `[C]`. The pointer is valid as long as this value exists.
    func shift(of image: Int) -> UnsafePointer<Float> {
        UnsafePointer(shift.storage.base + (shift.shape.count == 2 ? image * scale.count : 0))
    }
}

/// Group normalisation (Wu and He, ECCV 2018): each group of channels of each image is normalised to mean 0 and variance 1, then
/// each channel is multiplied by its weight and its bias is added.
public struct GroupNorm: Sendable {
    /// The number of groups of neighbouring channels.
    public let groups: Int
    /// Added to the variance.
    public let epsilon: Float
    private let weight: Tensor
    private let bias: Tensor

    /// - Precondition: weight and bias have one value for each channel, and the number of groups divides the number of channels.
    public init(groups: Int, epsilon: Float, weight: Tensor, bias: Tensor) {
        precondition(
            groups > 0 && weight.count % groups == 0 && bias.count == weight.count,
            "\(weight.shape) and \(bias.shape) cannot scale \(groups) groups")
        (self.groups, self.epsilon, self.weight, self.bias) = (groups, epsilon, weight, bias)
    }

    /// activation(normalised x), `[N, …, C]` → `[N, …, C]`.
    ///
    /// - Complexity: reads x twice and writes the result once.
    public func callAsFunction(_ x: Tensor, activation: Activation = .none) -> Tensor {
        precondition(x.shape.last == weight.count, "\(x.shape) has not the \(weight.count) channels of this layer")
        guard x.count > 0 else { return x }
        let moments = ChannelMoments(of: x, over: .groups(groups))
        return Normalization(weight: weight, bias: bias, epsilon: epsilon)(x, moments: moments, activation: activation)
    }
}

/// Layer normalisation (Ba, Kiros and Hinton, 2016): the channels of each token are normalised to mean 0 and variance 1, then
/// each channel is multiplied by its weight and its bias is added.
public struct LayerNorm: Sendable {
    /// Added to the variance.
    public let epsilon: Float
    private let weight: Tensor
    private let bias: Tensor?

    /// - Precondition: weight and bias, if any, have one value for each channel.
    public init(epsilon: Float, weight: Tensor, bias: Tensor?) {
        precondition(bias.map { $0.count == weight.count } ?? true, "a bias for other channels than the weights'")
        (self.epsilon, self.weight, self.bias) = (epsilon, weight, bias)
    }

    /// `[…, C]` → `[…, C]`
    ///
    /// - Complexity: reads x and writes the result once.
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
