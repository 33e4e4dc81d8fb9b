extension RotationMatrix {
    /// The rows of the 4 × 4 matrix that rotates and does not move.
    var affineRows: [[Double]] {
        [rows.0, rows.1, rows.2].map { [$0.x, $0.y, $0.z, 0] } + [[0, 0, 0, 1]]
    }

    /// The linear part and the translation of a 4 × 4 matrix; nil if it is none, or not affine.
    static func affine(_ rows: [[Double]]) -> (matrix: RotationMatrix, translation: SIMD3<Double>)? {
        guard rows.count == 4, rows.allSatisfy({ $0.count == 4 && $0.allSatisfy(\.isFinite) }), rows[3] == [0, 0, 0, 1] else {
            return nil
        }
        let matrix = RotationMatrix(
            rows: (
                SIMD3(rows[0][0], rows[0][1], rows[0][2]), SIMD3(rows[1][0], rows[1][1], rows[1][2]),
                SIMD3(rows[2][0], rows[2][1], rows[2][2])
            ))
        return (matrix, SIMD3(rows[0][3], rows[1][3], rows[2][3]))
    }
}
