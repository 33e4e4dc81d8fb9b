import Basics
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
    private let layer: Convolution3D
    private let kind: NormalizationKind
    private let weight: NetworkParameter
    private let scale: NetworkParameter
    private let shift: NetworkParameter
    /// Of batch normalisation: `running_mean`, `running_var`.
    private let means: NetworkParameter
    private let variances: NetworkParameter

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

/// A transposed convolution with a bias, whose weights have PyTorch's shape, `[inputs, outputs, …]`.
struct TransposedLayer {
    /// From the result back.
    private let layer: Convolution3D
    private let weight: NetworkParameter
    private let bias: NetworkParameter

    /// - Parameters:
    ///   - layer: what takes the result back: its outputs are the channels of what is given.
    ///   - overlap: how many of the kernel's taps meet in a voxel of the result, for the size of first weights.
    init(_ name: String, _ layer: Convolution3D, overlap: Int, _ numbers: inout WeightInitialization) {
        self.layer = layer
        weight = NetworkParameter(
            "\(name).weight",
            numbers.normal(layer.weightShape, deviation: (1 / Double(overlap * layer.outputs)).squareRoot()))
        bias = NetworkParameter("\(name).bias", Tensor(shape: [layer.inputs]))
    }

    var parameters: [NetworkParameter] { [weight, bias] }

    /// - Parameter extent: of the result.
    func callAsFunction(_ x: Variable, to extent: Extent3D, on tape: Tape) -> Variable {
        tape.transposedConvolution(x, layer, weight: weight, bias: bias, extent: extent)
    }
}

/// The 1 × 1 convolution that makes logits of channels.
struct LogitLayer {
    private let layer: Convolution3D
    private let weight: NetworkParameter
    private let bias: NetworkParameter

    init(_ name: String, inputs: Int, outputs: Int, _ numbers: inout WeightInitialization) {
        layer = Convolution3D(inputs: inputs, outputs: outputs, kernel: Extent3D(1))
        weight = NetworkParameter("\(name).weight", numbers.kaiming(layer.weightShape))
        bias = NetworkParameter("\(name).bias", Tensor(shape: [outputs]))
    }

    var parameters: [NetworkParameter] { [weight, bias] }

    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable { tape.convolution(x, layer, weight: weight, bias: bias) }
}

/// First weights, all from one seed.
struct WeightInitialization {
    private var random: RandomStream

    init(seed: UInt64) { random = RandomStream(seed: seed) }

    /// Normal, of variance 2 / inputs of a sum (He et al., ICCV 2015).
    mutating func kaiming(_ shape: [Int]) -> Tensor {
        let inner = shape.dropFirst().reduce(1, *)
        return normal(shape, deviation: (2 / Double(max(inner, 1))).squareRoot())
    }

    mutating func normal(_ shape: [Int], deviation: Double) -> Tensor {
        Tensor(shape: shape) { values in
            for index in values.indices { values[index] = Float(deviation * random.normal()) }
        }
    }
}
