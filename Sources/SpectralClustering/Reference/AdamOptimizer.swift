internal import Foundation
internal import Tensors

/// Adam (Kingma and Ba, ICLR 2015), β 0.9 and 0.999, ε 10⁻⁸.
struct AdamOptimizer {
    let learningRate: Double
    private var means: [[Float]] = []
    private var squares: [[Float]] = []
    private var steps = 0

    init(learningRate: Double) { self.learningRate = learningRate }

    /// Moves values against their gradients, times a factor.
    mutating func step(_ values: inout [Tensor], gradients: [Tensor], factor: Float) {
        if means.isEmpty {
            means = values.map { [Float](repeating: 0, count: $0.count) }
            squares = means
        }
        steps += 1
        let rate = Float(learningRate / (1 - pow(0.9, Double(steps))))
        let correction = Float(1 / (1 - pow(0.999, Double(steps))).squareRoot())
        for index in values.indices {
            values[index].withUnsafeMutableBufferPointer { values in
                gradients[index].withUnsafeBufferPointer { gradients in
                    means[index].withUnsafeMutableBufferPointer { means in
                        squares[index].withUnsafeMutableBufferPointer { squares in
                            for place in values.indices {
                                let gradient = factor * gradients[place]
                                means[place] += 0.1 * (gradient - means[place])
                                squares[place] += 0.001 * (gradient * gradient - squares[place])
                                values[place] -= rate * means[place] / (squares[place].squareRoot() * correction + 1e-8)
                            }
                        }
                    }
                }
            }
        }
    }
}
