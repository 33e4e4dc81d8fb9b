/// Which pixels are neighbours. A connected piece of a slice is 8-connected everywhere in the program, and a hole in it
/// 4-connected.
public enum Connectivity: Int, Codable, CaseIterable, Hashable, Sendable {
    /// Those that share a side.
    case four = 4
    /// Those that share a side or a corner.
    case eight = 8

    /// What background must be where foreground is this, so that a closed line separates inside from outside.
    public var complement: Connectivity { self == .four ? .eight : .four }
}

/// Which voxels of a volume are neighbours, everywhere in the program: those that share a face, an edge or a corner
/// (26-connected).
///
/// Within a slice these are the neighbours of ``Connectivity/eight``, so that what is one piece in a slice is one in the volume.
/// There is no other choice: pieces that one step counts or drops are those that the next one measures.
public enum VolumeConnectivity {
    /// The greatest distance of two neighbours along an axis, in voxels.
    public static let reach = 1
    /// The neighbours within a slice.
    public static let withinSlice = Connectivity.eight
}
