internal import Tensors

/// The singular value decomposition of a few long vectors by one-sided Jacobi rotations in double precision, which finds small
/// singular values as precisely as large ones.
struct SingularVectors {
    /// Falling.
    let values: [Double]
    /// `[values.count, n]`: orthonormal, and of the same span as the vectors were. Those whose singular value is below 10⁻⁶ of
    /// the first are left out.
    let vectors: Tensor

    /// - Parameter vectors: `[count, n]`
    init(_ vectors: Tensor) {
        let (count, n) = (vectors.shape[0], vectors.shape[1])
        var rows = vectors.values.map(Double.init)
        rows.withUnsafeMutableBufferPointer { rows in
            // Each sweep squares what is left; some six are enough.
            for _ in 0..<30 {
                var isOrthogonal = true
                for first in 0..<count {
                    for second in first + 1..<max(count, first + 1) where Self.rotate(rows, first * n, second * n, n) {
                        isOrthogonal = false
                    }
                }
                if isOrthogonal { break }
            }
        }
        let lengths = (0..<count).map { row in
            rows[row * n..<(row + 1) * n].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let largest = lengths.max() ?? 0
        let order = (0..<count).filter { lengths[$0] > 1e-6 * largest }.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        values = order.map { lengths[$0] }
        self.vectors = Tensor(
            shape: [order.count, n],
            values: order.flatMap { row in rows[row * n..<(row + 1) * n].map { Float($0 / lengths[row]) } })
    }

    /// Turns two rows so that they are orthogonal; false where they are.
    private static func rotate(_ rows: UnsafeMutableBufferPointer<Double>, _ a: Int, _ b: Int, _ n: Int) -> Bool {
        var (aa, bb, ab) = (0.0, 0.0, 0.0)
        for place in 0..<n {
            aa += rows[a + place] * rows[a + place]
            bb += rows[b + place] * rows[b + place]
            ab += rows[a + place] * rows[b + place]
        }
        guard abs(ab) > 1e-14 * (aa * bb).squareRoot() else { return false }
        let zeta = (bb - aa) / (2 * ab)
        let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = cosine * tangent
        for place in 0..<n {
            let (x, y) = (rows[a + place], rows[b + place])
            rows[a + place] = cosine * x - sine * y
            rows[b + place] = sine * x + cosine * y
        }
        return true
    }
}
