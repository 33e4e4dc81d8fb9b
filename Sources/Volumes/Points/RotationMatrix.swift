import Foundation

/// A rotation of column vectors (x, y, z), as three rows.
struct RotationMatrix: Sendable {
    var rows: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)

    static var identity: RotationMatrix { RotationMatrix(rows: (SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1))) }

    init(rows: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)) { self.rows = rows }

    /// The active rotation about the x axis by an angle in degrees.
    init(aboutX angle: Double) {
        let (sine, cosine) = Self.sineAndCosine(angle)
        self.init(rows: (SIMD3(1, 0, 0), SIMD3(0, cosine, -sine), SIMD3(0, sine, cosine)))
    }

    /// The active rotation about the y axis by an angle in degrees.
    init(aboutY angle: Double) {
        let (sine, cosine) = Self.sineAndCosine(angle)
        self.init(rows: (SIMD3(cosine, 0, sine), SIMD3(0, 1, 0), SIMD3(-sine, 0, cosine)))
    }

    /// The active rotation about the z axis by an angle in degrees.
    init(aboutZ angle: Double) {
        let (sine, cosine) = Self.sineAndCosine(angle)
        self.init(rows: (SIMD3(cosine, -sine, 0), SIMD3(sine, cosine, 0), SIMD3(0, 0, 1)))
    }

    private static func sineAndCosine(_ degrees: Double) -> (Double, Double) {
        let angle = degrees * .pi / 180
        return (sin(angle), cos(angle))
    }

    var transposed: RotationMatrix {
        let (a, b, c) = rows
        return RotationMatrix(rows: (SIMD3(a.x, b.x, c.x), SIMD3(a.y, b.y, c.y), SIMD3(a.z, b.z, c.z)))
    }

    /// Whether the rows are orthonormal and right-handed to a thousandth: what files round to, and no more.
    var isRotation: Bool {
        let (a, b, c) = (self * transposed).rows
        let isOrthonormal = [a - SIMD3(1, 0, 0), b - SIMD3(0, 1, 0), c - SIMD3(0, 0, 1)].allSatisfy { ($0 * $0).sum() < 1e-6 }
        let (x, y, z) = rows
        let cross = SIMD3(x.y * y.z - x.z * y.y, x.z * y.x - x.x * y.z, x.x * y.y - x.y * y.x)
        return isOrthonormal && (cross * z).sum() > 0
    }

    static func * (a: RotationMatrix, vector: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3((a.rows.0 * vector).sum(), (a.rows.1 * vector).sum(), (a.rows.2 * vector).sum())
    }

    static func * (a: RotationMatrix, b: RotationMatrix) -> RotationMatrix {
        let columns = b.transposed.rows
        func row(_ row: SIMD3<Double>) -> SIMD3<Double> {
            SIMD3((row * columns.0).sum(), (row * columns.1).sum(), (row * columns.2).sum())
        }
        return RotationMatrix(rows: (row(a.rows.0), row(a.rows.1), row(a.rows.2)))
    }
}
