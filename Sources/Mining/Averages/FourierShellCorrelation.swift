internal import Foundation

/// How well two half maps agree, shell by shell of Fourier space.
///
/// Source: G. Harauz, M. van Heel, *Exact filters for general geometry three dimensional reconstruction*, Optik 73 (1986); the
/// threshold: P. Rosenthal, R. Henderson, *Optimal determination of particle orientation, absolute hand, and contrast loss in
/// single-particle electron cryomicroscopy*, J. Mol. Biol. 333 (2003).
public struct FourierShellCorrelation: Hashable, Codable, Sendable {
    /// The frequency of each shell in 1/Å. The first shell is 0.
    public let frequencies: [Double]
    /// The correlation in each shell, −1 … 1; 0 where a shell is empty. The first, of the frequency 0, counts as 1.
    public let values: [Double]
    /// The threshold at which resolutions are read.
    public static let threshold = 0.143

    init(frequencies: [Double], values: [Double]) { (self.frequencies, self.values) = (frequencies, values) }

    /// - Parameters:
    ///   - a: real parts at all frequencies, then imaginary parts; as long as `b`.
    ///   - edge: the edge of a period of the frequencies, in Å.
    init(_ a: [Float], _ b: [Float], shells: [Int], edge: Double) {
        let (count, last) = (shells.count, shells.last ?? 0)
        var (ab, aa, bb) = ([Double](repeating: 0, count: last + 1), [Double](repeating: 0, count: last + 1), [Double]())
        bb = aa
        for index in 0..<count {
            let shell = shells[index]
            let (p, q) = (SIMD2(Double(a[index]), Double(a[count + index])), SIMD2(Double(b[index]), Double(b[count + index])))
            ab[shell] += (p * q).sum()
            aa[shell] += (p * p).sum()
            bb[shell] += (q * q).sum()
        }
        frequencies = (0...last).map { Double($0) / edge }
        values = (0...last).map { shell in
            guard shell > 0 else { return 1 }
            let energy = (aa[shell] * bb[shell]).squareRoot()
            return energy > 0 ? ab[shell] / energy : 0
        }
    }

    /// The frequency in 1/Å at which the correlation first falls below the threshold, interpolated; the last one where it does not.
    public var limit: (frequency: Double, isLast: Bool) {
        for shell in values.indices.dropFirst() where values[shell] < Self.threshold {
            let (before, here) = (values[shell - 1], values[shell])
            let part = (before - Self.threshold) / (before - here)
            return (frequencies[shell - 1] + part * (frequencies[shell] - frequencies[shell - 1]), false)
        }
        return (frequencies.last ?? 0, true)
    }

    /// The resolution in Å at the threshold. nil where the first shell already is below it: then the halves agree in nothing.
    public var resolutionInAngstroms: Double? {
        guard values.count > 1, values[1] >= Self.threshold else { return nil }
        return 1 / limit.frequency
    }

    /// Whether the halves agree up to the last shell, so that voxels and not particles limit the resolution.
    public var isLimitedByVoxels: Bool { values.count > 1 && limit.isLast }
}
