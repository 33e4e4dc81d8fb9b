public import Tensors

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
