/// Which voxels are neighbours.
public enum VolumeConnectivity: Int, Codable, CaseIterable, Hashable, Sendable {
    /// Those that share a face.
    case six = 6
    /// Those that share a face, an edge or a corner.
    case twentySix = 26

    /// How far the runs of neighbouring rows may be from one another.
    var reach: Int32 { self == .six ? 0 : 1 }
}
