import Basics
import Foundation

/// The orientation of a particle as three Euler angles in degrees, in RELION's convention.
///
/// Let `M = Rz(rot) · Ry(tilt) · Rz(psi)`, with active rotations of column vectors. The transpose of `M` maps a vector from
/// the particle's frame to the tomogram's. Source: Heymann, Chagoyen and Belnap, *Common conventions for interchange and
/// archiving of three-dimensional electron microscopy information in structural biology*, J. Struct. Biol. 151 (2005),
/// which RELION follows.
public struct ParticleOrientation: Hashable, Sendable {
    /// The angles in degrees.
    public var rot: Double
    public var tilt: Double
    public var psi: Double

    public init(rot: Double, tilt: Double, psi: Double) {
        self.rot = rot
        self.tilt = tilt
        self.psi = psi
    }

    /// The orientation F · R · F, F = diag(1, 1, −1), of the mirrored particle in the tomogram that is mirrored along z. Rotations
    /// about z stay, those about y turn the other way.
    var mirroredAlongZ: ParticleOrientation { ParticleOrientation(rot: rot, tilt: -tilt, psi: psi) }

    /// The matrix that maps vectors from the particle's frame to the tomogram's.
    var matrix: RotationMatrix {
        (RotationMatrix(aboutZ: rot) * RotationMatrix(aboutY: tilt) * RotationMatrix(aboutZ: psi)).transposed
    }

    /// The angles of a matrix that maps vectors from the particle's frame to the tomogram's, with tilt in 0…180. If tilt is
    /// 0 or 180, only the sum or the difference of rot and psi is defined; then rot is 0.
    init(_ matrix: RotationMatrix) {
        let m = matrix.transposed.rows
        let sine = hypot(m.0.z, m.1.z)
        let degrees = 180 / Double.pi
        tilt = atan2(sine, m.2.z) * degrees
        if sine > 1e-9 {
            rot = atan2(m.1.z, m.0.z) * degrees
            psi = atan2(m.2.y, -m.2.x) * degrees
        } else {
            rot = 0
            psi = atan2(m.1.x, m.1.y) * degrees
        }
    }
}

/// A 3 × 3 matrix that acts on column vectors (x, y, z), stored as three rows.
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

    /// Whether the matrix is a rotation: orthonormal within 10⁻³ and right-handed. Files round their numbers this much.
    var isRotation: Bool {
        let (a, b, c) = (self * transposed).rows
        let isOrthonormal = [a - SIMD3(1, 0, 0), b - SIMD3(0, 1, 0), c - SIMD3(0, 0, 1)].allSatisfy { ($0 * $0).sum() < 1e-6 }
        let (x, y, z) = rows
        return isOrthonormal && (x.cross(y) * z).sum() > 0
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

extension RotationMatrix {
    /// The rows of the 4 × 4 affine matrix with this linear part and no translation.
    var affineRows: [[Double]] {
        [rows.0, rows.1, rows.2].map { [$0.x, $0.y, $0.z, 0] } + [[0, 0, 0, 1]]
    }

    /// The matrix of three rows of three finite numbers; nil for others.
    init?(_ rows: [[Double]]) {
        guard rows.count == 3, rows.allSatisfy({ $0.count == 3 && $0.allSatisfy(\.isFinite) }) else { return nil }
        let vectors = rows.map { SIMD3($0[0], $0[1], $0[2]) }
        self.init(rows: (vectors[0], vectors[1], vectors[2]))
    }

    /// The linear part and the translation of an affine 4 × 4 matrix, given as rows; nil if it is not one or not finite.
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
