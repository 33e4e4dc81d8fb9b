/// A compartment: a connected region of a tomogram that membranes enclose, as ``CompartmentFinder`` finds it.
///
/// Coordinates (x, y, z) are in Å from the centre of the volume's first voxel.
public struct MeasuredCompartment: Hashable, Codable, Sendable {
    /// How far membranes enclose a compartment. The first case that holds is its state.
    public enum State: String, Codable, CaseIterable, Hashable, Sendable {
        /// The surroundings of all others: the largest compartment that touches an edge of the volume or an end of the sample.
        case outer
        /// It touches an edge of the volume or an end of the sample, so that its measures are those of a part.
        case cut
        /// It has a gap that is wider than twice the closing radius.
        case open
        /// It has no gap, or only narrower ones.
        case closed
    }

    /// From 1. The outer one comes first, then the largest first.
    public let number: Int
    /// How far membranes enclose it.
    public let state: State
    /// The diameter of its widest gap: of the greatest ball that passes to another compartment. 0 where it has no gap.
    public let gapInAngstroms: Double
    /// The number of the compartment that encloses it; nil for the outer one, and where nothing is known to.
    public let parent: Int?
    /// How many compartments enclose it: 0 without a parent.
    public let level: Int
    /// The volume in nm³.
    public let volumeInCubicNanometers: Double
    /// The area in nm² of its surface: membranes and gaps, but not edges of the volume and ends of the sample. By the formula of
    /// Crofton along 13 directions.
    public let surfaceAreaInSquareNanometers: Double
    /// The area of the ball with the same volume divided by its own, π^⅓ (6 V)^⅔ / A: 1 for a ball, but for some percent of
    /// discretisation. Nil where it is outer or cut, and where it has no surface.
    public let sphericity: Double?
    /// The mean of its voxels' places.
    public let centroidInAngstroms: SIMD3<Double>
    /// The lower corner of the bounding box, which includes whole voxels.
    public let lowerInAngstroms: SIMD3<Double>
    /// The upper corner of the bounding box.
    public let upperInAngstroms: SIMD3<Double>
    /// The greatest distance to the nearest membrane; nil where the volume has no membrane.
    public let depthInAngstroms: Double?
    /// The number of (binned) voxels of membrane that share a face with it.
    public let membraneVoxels: Int
    /// The part of its surface that is gap, 0 … 1, by the faces of its voxels.
    public let openPart: Double
}
