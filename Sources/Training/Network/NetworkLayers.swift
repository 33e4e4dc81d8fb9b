import Basics
import Tensors

/// The normalisation after each convolution of a network.
public enum NormalizationKind: Hashable, Sendable, Codable {
    /// Batch normalisation: each channel over all patches of a batch; running moments in inference, so that the result of a voxel
    /// does not depend on its block.
    case batch
    /// Instance normalisation: each channel of each patch.
    case instance
    /// Group normalisation: this number of groups of channels, over each patch; at most as many groups as channels.
    case group(Int)
}

/// Convolution without bias → normalisation → ReLU: `[N, D, H, W, inputs]` → `[N, D′, H′, W′, outputs]`.
struct NormalizedConvolution {
    private let layer: Convolution3D
    private let kind: NormalizationKind
    private let weight: NetworkParameter
    private let scale: NetworkParameter
    private let shift: NetworkParameter
    /// The running moments of batch normalisation: `running_mean`, `running_var`.
    private let means: NetworkParameter
    private let variances: NetworkParameter
    private let inference: InferenceCache<PackedConvolution3D>

    /// The weight of a batch in the running moments: r ← r + 0.1 · (batch − r), as in PyTorch by default.
    private static let momentum: Float = 0.1
    private static let epsilon: Float = 1e-5

    init(_ name: String, _ layer: Convolution3D, _ kind: NormalizationKind, _ numbers: inout WeightInitialization) {
        (self.layer, self.kind) = (layer, kind)
        weight = NetworkParameter("\(name).weight", numbers.kaiming(layer.weightShape))
        scale = NetworkParameter("\(name).norm.weight", Tensor(shape: [layer.outputs], repeating: 1))
        shift = NetworkParameter("\(name).norm.bias", Tensor(shape: [layer.outputs]))
        means = NetworkParameter("\(name).norm.running_mean", Tensor(shape: [layer.outputs]))
        variances = NetworkParameter("\(name).norm.running_var", Tensor(shape: [layer.outputs], repeating: 1))
        inference = InferenceCache(of: [weight, scale, shift, means, variances])
    }

    var parameters: [NetworkParameter] { [weight, scale, shift] }
    var buffers: [NetworkParameter] { kind == .batch ? [means, variances] : [] }

    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable {
        guard kind == .batch else {
            let groups = if case .group(let groups) = kind { min(groups, layer.outputs) } else { layer.outputs }
            return tape.normalization(
                tape.isRecording ? tape.convolution(x, layer, weight: weight) : Variable(inferenceLayer(x.value)),
                over: .groups(groups), weight: scale, bias: shift, rectified: true)
        }
        guard tape.isRecording else { return Variable(inferenceLayer(x.value)) }
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

    /// The convolution in inference. Batch normalisation with the running moments is folded into its weight and bias, and the ReLU is part
    /// of it; other kinds of normalisation follow it.
    private var inferenceLayer: PackedConvolution3D {
        inference.value { kind == .batch ? foldedLayer : PackedConvolution3D(layer, weight: weight.value) }
    }

    /// Batch normalisation with the running moments, folded into the convolution: weight · f and bias = shift − mean · f, where f
    /// = scale / √(variance + ε) for each output.
    private var foldedLayer: PackedConvolution3D {
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
        return PackedConvolution3D(layer, weight: folded, bias: Tensor(shape: [bias.count], values: bias), isRectified: true)
    }
}

/// A value that a layer computes from its parameters for inference, such as packed weights. It is computed at its first use, and again
/// only after a parameter has changed.
private final class InferenceCache<Value> {
    private let parameters: [NetworkParameter]
    private var kept: (versions: [Int], value: Value)?

    init(of parameters: [NetworkParameter]) { self.parameters = parameters }

    /// The value. `make` computes it from the parameters.
    func value(_ make: () -> Value) -> Value {
        let versions = parameters.map(\.version)
        if let kept, kept.versions == versions { return kept.value }
        let value = make()
        kept = (versions, value)
        return value
    }
}

/// A transposed convolution with a bias: `[N, D′, H′, W′, layer.outputs]` → `[N, D, H, W, layer.inputs]`. The weight has
/// PyTorch's shape, `[input channels, output channels, depth, rows, columns]`.
struct TransposedLayer {
    /// The convolution in the opposite direction, from the result to the input.
    private let layer: Convolution3D
    private let weight: NetworkParameter
    private let bias: NetworkParameter
    private let inference: InferenceCache<PackedTransposedConvolution3D>

    /// - Parameters:
    ///   - layer: the convolution in the opposite direction: its outputs are the input channels of this layer.
    ///   - overlap: how many taps of the kernel contribute to a voxel of the result. The initial weights have the variance
    ///     1 / (overlap · input channels).
    init(_ name: String, _ layer: Convolution3D, overlap: Int, _ numbers: inout WeightInitialization) {
        self.layer = layer
        weight = NetworkParameter(
            "\(name).weight",
            numbers.normal(layer.weightShape, deviation: (1 / Double(overlap * layer.outputs)).squareRoot()))
        bias = NetworkParameter("\(name).bias", Tensor(shape: [layer.inputs]))
        inference = InferenceCache(of: [weight, bias])
    }

    var parameters: [NetworkParameter] { [weight, bias] }

    /// - Parameter extent: D, H and W of the result.
    func callAsFunction(_ x: Variable, to extent: Extent3D, on tape: Tape) -> Variable {
        guard tape.isRecording else {
            let packed = inference.value { PackedTransposedConvolution3D(layer, weight: weight.value, bias: bias.value) }
            return Variable(packed(x.value, to: extent))
        }
        return tape.transposedConvolution(x, layer, weight: weight, bias: bias, extent: extent)
    }
}

/// The last layer, a 1 × 1 convolution with a bias: features `[N, D, H, W, inputs]` → logits `[N, D, H, W, outputs]`.
struct LogitLayer {
    private let layer: Convolution3D
    private let weight: NetworkParameter
    private let bias: NetworkParameter
    private let inference: InferenceCache<PackedConvolution3D>

    init(_ name: String, inputs: Int, outputs: Int, _ numbers: inout WeightInitialization) {
        layer = Convolution3D(inputs: inputs, outputs: outputs, kernel: Extent3D(1))
        weight = NetworkParameter("\(name).weight", numbers.kaiming(layer.weightShape))
        bias = NetworkParameter("\(name).bias", Tensor(shape: [outputs]))
        inference = InferenceCache(of: [weight, bias])
    }

    var parameters: [NetworkParameter] { [weight, bias] }

    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable {
        guard tape.isRecording else {
            let packed = inference.value { PackedConvolution3D(layer, weight: weight.value, bias: bias.value) }
            return Variable(packed(x.value))
        }
        return tape.convolution(x, layer, weight: weight, bias: bias)
    }
}

/// Random initial weights; all tensors of a network are drawn one after the other from one seed.
struct WeightInitialization {
    private var random: RandomStream

    init(seed: UInt64) { random = RandomStream(seed: seed) }

    /// Normally distributed with variance 2 / fan-in, where fan-in is the number of values in a sum: all axes of the shape but
    /// the first (He et al., ICCV 2015).
    mutating func kaiming(_ shape: [Int]) -> Tensor {
        let inner = shape.dropFirst().reduce(1, *)
        return normal(shape, deviation: (2 / Double(max(inner, 1))).squareRoot())
    }

    /// Normally distributed with mean 0 and this standard deviation.
    mutating func normal(_ shape: [Int], deviation: Double) -> Tensor {
        Tensor(shape: shape) { values in
            for index in values.indices { values[index] = Float(deviation * random.normal()) }
        }
    }
}
