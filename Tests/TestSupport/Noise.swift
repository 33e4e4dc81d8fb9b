internal import Basics
public import Tensors

/// The values of `noise` in the scripts that make golden files: SplitMix64.
public func noise(_ seed: UInt64, _ shape: Int..., scale: Float = 1) -> Tensor { noise(seed, shape, scale: scale) }

public func noise(_ seed: UInt64, _ shape: [Int], scale: Float = 1) -> Tensor {
    var stream = RandomStream(state: seed)
    return Tensor(shape: shape) { buffer in
        for index in buffer.indices { buffer[index] = stream.signedUnit() * scale }
    }
}

/// The largest difference, as a share of the largest magnitude that was expected; infinite where counts differ or a value is NaN.
public func relativeError(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .infinity }
    let scale = expected.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
    return zip(values, expected).reduce(Float(0)) { worst, pair in
        let difference = abs(pair.0 - pair.1) / scale
        return max(worst, difference.isNaN ? .infinity : difference)
    }
}

extension Tensor {
    /// The root of the sum of squared differences, as a part of that of what was expected; infinite where shapes differ.
    public func relativeNoise(to expected: Tensor) -> Double {
        guard shape == expected.shape else { return .infinity }
        let difference = zip(values, expected.values).reduce(0.0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
        let whole = expected.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (difference / max(whole, .leastNormalMagnitude)).squareRoot()
    }

    /// As ``relativeError(_:_:)``; infinite where shapes differ.
    public func relativeError(to expected: Tensor) -> Float {
        shape == expected.shape ? TestSupport.relativeError(values, expected.values) : .infinity
    }
}
