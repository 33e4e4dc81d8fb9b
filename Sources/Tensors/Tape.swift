/// Reverse-mode automatic differentiation: records the operations of a forward pass, then computes the gradients of a scalar loss
/// (backpropagation).
///
/// ```swift
/// let tape = Tape()
/// let loss = loss(network(Variable(patch), on: tape), labels, on: tape)
/// tape.backward(from: loss)          // each parameter has its gradient
/// ```
///
/// A tape that does not record is for inference: it keeps no intermediate value, so that memory is freed as soon as the network
/// drops a value, and batch normalisation uses its running moments.
public final class Tape {
    /// Whether operations are recorded: true in training, false in inference.
    public let isRecording: Bool
    private var pullbacks: [(number: Int, body: (Tensor) -> Void)] = []
    private var gradients: [Int: Tensor] = [:]
    private var count = 0

    public init(recording: Bool = true) { isRecording = recording }

    /// Wraps a tensor whose gradient is kept: `gradient(of:)` returns it after `backward(from:)`.
    public func watched(_ value: Tensor) -> Variable {
        count += 1
        watchedNumbers.insert(count)
        return Variable(value, number: count)
    }
    private var watchedNumbers: Set<Int> = []

    /// The gradient of the loss with respect to a watched value, in its shape; nil before `backward(from:)`, and where the loss
    /// does not depend on the value.
    public func gradient(of variable: Variable) -> Tensor? { variable.number.flatMap { gradients[$0] } }

    /// A learned tensor as an operand of any operation, such as a learned input. Its gradient is added to the parameter's.
    public func parameter(_ parameter: NetworkParameter) -> Variable {
        record(parameter.value) { parameter.accumulate($0) }
    }

    /// Records the result of an operation; returns it without a record where the tape does not record.
    ///
    /// - Parameter pullback: the backward pass of the operation. It gets the gradient with respect to the result, and adds those
    ///   with respect to the operands with `accumulate`. It may capture the tape unowned only: the tape keeps it until the backward
    ///   pass, which does not come if a training diverges.
    package func record(_ value: Tensor, _ pullback: @escaping (Tensor) -> Void) -> Variable {
        guard isRecording else { return Variable(value) }
        count += 1
        pullbacks.append((count, pullback))
        return Variable(value, number: count)
    }

    /// Adds to the gradient with respect to a value. The gradient of a constant is not computed.
    package func accumulate(_ gradient: @autoclosure () -> Tensor, to variable: Variable) {
        guard let number = variable.number else { return }
        if gradients[number] == nil { gradients[number] = gradient() } else { gradients[number]?.add(gradient()) }
    }

    /// Backpropagation: adds the gradients of a loss to the gradients of the parameters. Afterwards the tape holds no operations; it
    /// keeps the gradients of watched values.
    ///
    /// - Parameters:
    ///   - result: the loss, or a value that the loss is computed from without the tape.
    ///   - gradient: the gradient of the loss with respect to `result`, in its shape; nil for 1, where `result` is the loss itself.
    /// - Complexity: one backward pass of each recorded operation that `result` depends on.
    public func backward(from result: Variable, gradient: Tensor? = nil) {
        guard let number = result.number else { return }
        gradients[number] = gradient ?? Tensor(shape: result.value.shape, repeating: 1)
        while let (number, body) = pullbacks.popLast() {
            if let gradient = gradients[number] {
                if !watchedNumbers.contains(number) { gradients[number] = nil }
                body(gradient)
            }
        }
    }
}

/// A tensor in a computation, with its number on the tape.
public struct Variable {
    public let value: Tensor
    /// Its number on the tape; nil for a constant.
    let number: Int?

    /// A constant, such as the network's input: no gradient with respect to it is computed.
    public init(_ value: Tensor) { (self.value, number) = (value, nil) }

    init(_ value: Tensor, number: Int?) { (self.value, self.number) = (value, number) }
}

/// A tensor that a network learns, or a buffer that it updates in training (running moments), under its name in checkpoints.
public final class NetworkParameter {
    /// The key in the checkpoint, in PyTorch's style: `encoder.0.1.norm.weight`.
    public let name: String
    public var value: Tensor { didSet { version += 1 } }
    /// The number of times that the value was changed. What was computed from the value is out of date when this number differs.
    package private(set) var version = 0
    /// The gradient, in the shape of the value: the sum over all losses since it was last cleared. Nil after clearing.
    public var gradient: Tensor?

    public init(_ name: String, _ value: Tensor) { (self.name, self.value) = (name, value) }

    func accumulate(_ gradient: Tensor) {
        if self.gradient == nil { self.gradient = gradient } else { self.gradient?.add(gradient) }
    }
}

