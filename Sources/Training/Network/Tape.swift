public import Tensors

/// Notes, while a network computes, how derivatives find their way back, and takes them there.
///
/// ```swift
/// let tape = Tape()
/// let loss = SegmentationLoss()(network(Variable(patch), on: tape), labels, on: tape)
/// tape.backward(from: loss)          // parameters have their gradients
/// ```
///
/// A tape that does not record keeps nothing: values go as soon as they are not needed, and normalisation takes its running
/// moments, as in inference.
public final class Tape {
    /// Whether the network is being trained.
    public let isRecording: Bool
    private var pullbacks: [(number: Int, body: (Tensor) -> Void)] = []
    private var gradients: [Int: Tensor] = [:]
    private var count = 0

    public init(recording: Bool = true) { isRecording = recording }

    /// A value by which derivatives are asked for; `gradient(of:)` has them after `backward`.
    public func watched(_ value: Tensor) -> Variable {
        count += 1
        watchedNumbers.insert(count)
        return Variable(value, number: count)
    }
    private var watchedNumbers: Set<Int> = []

    /// The derivative by a value that is watched.
    public func gradient(of variable: Variable) -> Tensor? { variable.number.flatMap { gradients[$0] } }

    /// Notes a result.
    ///
    /// - Parameter pullback: takes the derivative by the result, and hands those by what it came of to `accumulate` and to parameters.
    func record(_ value: Tensor, _ pullback: @escaping (Tensor) -> Void) -> Variable {
        guard isRecording else { return Variable(value) }
        count += 1
        pullbacks.append((count, pullback))
        return Variable(value, number: count)
    }

    /// Adds to the derivative by a value.
    func accumulate(_ gradient: @autoclosure () -> Tensor, to variable: Variable) {
        guard let number = variable.number else { return }
        if gradients[number] == nil { gradients[number] = gradient() } else { gradients[number]?.add(gradient()) }
    }

    /// Takes the derivatives of a loss, a tensor of one value, back to the parameters. The tape is empty afterwards.
    public func backward(from loss: Variable) {
        guard let number = loss.number else { return }
        gradients[number] = Tensor(shape: loss.value.shape, repeating: 1)
        while let (number, body) = pullbacks.popLast() {
            if let gradient = gradients[number] {
                if !watchedNumbers.contains(number) { gradients[number] = nil }
                body(gradient)
            }
        }
    }
}

/// A value in a computation, and how the tape knows it.
public struct Variable {
    public let value: Tensor
    /// Its number on the tape; nil where no derivative is asked for.
    let number: Int?

    /// A value that nothing depends on: no derivative by it is computed.
    public init(_ value: Tensor) { (self.value, number) = (value, nil) }

    init(_ value: Tensor, number: Int?) { (self.value, self.number) = (value, number) }
}

/// An array that a network learns, or keeps beside (running moments), by the name that checkpoints have for it.
public final class NetworkParameter {
    /// As PyTorch would call it: `encoder.0.convolution.1.weight`.
    public let name: String
    public var value: Tensor
    /// The sum of the derivatives of the losses since it was cleared.
    public var gradient: Tensor?

    public init(_ name: String, _ value: Tensor) { (self.name, self.value) = (name, value) }

    func accumulate(_ gradient: Tensor) {
        if self.gradient == nil { self.gradient = gradient } else { self.gradient?.add(gradient) }
    }
}

/// The layers that networks are made of, each with its way back.
extension Tape {
    public func convolution(_ x: Variable, _ layer: Convolution3D, weight: NetworkParameter, bias: NetworkParameter? = nil)
        -> Variable
    {
        record(layer(x.value, weight: weight.value, bias: bias?.value)) { [self] gradient in
            weight.accumulate(layer.weightGradient(x.value, gradient))
            bias?.accumulate(gradient.channelSums())
            accumulate(layer.inputGradient(gradient, weight: weight.value, extent: x.value.extent), to: x)
        }
    }

    /// The transposed convolution: what `layer` would give derivatives of.
    ///
    /// - Parameters:
    ///   - layer: from the result back to x: its outputs are the channels of x.
    ///   - extent: of the result.
    public func transposedConvolution(
        _ x: Variable, _ layer: Convolution3D, weight: NetworkParameter, bias: NetworkParameter?, extent: Extent3D
    ) -> Variable {
        var value = layer.inputGradient(x.value, weight: weight.value, extent: extent)
        if let bias { value = value.adding(channels: bias.value) }
        return record(value) { [self] gradient in
            weight.accumulate(layer.weightGradient(gradient, x.value))
            bias?.accumulate(gradient.channelSums())
            accumulate(layer(gradient, weight: weight.value), to: x)
        }
    }

    /// Normalisation by the moments of x itself, with a ReLU after it where wanted.
    ///
    /// - Parameter observe: is given the moments, for running ones.
    public func normalization(
        _ x: Variable, over region: ChannelMoments.Region, weight: NetworkParameter, bias: NetworkParameter, rectified: Bool,
        observe: (ChannelMoments) -> Void = { _ in }
    ) -> Variable {
        let layer = Normalization(weight: weight.value, bias: bias.value, rectified: rectified)
        let moments = ChannelMoments(of: x.value, over: region)
        observe(moments)
        return record(layer(x.value, moments: moments)) { [self] gradient in
            let gradients = layer.gradients(x.value, moments: moments, gradient)
            weight.accumulate(gradients.weight)
            bias.accumulate(gradients.bias)
            accumulate(gradients.input, to: x)
        }
    }

    public func elu(_ x: Variable) -> Variable {
        let value = x.value.applying(.elu)
        return record(value) { [self] gradient in accumulate(value.eluGradient(gradient), to: x) }
    }

    public func sum(_ a: Variable, _ b: Variable) -> Variable {
        record(a.value.adding(b.value)) { [self] gradient in
            accumulate(gradient, to: a)
            accumulate(gradient, to: b)
        }
    }

    public func pooling(_ x: Variable, _ layer: Pooling3D) -> Variable {
        let value = layer(x.value)
        return record(value) { [self] gradient in
            accumulate(layer.inputGradient(x.value, pooled: value, gradient), to: x)
        }
    }

    public func resized(_ x: Variable, to extent: Extent3D) -> Variable {
        let layer = LinearResize3D(from: x.value.extent, to: extent)
        return record(layer(x.value)) { [self] gradient in accumulate(layer.inputGradient(gradient), to: x) }
    }

    /// Channels side by side.
    public func concatenation(_ parts: [Variable]) -> Variable {
        record(Tensor.concatenating(parts.map(\.value))) { [self] gradient in
            var first = 0
            for part in parts {
                let width = part.value.shape.last ?? 1
                accumulate(gradient.channels(first..<first + width), to: part)
                first += width
            }
        }
    }
}
