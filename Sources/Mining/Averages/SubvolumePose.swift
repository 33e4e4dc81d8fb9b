internal import Foundation

/// How the particle of a box lies, as an average found it.
///
/// The density of the box at the voxel x is that of the average at Rᵀ (x − c − s), where c is the voxel side / 2 (rounded down), R
/// the rotation and s the shift.
public struct SubvolumePose: Hashable, Codable, Sendable {
    /// R: turns vectors of the average to those of the box, and so of the tomogram.
    public var rotation: SubvolumeRotation
    /// s, (x, y, z) in voxels: what to add to the place at which the box was cut.
    public var shift: SIMD3<Double>
    /// The constrained cross-correlation with the reference of the last round, −1 … 1. 0 where the box is constant.
    public var score: Double
    /// 0 or 1: which half set the box belongs to.
    public var half: Int

    public init(rotation: SubvolumeRotation, shift: SIMD3<Double> = .zero, score: Double = 0, half: Int = 0) {
        (self.rotation, self.shift, self.score, self.half) = (rotation, shift, score, half)
    }

    /// `rlnAngleRot`, `rlnAngleTilt` and `rlnAnglePsi` of RELION in degrees; tilt is in 0 … 180, the others in −180 … 180.
    ///
    /// With the active rotations Rz and Ry, Rz(rot) · Ry(tilt) · Rz(psi) is the transpose of R, as it is for
    /// `ParticleOrientation` in Volumes. Where tilt is 0 or 180 only rot ± psi is defined; then rot is 0. Source: J. Heymann,
    /// M. Chagoyen, D. Belnap, *Common conventions for interchange and archiving of three-dimensional electron microscopy
    /// information in structural biology*, J. Struct. Biol. 151 (2005). SciPy writes the same as
    /// `Rotation.from_matrix(R).inv().as_euler("ZYZ", degrees=True)`.
    public var relionAngles: (rot: Double, tilt: Double, psi: Double) {
        let r = rotation.rows
        // M = Rᵀ.
        let sine = hypot(r[2].x, r[2].y)
        let degrees = 180 / Double.pi
        let tilt = atan2(sine, r[2].z) * degrees
        guard sine > 1e-9 else { return (0, tilt, atan2(r[0].y, r[1].y) * degrees) }
        return (atan2(r[2].y, r[2].x) * degrees, tilt, atan2(r[1].z, -r[0].z) * degrees)
    }
}
