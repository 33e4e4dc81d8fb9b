internal import Foundation
internal import Tensors

/// The softmax of rows, and its way back.
enum Softmax {
    /// `[N, C]`, each row exponentials over their sum.
    static func apply(_ x: Tensor) -> Tensor {
        let columns = x.shape[1]
        return Tensor(shape: x.shape) { target in
            x.withUnsafeBufferPointer { x in
                for first in stride(from: 0, to: x.count, by: columns) {
                    let row = first..<first + columns
                    let largest = row.reduce(-Float.infinity) { max($0, x[$1]) }
                    var sum: Float = 0
                    for place in row {
                        target[place] = exp(x[place] - largest)
                        sum += target[place]
                    }
                    for place in row { target[place] /= sum }
                }
            }
        }
    }

    /// Derivatives by the logits from those by the probabilities, `[N, C]`.
    static func backward(_ gradient: Tensor, probabilities: Tensor) -> Tensor {
        let columns = gradient.shape[1]
        return Tensor(shape: gradient.shape) { target in
            gradient.withUnsafeBufferPointer { gradient in
                probabilities.withUnsafeBufferPointer { probabilities in
                    for first in stride(from: 0, to: gradient.count, by: columns) {
                        let row = first..<first + columns
                        let mean = row.reduce(Float(0)) { $0 + gradient[$1] * probabilities[$1] }
                        for place in row { target[place] = probabilities[place] * (gradient[place] - mean) }
                    }
                }
            }
        }
    }

    /// `[a, b]` → `[b, a]`
    static func transposed(_ x: Tensor) -> Tensor {
        let (rows, columns) = (x.shape[0], x.shape[1])
        return Tensor(shape: [columns, rows]) { target in
            x.withUnsafeBufferPointer { x in
                for row in 0..<rows { for column in 0..<columns { target[column * rows + row] = x[row * columns + column] } }
            }
        }
    }
}
