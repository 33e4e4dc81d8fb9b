/// Which pixels are neighbours.
public enum Connectivity: Int, Codable, CaseIterable, Hashable, Sendable {
    /// Those that share a side.
    case four = 4
    /// Those that share a side or a corner.
    case eight = 8

    /// What background must be where foreground is this, so that a closed line separates inside from outside.
    public var complement: Connectivity { self == .four ? .eight : .four }
}
