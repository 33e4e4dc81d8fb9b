import CKernels
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
            stage.twiddles.withUnsafeBytes { twiddles in
                guard let first = twiddles.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
                var description = ck_stage(
                    radix: stage.radix, remaining: stage.remaining, interleave: stage.interleave, twiddles: first)
                lines.apply { real, imaginary, nextReal, nextImaginary in
                    ck_fourier_stage(&description, real, imaginary, nextReal, nextImaginary)
                }
            }
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

    /// Calls the closure with both buffers, as floats, and makes the second one the current one.
    func apply(
        _ stage: (
            _ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, UnsafeMutablePointer<Float>,
            UnsafeMutablePointer<Float>
        ) -> Void
    ) {
        stage(
            UnsafePointer(floats(real)), UnsafePointer(floats(imaginary)), floats(nextReal), floats(nextImaginary))
        swap(&real, &nextReal)
        swap(&imaginary, &nextImaginary)
    }

    /// The current buffer as floats, `[index][lane]`.
    var floats: (real: UnsafeMutablePointer<Float>, imaginary: UnsafeMutablePointer<Float>) { (floats(real), floats(imaginary)) }

    private func floats(_ lanes: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer(lanes).assumingMemoryBound(to: Float.self)
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
}
