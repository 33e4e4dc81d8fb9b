import Foundation

/// The real spherical harmonics, orthonormal on the unit sphere (D. Varshalovich et al., *Quantum Theory of Angular Momentum*,
/// 1988, § 5).
///
/// Those of one degree l span a space that rotations map onto itself, so that the sum of squares of a function's coefficients of
/// one degree does not change when the function is turned.
enum SphericalHarmonics {
    /// The number of harmonics up to a degree.
    static func count(upTo degree: Int) -> Int { (degree + 1) * (degree + 1) }

    /// The indices of the harmonics of one degree, m = −l … l.
    static func indices(ofDegree l: Int) -> Range<Int> { l * l..<(l + 1) * (l + 1) }

    /// The values at a direction, degree by degree, in each m = −l … l. Negative m are the sines.
    ///
    /// - Parameter direction: of any length but 0; at 0 those of degree 1 and above are 0.
    static func values(at direction: SIMD3<Double>, upTo degree: Int) -> [Double] {
        let length = (direction * direction).sum().squareRoot()
        let unit = length > 0 ? direction / length : .zero
        var values = [Double](repeating: 0, count: count(upTo: degree))
        // (x + iy)^m, which holds sin^m θ.
        var (cosine, sine) = (1.0, 0.0)
        var first = (1 / (4 * Double.pi)).squareRoot()
        for m in 0...degree {
            if m > 0 {
                (cosine, sine) = (cosine * unit.x - sine * unit.y, cosine * unit.y + sine * unit.x)
                first *= (Double(2 * m + 1) / Double(2 * m)).squareRoot()
            }
            let scale = m == 0 ? 1 : 2.0.squareRoot()
            var (before, now) = (0.0, first)
            for l in m...degree {
                if l > m {
                    let (square, last) = (Double(l * l - m * m), Double((l - 1) * (l - 1)))
                    let a = (Double(4 * l * l - 1) / square).squareRoot()
                    let b = ((last - Double(m * m)) / (4 * last - 1)).squareRoot()
                    (before, now) = (now, a * (unit.z * now - (l > m + 1 ? b * before : 0)))
                }
                values[l * l + l + m] = scale * now * cosine
                if m > 0 { values[l * l + l - m] = scale * now * sine }
            }
        }
        if length == 0 { for index in 1..<max(values.count, 1) { values[index] = 0 } }
        return values
    }
}