/// The layers of networks, each with its backward pass. Tensors are channels last, `[N, D, H, W, C]`.
extension Tape {
    /// The convolution `layer`: `[N, D, H, W, layer.inputs]` → `[N, D′, H′, W′, layer.outputs]`.
    ///
    /// - Parameters:
    ///   - weight: `layer.weightShape`
    ///   - bias: `[layer.outputs]`
    public func convolution(_ x: Variable, _ layer: Convolution3D, weight: NetworkParameter, bias: NetworkParameter? = nil)
        -> Variable
    {
        record(layer(x.value, weight: weight.value, bias: bias?.value)) { [unowned self] gradient in
            weight.accumulate(layer.weightGradient(x.value, gradient))
            bias?.accumulate(gradient.channelSums())
            accumulate(layer.inputGradient(gradient, weight: weight.value, extent: x.value.extent), to: x)
        }
    }

    /// The transposed convolution: the gradient of `layer` with respect to its input. x is `[N, D′, H′, W′, layer.outputs]`, the
    /// result `[N, D, H, W, layer.inputs]`.
    ///
    /// - Parameters:
    ///   - layer: the convolution in the opposite direction, from the result to x.
    ///   - weight: `layer.weightShape`
    ///   - bias: `[layer.inputs]`
    ///   - extent: D, H and W of the result.
    public func transposedConvolution(
        _ x: Variable, _ layer: Convolution3D, weight: NetworkParameter, bias: NetworkParameter?, extent: Extent3D
    ) -> Variable {
        let layerOfStep = PackedTransposedConvolution3D(layer, weight: weight.value, bias: bias?.value, lasts: false)
        return record(layerOfStep(x.value, to: extent)) { [unowned self] gradient in
            weight.accumulate(layer.weightGradient(gradient, x.value))
            bias?.accumulate(gradient.channelSums())
            accumulate(layer(gradient, weight: weight.value), to: x)
        }
    }

    /// Batch, group or instance normalisation with the mean and variance of x itself; the shape of x stays.
    ///
    /// - Parameters:
    ///   - region: which channels and images share a mean and a variance.
    ///   - weight: the factor of each channel, `[C]`
    ///   - bias: the offset of each channel, `[C]`
    ///   - rectified: whether a ReLU follows.
    ///   - observe: receives the moments, to update running moments.
    public func normalization(
        _ x: Variable, over region: ChannelMoments.Region, weight: NetworkParameter, bias: NetworkParameter, rectified: Bool,
        observe: (ChannelMoments) -> Void = { _ in }
    ) -> Variable {
        let layer = Normalization(weight: weight.value, bias: bias.value, rectified: rectified)
        let moments = ChannelMoments(of: x.value, over: region)
        observe(moments)
        return record(layer(x.value, moments: moments)) { [unowned self] gradient in
            let gradients = layer.gradients(x.value, moments: moments, gradient)
            weight.accumulate(gradients.weight)
            bias.accumulate(gradients.bias)
            accumulate(gradients.input, to: x)
        }
    }

    /// ELU (exponential linear unit) of each value.
    public func elu(_ x: Variable) -> Variable {
        let value = x.value.applying(.elu)
        return record(value) { [unowned self] gradient in accumulate(value.eluGradient(gradient), to: x) }
    }

    /// The sum of two tensors of one shape.
    public func sum(_ a: Variable, _ b: Variable) -> Variable {
        record(a.value.adding(b.value)) { [unowned self] gradient in
            accumulate(gradient, to: a)
            accumulate(gradient, to: b)
        }
    }

    /// Maximum or mean pooling with windows side by side: `[N, D, H, W, C]` → `[N, D / depth, H / height, W / width, C]`.
    public func pooling(_ x: Variable, _ layer: Pooling3D) -> Variable {
        let value = layer(x.value)
        return record(value) { [unowned self] gradient in
            accumulate(layer.inputGradient(x.value, pooled: value, gradient), to: x)
        }
    }

    /// Linear interpolation along each axis: `[N, D, H, W, C]` → `[N, extent, C]`.
    public func resized(_ x: Variable, to extent: Extent3D) -> Variable {
        let layer = LinearResize3D(from: x.value.extent, to: extent)
        return record(layer(x.value)) { [unowned self] gradient in accumulate(layer.inputGradient(gradient), to: x) }
    }

    /// Concatenates along the channels: parts `[N, D, H, W, Cᵢ]` → `[N, D, H, W, Σ Cᵢ]`.
    public func concatenation(_ parts: [Variable]) -> Variable {
        record(Tensor.concatenating(parts.map(\.value))) { [unowned self] gradient in
            var first = 0
            for part in parts {
                let width = part.value.shape.last ?? 1
                accumulate(gradient.channels(first..<first + width), to: part)
                first += width
            }
        }
    }
}
