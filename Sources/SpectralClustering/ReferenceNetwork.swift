internal import Basics
internal import Foundation
internal import Tensors

/// The network that ``ReferenceSolver`` trains: a learned input with K channels, two 3 × 3 convolutions with batch normalisation
/// and ReLU, a third 3 × 3 convolution to C channels, and a softmax over these channels, which are the maps.
struct ReferenceNetwork {
    /// The learned parameters, each in PyTorch's layout, except for the input, whose channels are last.
    struct Parameters {
        /// `[1, H, W, K]`
        var input: Tensor
        /// Weights of the convolutions: `[K, K, 3, 3]`, `[K, K, 3, 3]`, `[C, K, 3, 3]`.
        var weights: [Tensor]
        /// Biases of the convolutions: `[K]`, `[K]`, `[C]`.
        var biases: [Tensor]
        /// Factors of the two normalisations, `[K]` each.
        var scales: [Tensor]
        /// Offsets of the two normalisations, `[K]` each.
        var shifts: [Tensor]

        /// All parameters in a fixed order, for the optimiser.
        var all: [Tensor] {
            get { [input] + weights + biases + scales + shifts }
            set {
                guard newValue.count == 11 else { return }
                (input, weights, biases) = (newValue[0], Array(newValue[1...3]), Array(newValue[4...6]))
                (scales, shifts) = (Array(newValue[7...8]), Array(newValue[9...10]))
            }
        }
    }

    var parameters: Parameters

    /// Random first parameters with PyTorch's defaults: weights and biases uniform in ±1/√(9 K), normalisations 1 and 0; the
    /// input normal with variance 1.
    ///
    /// - Parameters:
    ///   - channels: K.
    ///   - maps: C.
    init(grid: TokenGrid, channels: Int, maps: Int, seed: UInt64) {
        var numbers = RandomStream(seed: seed, for: .weights)
        func even(_ shape: [Int], _ bound: Float) -> Tensor {
            Tensor(shape: shape) { values in
                for index in values.indices { values[index] = bound * numbers.signedUnit() }
            }
        }
        let bound = 1 / Float(9 * channels).squareRoot()
        // Half the sum of twelve uniform numbers in ±1, each of variance 1/3, is close to normal with variance 1.
        let input = Tensor(shape: [1, grid.height, grid.width, channels]) { values in
            for index in values.indices { values[index] = (0..<12).reduce(Float(0)) { sum, _ in sum + numbers.signedUnit() } / 2 }
        }
        parameters = Parameters(
            input: input,
            weights: [channels, channels, maps].map { even([$0, channels, 3, 3], bound) },
            biases: [channels, channels, maps].map { even([$0], bound) },
            scales: (0..<2).map { _ in Tensor(shape: [channels], repeating: 1) },
            shifts: (0..<2).map { _ in Tensor(shape: [channels]) })
    }

    init(parameters: Parameters) { self.parameters = parameters }

    /// The intermediate results of a forward pass that the backward pass needs.
    struct Pass {
        /// The input of each convolution, `[1, 1, H, W, K]`.
        var inputs: [Tensor] = []
        /// The input of each normalisation, and its moments.
        var normalized: [(input: Tensor, moments: ChannelMoments)] = []
        /// The softmax, `[N, C]` for N tokens.
        var probabilities = Tensor(shape: [0, 0])
    }

    /// One of the three convolutions, and its weight with a depth of 1.
    private func convolution(_ layer: Int) -> (layer: Convolution3D, weight: Tensor) {
        let shape = parameters.weights[layer].shape
        return (
            Convolution3D(
                inputs: shape[1], outputs: shape[0], kernel: Extent3D(1, 3, 3), padding: Extent3D(0, 1, 1)),
            parameters.weights[layer].reshaped([shape[0], shape[1], 1, 3, 3])
        )
    }

    /// One of the two normalisations, with its ReLU.
    private func normalization(_ layer: Int) -> Normalization {
        Normalization(weight: parameters.scales[layer], bias: parameters.shifts[layer], rectified: true)
    }

