/// The Jacobi rotation of two coordinates p and q: of the two that make the entry (p, q) of a symmetric matrix zero, the one by
/// the smaller angle, at most 45°. With tan θ the smaller root of t² + 2ζt − 1 = 0, ζ = (a_qq − a_pp) / 2 a_pq:
///
/// ```
/// p ← cos θ · p − sin θ · q
/// q ← sin θ · p + cos θ · q
/// ```
///
/// Source: G. Golub, C. Van Loan, *Matrix Computations*, 4th edition, section 8.5.
@frozen
public struct JacobiRotation: Sendable {
    public let cosine: Double
    public let sine: Double

    /// - Parameters:
    ///   - pp: the entry (p, p) of the matrix.
    ///   - qq: the entry (q, q).
    ///   - pq: the entries (p, q) and (q, p), not zero.
    @inlinable
    public init(pp: Double, qq: Double, pq: Double) {
        let zeta = (qq - pp) / (2 * pq)
        let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        cosine = 1 / (1 + tangent * tangent).squareRoot()
        sine = cosine * tangent
    }

    /// Rotates a pair of coordinates.
    @inlinable @inline(__always)
    public func callAsFunction(_ p: Double, _ q: Double) -> (p: Double, q: Double) {
        (cosine * p - sine * q, sine * p + cosine * q)
    }

    /// Rotates each pair of coordinates of two vectors.
    @inlinable @inline(__always)
    public func callAsFunction(_ p: SIMD3<Double>, _ q: SIMD3<Double>) -> (p: SIMD3<Double>, q: SIMD3<Double>) {
        (cosine * p - sine * q, sine * p + cosine * q)
    }
}

extension SIMD3<Double> {
    /// The cross product: perpendicular to both vectors, right-handed.
    @inlinable
    public func cross(_ other: Self) -> Self {
        Self(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
    }
}
