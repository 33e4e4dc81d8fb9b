internal import Tensors

/// Derivatives of a 3 × 3 convolution of stride 1 and padding 1, of one image.
struct ConvolutionGradient {
    /// `[O, I, 3, 3]`
    let weight: Tensor
    /// `[O]`
    let bias: Tensor

    /// - Parameters:
    ///   - input: what the convolution took, `[1, H, W, I]`.
    ///   - output: derivatives by what it gave, `[1, H, W, O]`.
    init(input: Tensor, output: Tensor) {
        let (height, width, inputs, outputs) = (input.shape[1], input.shape[2], input.shape[3], output.shape[3])
        // Rows of both get two more columns of zeros. So each of the nine shifts is one product over all of them.
        let columns = width + 2
        let padded = Self.padded(input, rows: height + 3, top: 1, left: 1)
        let gradient = Self.padded(output, rows: height, top: 0, left: 0)
        let taps = Tensor(shape: [9, outputs, inputs]) { taps in
            padded.withUnsafeBufferPointer { padded in
                gradient.withUnsafeBufferPointer { gradient in
                    guard let x = padded.baseAddress, let y = gradient.baseAddress, let target = taps.baseAddress else { return }
                    Threads.perform(9) { tap in
                        BLAS.multiply(
                            rows: outputs, columns: inputs, inner: height * columns, .init(y, stride: outputs, transposed: true),
                            .init(x + (tap / 3 * columns + tap % 3) * inputs, stride: inputs),
                            into: target + tap * outputs * inputs, stride: inputs)
                    }
                }
            }
        }
        weight = Tensor(shape: [outputs, inputs, 3, 3]) { target in
            taps.withUnsafeBufferPointer { taps in
                for pair in 0..<outputs * inputs {
                    for tap in 0..<9 { target[pair * 9 + tap] = taps[tap * outputs * inputs + pair] }
                }
            }
        }
        var sums = [Double](repeating: 0, count: outputs)
        output.withUnsafeBufferPointer { output in
            for first in stride(from: 0, to: output.count, by: outputs) {
                for channel in 0..<outputs { sums[channel] += Double(output[first + channel]) }
            }
        }
        bias = Tensor(shape: [outputs], values: sums.map { Float($0) })
    }

    /// Derivatives by what the convolution took, `[1, H, W, I]`: the convolution with the weight turned round.
    static func input(weight: Tensor, output: Tensor) -> Tensor {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let turned = Tensor(shape: [inputs, outputs, 3, 3]) { target in
            weight.withUnsafeBufferPointer { weight in
                for row in 0..<outputs {
                    for column in 0..<inputs {
                        let (from, to) = ((row * inputs + column) * 9, (column * outputs + row) * 9)
                        for tap in 0..<9 { target[to + tap] = weight[from + 8 - tap] }
                    }
                }
            }
        }
        return Convolution2D(weight: turned, bias: nil, stride: 1, padding: Padding2D(1))(output)
    }

    /// An image in the midst of zeros, two columns wider, `[rows, W + 2, C]`.
    private static func padded(_ x: Tensor, rows: Int, top: Int, left: Int) -> Tensor {
        let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        var result = Tensor(shape: [rows, width + 2, channels])
        result.withUnsafeMutableBufferPointer { target in
            x.withUnsafeBufferPointer { x in
                guard let source = x.baseAddress, let target = target.baseAddress else { return }
                for row in 0..<height {
                    (target + ((row + top) * (width + 2) + left) * channels)
                        .update(from: source + row * width * channels, count: width * channels)
                }
            }
        }
        return result
    }
}
