import Foundation

/// The discrete Fourier transform of eight lines at once, one line in each SIMD lane.
///
/// Lengths are products of 2, 3, 4 and 5. The transform is Stockham's autosort algorithm with decimation in frequency
/// (C. Van Loan, *Computational Frameworks for the Fast Fourier Transform*, SIAM 1992, § 1.7): each stage reads one
/// buffer and writes the other, and no bit reversal is needed. Forward means `X[k] = Σ x[j] exp(−2πi jk/n)`; neither
/// direction is scaled, so that forward and inverse in turn multiply by the length.
struct FourierTransform: Sendable {
    private struct Stage: Sendable {
        let radix: Int
        /// The length of the sub-transforms after this stage.
        let remaining: Int
        /// How many transforms are interleaved before it.
        let interleave: Int
        /// exp(−2πi p k / (radix · remaining)) for p in 0..<remaining, k in 1..<radix: k varies fastest.
        let twiddles: [SIMD2<Float>]
    }

    let length: Int
    private let stages: [Stage]

    /// The transform of the smallest length at or above `least` that has no prime factor above five.
    init(lengthAtLeast least: Int) {
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

    /// The factors 4, 2, 3, 5 of a length, or none if it has another, or is one.
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

    /// Transforms the lines of the workspace back, unscaled: the forward transform with real and imaginary parts exchanged.
    func inverse(_ lines: LineWorkspace) {
        lines.exchangeParts()
        forward(lines)
        lines.exchangeParts()
    }
}

// Each stage: for p in 0..<remaining, q in 0..<interleave, read radix values that lie remaining·interleave apart, and
// write them, turned by their twiddles, interleave apart.
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
