import Foundation

/// The discrete Fourier transform of eight lines at once, one line in each SIMD lane.
///
/// Lengths are products of 2, 3 and 5. The transform is Stockham's autosort algorithm with decimation in frequency
/// (C. Van Loan, *Computational Frameworks for the Fast Fourier Transform*, SIAM 1992, § 1.7): each stage reads one
/// buffer and writes the other, and no bit reversal is needed. Forward means `X[k] = Σ x[j] exp(−2πi jk/n)`; neither
/// direction is scaled, so that forward followed by inverse multiplies by the length.
package struct FourierTransform: Sendable {
    private struct Stage: Sendable {
        let radix: Int
        /// The length of the sub-transforms after this stage.
        let remaining: Int
        /// The number of transforms that are interleaved before this stage.
        let interleave: Int
        /// The twiddle factors exp(−2πi p k / (radix · remaining)) for p in 0..<remaining, k in 1..<radix; k varies fastest.
        let twiddles: [SIMD2<Float>]
    }

    package let length: Int
    private let stages: [Stage]

    /// The transform of the smallest length ≥ `least` that has no prime factor above five.
    package init(lengthAtLeast least: Int) {
        var length = max(1, least)
        var radices = Self.radices(of: length)
        while radices.isEmpty && length > 1 {
            length += 1
            radices = Self.radices(of: length)
        }
        self.length = length
        var stages: [Stage] = []
        var current = length
        for radix in radices {
            let remaining = current / radix
            let twiddles = (0..<remaining).flatMap { p in
                (1..<radix).map { k in
                    let angle = -2 * Double.pi * Double(p * k) / Double(current)
                    return SIMD2(Float(cos(angle)), Float(sin(angle)))
                }
            }
            stages.append(Stage(radix: radix, remaining: remaining, interleave: length / current, twiddles: twiddles))
            current = remaining
        }
        self.stages = stages
    }

    /// The factors 4, 2, 3 and 5 of a length, 4 first; empty if it has another prime factor, or is 1.
    private static func radices(of length: Int) -> [Int] {
        var rest = length
        var radices: [Int] = []
        for radix in [4, 2, 3, 5] {
            while rest.isMultiple(of: radix) {
                radices.append(radix)
                rest /= radix
            }
        }
        return rest == 1 ? radices : []
    }

    /// Transforms the lines of the workspace in place.
    func forward(_ lines: LineWorkspace) {
        for stage in stages {
            switch stage.radix {
            case 2: run(stage, on: lines) { SplitComplex.butterfly2($0, $1) }
            case 3: run(stage, on: lines) { SplitComplex.butterfly3($0, $1, $2) }
            case 4: run(stage, on: lines) { SplitComplex.butterfly4($0, $1, $2, $3) }
            default: run(stage, on: lines) { SplitComplex.butterfly5($0, $1, $2, $3, $4) }
            }
            lines.swapBuffers()
        }
    }

    /// The unscaled inverse transform of the lines of the workspace: the forward transform with real and imaginary parts
    /// exchanged before and after.
    func inverse(_ lines: LineWorkspace) {
        lines.exchangeParts()
        forward(lines)
        lines.exchangeParts()
    }
}

// One stage, for each radix: for p in 0..<remaining and q in 0..<interleave it reads `radix` values at a distance of
// remaining·interleave, applies the butterfly, multiplies by the twiddle factors, and writes at a distance of interleave.
extension FourierTransform {
    private typealias Value = SplitComplex

    @inline(__always)
    private func run(_ stage: Stage, on lines: LineWorkspace, _ butterfly: (Value, Value) -> (Value, Value)) {
        let step = stage.interleave
        let span = stage.remaining * step
        stage.twiddles.withUnsafeBufferPointer { twiddles in
            for p in 0..<stage.remaining {
                let w = twiddles[p]
                for q in 0..<step {
                    let i = q + p * step
                    let o = q + 2 * p * step
                    let (a, b) = butterfly(lines[i], lines[i + span])
                    lines.write(a, at: o)
                    lines.write(b.turned(by: w), at: o + step)
                }
            }
        }
    }

    @inline(__always)
    private func run(_ stage: Stage, on lines: LineWorkspace, _ butterfly: (Value, Value, Value) -> (Value, Value, Value)) {
        let step = stage.interleave
        let span = stage.remaining * step
        stage.twiddles.withUnsafeBufferPointer { twiddles in
            for p in 0..<stage.remaining {
                let w1 = twiddles[2 * p]
                let w2 = twiddles[2 * p + 1]
                for q in 0..<step {
                    let i = q + p * step
                    let o = q + 3 * p * step
                    let (a, b, c) = butterfly(lines[i], lines[i + span], lines[i + 2 * span])
                    lines.write(a, at: o)
                    lines.write(b.turned(by: w1), at: o + step)
                    lines.write(c.turned(by: w2), at: o + 2 * step)
                }
            }
        }
    }