    /// The forward pass.
    ///
    /// - Returns: the maps, `[C, N]`, and the intermediate results for ``backward(_:_:)``.
    func forward() -> (maps: Tensor, pass: Pass) {
        var pass = Pass()
        var x = parameters.input.reshaped([1] + parameters.input.shape)
        for number in 0..<3 {
            pass.inputs.append(x)
            let (layer, weight) = convolution(number)
            x = layer(x, weight: weight, bias: parameters.biases[number])
            guard number < 2 else { break }
            let moments = ChannelMoments(of: x, over: .batch)
            pass.normalized.append((x, moments))
            x = normalization(number)(x, moments: moments)
        }
        pass.probabilities = Softmax.apply(x.reshaped([x.count / x.shape[4], x.shape[4]]))
        return (Softmax.transposed(pass.probabilities), pass)
    }

    /// The backward pass.
    ///
    /// - Parameters:
    ///   - gradient: the gradient with respect to the maps, `[C, N]`.
    ///   - pass: the intermediate results of the forward pass.
    /// - Returns: the gradients with respect to all parameters.
    func backward(_ gradient: Tensor, _ pass: Pass) -> Parameters {
        var result = parameters
        let logits = Softmax.backward(Softmax.transposed(gradient), probabilities: pass.probabilities)
        var y = logits.reshaped([1] + parameters.input.shape.prefix(3) + [logits.shape[1]])
        for number in [2, 1, 0] {
            if number < 2 {
                let (input, moments) = pass.normalized[number]
                let back = normalization(number).gradients(input, moments: moments, y)
                (y, result.scales[number], result.shifts[number]) = (back.input, back.weight, back.bias)
            }
            let (layer, weight) = convolution(number)
            result.weights[number] = layer.weightGradient(pass.inputs[number], y).reshaped(parameters.weights[number].shape)
            result.biases[number] = y.channelSums()
            y = layer.inputGradient(y, weight: weight, extent: pass.inputs[number].extent)
        }
        result.input = y.reshaped(parameters.input.shape)
        return result
    }
}

/// The softmax of each row of a matrix, forward and backward.
private enum Softmax {
    /// exp(x_c) / Σ_d exp(x_d) in each row of `[N, C]`. The row's largest value is subtracted first, so that nothing overflows.
    static func apply(_ x: Tensor) -> Tensor {
        let columns = x.shape[1]
        return Tensor(shape: x.shape) { target in
            x.withUnsafeBufferPointer { x in
                for first in stride(from: 0, to: x.count, by: columns) {
                    let row = first..<first + columns
                    let largest = row.reduce(-Float.infinity) { max($0, x[$1]) }
                    var sum: Float = 0
                    for element in row {
                        target[element] = exp(x[element] - largest)
                        sum += target[element]
                    }
                    for element in row { target[element] /= sum }
                }
            }
        }
    }

    /// The gradient with respect to the logits x from that with respect to the probabilities, both `[N, C]`.
    static func backward(_ gradient: Tensor, probabilities: Tensor) -> Tensor {
        let columns = gradient.shape[1]
        return Tensor(shape: gradient.shape) { target in
            gradient.withUnsafeBufferPointer { gradient in
                probabilities.withUnsafeBufferPointer { probabilities in
                    for first in stride(from: 0, to: gradient.count, by: columns) {
                        let row = first..<first + columns
                        let mean = row.reduce(Float(0)) { $0 + gradient[$1] * probabilities[$1] }
                        for element in row { target[element] = probabilities[element] * (gradient[element] - mean) }
                    }
                }
            }
        }
    }

    /// The transpose: `[a, b]` → `[b, a]`.
    static func transposed(_ x: Tensor) -> Tensor {
        let (rows, columns) = (x.shape[0], x.shape[1])
        return Tensor(shape: [columns, rows]) { target in
            x.withUnsafeBufferPointer { x in
                for row in 0..<rows { for column in 0..<columns { target[column * rows + row] = x[row * columns + column] } }
            }
        }
    }
}
