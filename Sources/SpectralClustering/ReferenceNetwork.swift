internal import Basics
internal import Tensors

/// The network that ``ReferenceSolver`` trains: a learned input with K channels, two 3 × 3 convolutions with batch normalisation
/// and ReLU, a third 3 × 3 convolution to C channels, and a softmax over these channels, which are the maps.
struct ReferenceNetwork {
    /// The learned input, `[1, 1, H, W, K]`.
    let input: NetworkParameter
    /// Weights of the convolutions: `[K, K, 1, 3, 3]`, `[K, K, 1, 3, 3]`, `[C, K, 1, 3, 3]`.
    let weights: [NetworkParameter]
    /// Biases of the convolutions: `[K]`, `[K]`, `[C]`.
    let biases: [NetworkParameter]
    /// Factors of the two normalisations, `[K]` each.
    let scales: [NetworkParameter]
    /// Offsets of the two normalisations, `[K]` each.
    let shifts: [NetworkParameter]

    /// All parameters in a fixed order, for the optimiser.
    var parameters: [NetworkParameter] { [input] + weights + biases + scales + shifts }

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
        let input = Tensor(shape: [1, 1, grid.height, grid.width, channels]) { values in
            for index in values.indices { values[index] = (0..<12).reduce(Float(0)) { sum, _ in sum + numbers.signedUnit() } / 2 }
        }
        self.init(
            input: input, weights: [channels, channels, maps].map { even([$0, channels, 1, 3, 3], bound) },
            biases: [channels, channels, maps].map { even([$0], bound) },
            scales: (0..<2).map { _ in Tensor(shape: [channels], repeating: 1) },
            shifts: (0..<2).map { _ in Tensor(shape: [channels]) })
    }

    init(input: Tensor, weights: [Tensor], biases: [Tensor], scales: [Tensor], shifts: [Tensor]) {
        func parameters(_ name: String, _ values: [Tensor]) -> [NetworkParameter] {
            values.enumerated().map { NetworkParameter("\(name)\($0)", $1) }
        }
        self.input = NetworkParameter("input", input)
        (self.weights, self.biases) = (parameters("weight", weights), parameters("bias", biases))
        (self.scales, self.shifts) = (parameters("scale", scales), parameters("shift", shifts))
    }

    /// The forward pass. Returns the maps, `[C, N]` for N tokens.
    func callAsFunction(on tape: Tape) -> Variable {
        var x = tape.parameter(input)
        for number in 0..<3 {
            let shape = weights[number].value.shape
            let layer = Convolution3D(
                inputs: shape[1], outputs: shape[0], kernel: Extent3D(1, 3, 3), padding: Extent3D(0, 1, 1))
            x = tape.convolution(x, layer, weight: weights[number], bias: biases[number])
            guard number < 2 else { break }
            x = tape.normalization(x, over: .batch, weight: scales[number], bias: shifts[number], rectified: true)
        }
        return tape.maps(x)
    }
}

extension Tape {
    /// The softmax over channels, with channels first: `[1, 1, H, W, C]` → `[C, N]`.
    fileprivate func maps(_ logits: Variable) -> Variable {
        let (shape, channels) = (logits.value.shape, logits.value.shape[4])
        let probabilities = logits.value.reshaped([logits.value.count / channels, channels]).softmax()
        return record(Softmax.transposed(probabilities)) { [unowned self] gradient in
            accumulate(
                Softmax.backward(Softmax.transposed(gradient), probabilities: probabilities).reshaped(shape), to: logits)
        }
    }
}

/// The backward pass of the softmax of each row of a matrix.
private enum Softmax {
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
