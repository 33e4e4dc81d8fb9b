import Tensors

/// What follows a convolution in a network.
public enum NormalizationKind: Hashable, Sendable, Codable {
    /// Over all patches of a batch, with running moments in inference: what comes of a voxel does not depend on the block it is in.
    case batch
    /// Over each patch, every channel by itself.
    case instance
    /// Over each patch, so many groups of channels.
    case group(Int)
}

/// A convolution without bias, normalisation, and a ReLU.
struct NormalizedConvolution {
    let layer: Convolution3D
    let kind: NormalizationKind
    let weight: NetworkParameter
    let scale: NetworkParameter
    let shift: NetworkParameter
    /// Of batch normalisation: `running_mean`, `running_var`.
    let means: NetworkParameter
    let variances: NetworkParameter

    /// What a batch moves the running moments by, as PyTorch does.
    private static let momentum: Float = 0.1
    private static let epsilon: Float = 1e-5

    init(_ name: String, _ layer: Convolution3D, _ kind: NormalizationKind, _ numbers: inout WeightInitialization) {
        (self.layer, self.kind) = (layer, kind)
        weight = NetworkParameter("\(name).weight", numbers.kaiming(layer.weightShape))
        scale = NetworkParameter("\(name).norm.weight", Tensor(shape: [layer.outputs], repeating: 1))
        shift = NetworkParameter("\(name).norm.bias", Tensor(shape: [layer.outputs]))
        means = NetworkParameter("\(name).norm.running_mean", Tensor(shape: [layer.outputs]))
        variances = NetworkParameter("\(name).norm.running_var", Tensor(shape: [layer.outputs], repeating: 1))
    }

    var parameters: [NetworkParameter] { [weight, scale, shift] }
    var buffers: [NetworkParameter] { kind == .batch ? [means, variances] : [] }

    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable {
        guard kind == .batch else {
            let groups = if case .group(let groups) = kind { min(groups, layer.outputs) } else { layer.outputs }
            return tape.normalization(
                tape.convolution(x, layer, weight: weight), over: .groups(groups), weight: scale, bias: shift, rectified: true)
        }
        guard tape.isRecording else { return Variable(inferred(x.value)) }
        return tape.normalization(
            tape.convolution(x, layer, weight: weight), over: .batch, weight: scale, bias: shift, rectified: true
        ) { moments in
            let (batchMeans, batchVariances) = moments.ofBatch
            Self.move(means, towards: batchMeans)
            Self.move(variances, towards: batchVariances)
        }
    }

    private static func move(_ running: NetworkParameter, towards batch: [Double]) {
        running.value.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] += momentum * (Float(batch[index]) - values[index]) }
        }
    }

    /// With the running moments, as a convolution of other weights.
    private func inferred(_ x: Tensor) -> Tensor {
        let (scales, shifts) = (scale.value.values, shift.value.values)
        let (means, variances) = (means.value.values, variances.value.values)
        let factors = zip(scales, variances).map { Double($0) / (Double($1) + Double(Self.epsilon)).squareRoot() }
        let bias = factors.indices.map { Float(Double(shifts[$0]) - Double(means[$0]) * factors[$0]) }
        var folded = weight.value
        folded.withUnsafeMutableBufferPointer { values in
            let inner = values.count / factors.count
            for output in factors.indices {
                let factor = Float(factors[output])
                for index in output * inner..<(output + 1) * inner { values[index] *= factor }
            }
        }
        return layer(x, weight: folded, bias: Tensor(shape: [bias.count], values: bias)).applying(.relu)
    }
}