    @inline(__always)
    private func run(
        _ stage: Stage, on lines: LineWorkspace, _ butterfly: (Value, Value, Value, Value) -> (Value, Value, Value, Value)
    ) {
        let step = stage.interleave
        let span = stage.remaining * step
        stage.twiddles.withUnsafeBufferPointer { twiddles in
            for p in 0..<stage.remaining {
                let w1 = twiddles[3 * p]
                let w2 = twiddles[3 * p + 1]
                let w3 = twiddles[3 * p + 2]
                for q in 0..<step {
                    let i = q + p * step
                    let o = q + 4 * p * step
                    let (a, b, c, d) = butterfly(lines[i], lines[i + span], lines[i + 2 * span], lines[i + 3 * span])
                    lines.write(a, at: o)
                    lines.write(b.turned(by: w1), at: o + step)
                    lines.write(c.turned(by: w2), at: o + 2 * step)
                    lines.write(d.turned(by: w3), at: o + 3 * step)
                }
            }
        }
    }

    @inline(__always)
    private func run(
        _ stage: Stage, on lines: LineWorkspace,
        _ butterfly: (Value, Value, Value, Value, Value) -> (Value, Value, Value, Value, Value)
    ) {
        let step = stage.interleave
        let span = stage.remaining * step
        stage.twiddles.withUnsafeBufferPointer { twiddles in
            for p in 0..<stage.remaining {
                let t = 4 * p
                for q in 0..<step {
                    let i = q + p * step
                    let o = q + 5 * p * step
                    let (a, b, c, d, e) = butterfly(
                        lines[i], lines[i + span], lines[i + 2 * span], lines[i + 3 * span], lines[i + 4 * span])
                    lines.write(a, at: o)
                    lines.write(b.turned(by: twiddles[t]), at: o + step)
                    lines.write(c.turned(by: twiddles[t + 1]), at: o + 2 * step)
                    lines.write(d.turned(by: twiddles[t + 2]), at: o + 3 * step)
                    lines.write(e.turned(by: twiddles[t + 3]), at: o + 4 * step)
                }
            }
        }
    }
}

/// The two buffers of a ``FourierTransform``: eight interleaved lines each, real and imaginary parts in separate arrays.
///
/// Indices are not checked: a workspace is made for one length, and only the loops of this folder index it.
final class LineWorkspace {
    typealias Lanes = SIMD8<Float>

    /// The number of lines in a workspace.
    static let laneCount = Lanes.scalarCount

    private(set) var real: UnsafeMutablePointer<Lanes>
    private(set) var imaginary: UnsafeMutablePointer<Lanes>
    private var nextReal: UnsafeMutablePointer<Lanes>
    private var nextImaginary: UnsafeMutablePointer<Lanes>
    private let storage: UnsafeMutablePointer<Lanes>

    init(length: Int) {
        storage = .allocate(capacity: 4 * length)
        storage.initialize(repeating: .zero, count: 4 * length)
        real = storage
        imaginary = storage + length
        nextReal = storage + 2 * length
        nextImaginary = storage + 3 * length
    }

    deinit { storage.deallocate() }

    subscript(index: Int) -> SplitComplex {
        @inline(__always) get { SplitComplex(real: real[index], imaginary: imaginary[index]) }
    }

    /// Writes to the second buffer, which ``swapBuffers()`` makes the current one.
    @inline(__always)
    func write(_ value: SplitComplex, at index: Int) {
        nextReal[index] = value.real
        nextImaginary[index] = value.imaginary
    }

    func swapBuffers() {
        swap(&real, &nextReal)
        swap(&imaginary, &nextImaginary)
    }

    /// Exchanges real and imaginary parts.
    func exchangeParts() {
        swap(&real, &imaginary)
        swap(&nextReal, &nextImaginary)
    }
}

/// Eight complex numbers, real and imaginary parts in separate vectors.
struct SplitComplex {
    var real: SIMD8<Float>
    var imaginary: SIMD8<Float>

    @inline(__always)
    static func + (a: Self, b: Self) -> Self { Self(real: a.real + b.real, imaginary: a.imaginary + b.imaginary) }

    @inline(__always)
    static func - (a: Self, b: Self) -> Self { Self(real: a.real - b.real, imaginary: a.imaginary - b.imaginary) }

    @inline(__always)
    static func * (factor: Float, a: Self) -> Self { Self(real: factor * a.real, imaginary: factor * a.imaginary) }

    /// The product with −i.
    @inline(__always)
    var timesMinusI: Self { Self(real: imaginary, imaginary: -real) }

    /// The product with one complex number w.x + i·w.y in all lanes.
    @inline(__always)
    func turned(by w: SIMD2<Float>) -> Self {
        Self(real: real * w.x - imaginary * w.y, imaginary: real * w.y + imaginary * w.x)
    }
}

// The butterflies: forward transforms of two to five values (Van Loan, § 2.1-2.4).
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
