/// What is left of a body that is thinned.
public enum SkeletonKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// Lines: a filament's centre line. An open sheet is thinned from its rim inwards, too, to a line or a point.
    case curve
    /// Surfaces: a membrane's middle, one voxel thick, and lines where the body is a filament.
    case surface
}
