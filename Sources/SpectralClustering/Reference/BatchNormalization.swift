internal import Tensors

/// Normalises each channel of one image to mean 0 and variance 1 (ε 10⁻⁵), as batch normalisation does in training.
struct BatchNormalization {
    /// `[1, H, W, K]`
    let normalized: Tensor
    private let inverseDeviations: [Float]

    init(_ x: Tensor) {
        let channels = x.shape[3]
        let count = Double(x.count / channels)
        var (means, squares) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        var inverses = [Float](repeating: 0, count: channels)
        normalized = x.withUnsafeBufferPointer { x in
            for first in stride(from: 0, to: x.count, by: channels) {
                for channel in 0..<channels { means[channel] += Double(x[first + channel]) }
            }
            for channel in 0..<channels { means[channel] /= count }
            for first in stride(from: 0, to: x.count, by: channels) {
                for channel in 0..<channels {
                    let difference = Double(x[first + channel]) - means[channel]
                    squares[channel] += difference * difference
                }
            }
            for channel in 0..<channels { inverses[channel] = Float(1 / (squares[channel] / count + 1e-5).squareRoot()) }
            return Tensor(shape: [x.count]) { target in
                for first in stride(from: 0, to: x.count, by: channels) {
                    for channel in 0..<channels {
                        target[first + channel] = (x[first + channel] - Float(means[channel])) * inverses[channel]
                    }
                }
            }
        }.reshaped(x.shape)
        inverseDeviations = inverses
    }

    /// max(0, scale · normalized + shift)
    func rectified(scale: Tensor, shift: Tensor) -> Tensor {
        let (scale, shift) = (scale.values, shift.values)
        let channels = scale.count
        return Tensor(shape: normalized.shape) { target in
            normalized.withUnsafeBufferPointer { source in
                for first in stride(from: 0, to: source.count, by: channels) {
                    for channel in 0..<channels {
                        target[first + channel] = max(source[first + channel] * scale[channel] + shift[channel], 0)
                    }
                }
            }
        }
    }

    /// Derivatives by the input, scale and shift, from those by what `rectified` gave.
    func backward(_ gradient: Tensor, scale: Tensor, shift: Tensor) -> (input: Tensor, scale: Tensor, shift: Tensor) {
        let (scale, shift) = (scale.values, shift.values)
        let channels = scale.count
        let count = Double(gradient.count / channels)
        var passed = gradient
        var (sums, products) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        normalized.withUnsafeBufferPointer { normalized in
            passed.withUnsafeMutableBufferPointer { passed in
                for first in stride(from: 0, to: passed.count, by: channels) {
                    for channel in 0..<channels {
                        let place = first + channel
                        if normalized[place] * scale[channel] + shift[channel] <= 0 { passed[place] = 0 }
                        sums[channel] += Double(passed[place])
                        products[channel] += Double(passed[place]) * Double(normalized[place])
                    }
                }
                for first in stride(from: 0, to: passed.count, by: channels) {
                    for channel in 0..<channels {
                        let place = first + channel
                        let even = Float(sums[channel] / count) + normalized[place] * Float(products[channel] / count)
                        passed[place] = scale[channel] * inverseDeviations[channel] * (passed[place] - even)
                    }
                }
            }
        }
        return (
            passed, Tensor(shape: [channels], values: products.map { Float($0) }),
            Tensor(shape: [channels], values: sums.map { Float($0) })
        )
    }
}
