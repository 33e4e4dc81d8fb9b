/// Eight complex numbers, real and imaginary parts apart.
struct SplitComplex {
    var real: SIMD8<Float>
    var imaginary: SIMD8<Float>

    @inline(__always)
    static func + (a: Self, b: Self) -> Self { Self(real: a.real + b.real, imaginary: a.imaginary + b.imaginary) }

    @inline(__always)
    static func - (a: Self, b: Self) -> Self { Self(real: a.real - b.real, imaginary: a.imaginary - b.imaginary) }

    @inline(__always)
    static func * (factor: Float, a: Self) -> Self { Self(real: factor * a.real, imaginary: factor * a.imaginary) }

    /// Times −i.
    @inline(__always)
    var timesMinusI: Self { Self(real: imaginary, imaginary: -real) }

    /// Times one complex number for all lanes.
    @inline(__always)
    func turned(by w: SIMD2<Float>) -> Self {
        Self(real: real * w.x - imaginary * w.y, imaginary: real * w.y + imaginary * w.x)
    }
}

// Forward transforms of two to five values (Van Loan, § 2.1-2.4).
extension SplitComplex {
    @inline(__always)
    static func butterfly2(_ a: Self, _ b: Self) -> (Self, Self) { (a + b, a - b) }

    @inline(__always)
    static func butterfly3(_ a: Self, _ b: Self, _ c: Self) -> (Self, Self, Self) {
        let sum = b + c
        let middle = a - 0.5 * sum
        let turned = (0.866_025_403_784_438_6 * (b - c)).timesMinusI
        return (a + sum, middle + turned, middle - turned)
    }

    @inline(__always)
    static func butterfly4(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> (Self, Self, Self, Self) {
        let evenSum = a + c
        let evenDifference = a - c
        let oddSum = b + d
        let oddDifference = (b - d).timesMinusI
        return (evenSum + oddSum, evenDifference + oddDifference, evenSum - oddSum, evenDifference - oddDifference)
    }

    @inline(__always)
    static func butterfly5(_ a: Self, _ b: Self, _ c: Self, _ d: Self, _ e: Self) -> (Self, Self, Self, Self, Self) {
        // cos and sin of 72° and 144°.
        let c1: Float = 0.309_016_994_374_947_45
        let c2: Float = -0.809_016_994_374_947_45
        let s1: Float = 0.951_056_516_295_153_5
        let s2: Float = 0.587_785_252_292_473_1
        let outerSum = b + e
        let innerSum = c + d
        let outerDifference = b - e
        let innerDifference = c - d
        let middle1 = a + c1 * outerSum + c2 * innerSum
        let middle2 = a + c2 * outerSum + c1 * innerSum
        let turned1 = (s1 * outerDifference + s2 * innerDifference).timesMinusI
        let turned2 = (s2 * outerDifference - s1 * innerDifference).timesMinusI
        return (a + outerSum + innerSum, middle1 + turned1, middle2 + turned2, middle2 - turned2, middle1 - turned1)
    }
}
