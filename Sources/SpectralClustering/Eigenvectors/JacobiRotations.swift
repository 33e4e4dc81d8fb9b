/// All eigenpairs of a small symmetric matrix in double precision (the cyclic Jacobi method), quick where the matrix is almost
/// diagonal.
struct JacobiRotations {
    /// Falling.
    let values: [Double]
    /// `[n][n]`: one eigenvector in each row.
    let vectors: [Double]

    /// - Parameter matrix: `[n][n]`, symmetric and finite.
    init(_ matrix: [Double], n: Int) {
        var a = matrix
        var rotations = [Double](repeating: 0, count: n * n)
        for index in 0..<n { rotations[index * n + index] = 1 }
        a.withUnsafeMutableBufferPointer { a in
            rotations.withUnsafeMutableBufferPointer { rotations in
                // Each sweep squares what is left; some eight are enough.
                for _ in 0..<30 {
                    var isDiagonal = true
                    for p in 0..<n {
                        for q in p + 1..<max(n, p + 1) where Self.rotate(a, rotations, p, q, n) { isDiagonal = false }
                    }
                    if isDiagonal { break }
                }
            }
        }
        let diagonal = (0..<n).map { a[$0 * n + $0] }
        let order = (0..<n).sorted { (diagonal[$1], $0) < (diagonal[$0], $1) }
        values = order.map { diagonal[$0] }
        vectors = order.flatMap { rotations[$0 * n..<($0 + 1) * n] }
    }

    /// Makes one pair of entries zero; false where they are.
    private static func rotate(
        _ a: UnsafeMutableBufferPointer<Double>, _ rotations: UnsafeMutableBufferPointer<Double>, _ p: Int, _ q: Int, _ n: Int
    ) -> Bool {
        let (pp, qq, pq) = (a[p * n + p], a[q * n + q], a[p * n + q])
        guard abs(pq) > 1e-16 * (abs(pp) + abs(qq)) else { return false }
        let zeta = (qq - pp) / (2 * pq)
        let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = cosine * tangent
        for k in 0..<n {
            let (x, y) = (a[k * n + p], a[k * n + q])
            (a[k * n + p], a[k * n + q]) = (cosine * x - sine * y, sine * x + cosine * y)
        }
        for k in 0..<n {
            let (x, y) = (a[p * n + k], a[q * n + k])
            (a[p * n + k], a[q * n + k]) = (cosine * x - sine * y, sine * x + cosine * y)
            let (u, v) = (rotations[p * n + k], rotations[q * n + k])
            (rotations[p * n + k], rotations[q * n + k]) = (cosine * u - sine * v, sine * u + cosine * v)
        }
        return true
    }
}
