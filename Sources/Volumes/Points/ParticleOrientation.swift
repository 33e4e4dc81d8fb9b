import Foundation

/// The orientation of a particle as three Euler angles in degrees, in RELION's convention.
///
/// With `M = Rz(rot) · Ry(tilt) · Rz(psi)`, active rotations of column vectors, the transpose of `M` takes a vector from
/// the particle's frame into the tomogram's. Source: Heymann, Chagoyen and Belnap, *Common conventions for interchange and
/// archiving of three-dimensional electron microscopy information in structural biology*, J. Struct. Biol. 151 (2005),
/// which RELION follows.
public struct ParticleOrientation: Hashable, Sendable {
    public var rot: Double
    public var tilt: Double
    public var psi: Double

    public init(rot: Double, tilt: Double, psi: Double) {
        self.rot = rot
        self.tilt = tilt
        self.psi = psi
    }

    /// The matrix that takes vectors from the particle's frame into the tomogram's.
    var matrix: RotationMatrix {
        (RotationMatrix(aboutZ: rot) * RotationMatrix(aboutY: tilt) * RotationMatrix(aboutZ: psi)).transposed
    }

    /// The angles of a matrix that takes vectors from the particle's frame into the tomogram's: tilt in 0…180; where
    /// tilt is 0 or 180, only the sum or difference of the others is defined, and rot is 0.
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
