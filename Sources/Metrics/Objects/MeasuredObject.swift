import Foundation

/// A connected part of a class, measured.
public struct MeasuredObject: Hashable, Codable, Sendable {
    public let className: String
    public let voxels: Int
    public let volumeInCubicNanometers: Double
    /// The mean place of its voxels' centres (x, y, z), from the centre of the volume's first voxel.
    public let centroidInAngstroms: SIMD3<Double>
    /// Its box, to the outer faces of its voxels: an object of one voxel is an edge wide.
    public let lowerInAngstroms: SIMD3<Double>
    public let upperInAngstroms: SIMD3<Double>
    /// The full axes, longest first, of the ellipsoid that has the same second moments, 2 √(5 λ): of a ball its diameter. A
    /// voxel counts as a box, so that a sheet of one voxel is not thinner than that.
    public let axisLengthsInAngstroms: SIMD3<Double>
    /// The direction of the longest axis, of length 1; its first component that is not zero is positive.
    public let principalAxis: SIMD3<Double>
    /// nil where no densities were given.
    public let meanDensity: Double?
    /// nil where it was not measured. Where the object is cut by the volume's border is no surface.
    public let surfaceAreaInSquareNanometers: Double?
    /// Whether it is cut by the border of the volume, or could be: one of its voxels is there.
    public let touchesBorder: Bool

    /// The longest over the middle axis: 1 for balls and discs, large for filaments.
    public var elongation: Double { axisLengthsInAngstroms.x / axisLengthsInAngstroms.y }

    /// The middle over the shortest axis: 1 for balls and filaments, large for sheets.
    public var flatness: Double { axisLengthsInAngstroms.y / axisLengthsInAngstroms.z }

    /// The diameter of the ball of the same volume.
    public var equivalentDiameterInNanometers: Double { cbrt(6 * volumeInCubicNanometers / .pi) }
}
