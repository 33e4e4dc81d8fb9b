/// A symmetric 3 × 3 matrix and its eigenvectors.
struct SymmetricMatrix {
    private var rows: [SIMD3<Double>]

    /// - Parameters:
    ///   - diagonal: xx, yy, zz.
    ///   - others: xy, yz, zx.
    init(diagonal: SIMD3<Double>, others: SIMD3<Double>) {
        rows = [
            SIMD3(diagonal.x, others.x, others.z), SIMD3(others.x, diagonal.y, others.y), SIMD3(others.z, others.y, diagonal.z),
        ]
    }

    /// The eigenvalues, the largest first, and the eigenvectors, by Jacobi's rotations.
    func eigenvectors() -> [(value: Double, vector: SIMD3<Double>)] {
        var (a, vectors) = (rows, [SIMD3<Double>(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)])
        let scale = max(a[0].x, a[1].y, a[2].z, .leastNormalMagnitude)
        for _ in 0..<50 {
            let pairs = [(0, 1), (1, 2), (2, 0)]
            guard pairs.contains(where: { abs(a[$0.0][$0.1]) > 1e-15 * scale }) else { break }
            for (p, q) in pairs where a[p][q] != 0 {
                let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
                let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
                let cosine = 1 / (tangent * tangent + 1).squareRoot()
                let sine = tangent * cosine
                // Rows, then columns.
                (a[p], a[q]) = (cosine * a[p] - sine * a[q], sine * a[p] + cosine * a[q])
                for row in 0..<3 {
                    (a[row][p], a[row][q]) = (cosine * a[row][p] - sine * a[row][q], sine * a[row][p] + cosine * a[row][q])
                }
                (vectors[p], vectors[q]) = (cosine * vectors[p] - sine * vectors[q], sine * vectors[p] + cosine * vectors[q])
            }
        }
        return (0..<3).map { (a[$0][$0], vectors[$0]) }.sorted { $0.0 > $1.0 }
    }
}
