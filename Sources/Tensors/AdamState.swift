internal import CKernels

/// The moments of Adam (Kingma and Ba, ICLR 2015) for one array of parameters, with the weight decay of AdamW (Loshchilov and Hutter,
/// ICLR 2019).
public struct AdamState: Sendable {
    /// Running mean of the gradients.
    public private(set) var means: Tensor
    /// Running mean of their squares.
    public private(set) var squares: Tensor

    public init(shape: [Int]) { (means, squares) = (Tensor(shape: shape), Tensor(shape: shape)) }

    /// - Precondition: of equal shapes.
    public init(means: Tensor, squares: Tensor) {
        precondition(means.shape == squares.shape, "\(means.shape) and \(squares.shape) are no moments of the same values")
        (self.means, self.squares) = (means, squares)
    }

    /// What moves the values in one step.
    public struct Step: Sendable {
        let decay: Float
        let meanRate: Float
        let squareRate: Float
        let rate: Float
        let correction: Float
        let epsilon: Float

        /// - Parameters:
        ///   - number: of the step, from 1 on.
        ///   - weightDecay: what values lose in each step, times the learning rate.
        public init(
            number: Int, learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
            weightDecay: Double = 0
        ) {
            var powers = (1.0, 1.0)
            for _ in 0..<number where powers.0 > 1e-30 || powers.1 > 1e-30 { powers = (powers.0 * betas.0, powers.1 * betas.1) }
            decay = Float(1 - learningRate * weightDecay)
            (meanRate, squareRate) = (Float(1 - betas.0), Float(1 - betas.1))
            rate = Float(learningRate / (1 - powers.0))
            correction = Float(1 / (1 - powers.1).squareRoot())
            self.epsilon = Float(epsilon)
        }
    }

    /// Moves values against their gradients.
    public mutating func update(_ values: inout Tensor, gradient: Tensor, _ step: Step) {
        precondition(
            values.shape == gradient.shape && values.shape == means.shape, "\(gradient.shape) does not fit \(values.shape)")
        let count = values.count
        values.withUnsafeMutableBufferPointer { values in
            means.withUnsafeMutableBufferPointer { means in
                squares.withUnsafeMutableBufferPointer { squares in
                    guard let values = values.baseAddress, let means = means.baseAddress, let squares = squares.baseAddress else {
                        return
                    }
                    Threads.perform((count + Tensor.chunk - 1) / Tensor.chunk) { index in
                        let first = index * Tensor.chunk
                        ck_adam(
                            values + first, gradient.storage.base + first, means + first, squares + first,
                            min(Tensor.chunk, count - first), step.decay, step.meanRate, step.squareRate, step.rate,
                            step.correction, step.epsilon)
                    }
                }
            }
        }
    }
}
