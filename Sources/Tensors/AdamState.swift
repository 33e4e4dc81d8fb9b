internal import CKernels

/// The optimiser state of Adam (Kingma and Ba, ICLR 2015) for one array of parameters: running first and second moments of its
/// gradients. Weight decay is decoupled, as in AdamW (Loshchilov and Hutter, ICLR 2019).
public struct AdamState: Sendable {
    /// The first moment: running mean of the gradients, of the parameters' shape.
    public private(set) var means: Tensor
    /// The second moment: running mean of the squared gradients, of the parameters' shape.
    public private(set) var squares: Tensor

    /// The state before the first step: zeros.
    public init(shape: [Int]) { (means, squares) = (Tensor(shape: shape), Tensor(shape: shape)) }

    /// A state that was saved.
    ///
    /// - Precondition: both moments have the same shape.
    public init(means: Tensor, squares: Tensor) {
        precondition(means.shape == squares.shape, "\(means.shape) and \(squares.shape) are no moments of the same values")
        (self.means, self.squares) = (means, squares)
    }

    /// The coefficients of one step, equal for all parameters.
    public struct Step: Sendable {
        /// 1 − learning rate · weight decay
        let decay: Float
        /// 1 − β₁
        let meanRate: Float
        /// 1 − β₂
        let squareRate: Float
        /// learning rate / (1 − β₁ᵗ)
        let rate: Float
        /// 1 / √(1 − β₂ᵗ)
        let correction: Float
        let epsilon: Float

        /// - Parameters:
        ///   - number: t, the number of the step, from 1.
        ///   - betas: β₁ and β₂, the decay rates of the two moments.
        ///   - weightDecay: each step multiplies the values by 1 − learning rate · weight decay.
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

    /// One step: updates both moments m and v, then values ← values · decay − rate · m / (correction · √v + ε), in place.
    ///
    /// - Precondition: values, gradient and moments have the same shape.
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
