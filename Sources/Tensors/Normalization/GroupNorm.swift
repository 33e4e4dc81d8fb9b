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
