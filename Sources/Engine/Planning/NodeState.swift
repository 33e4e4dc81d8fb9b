/// How an item of a step stands before anything runs.
enum NodeState: UInt8, Sendable {
    /// The standing result has today's key.
    case fresh
    /// An earlier result has today's key, and only has to be taken up again.
    case known
    /// Nothing has today's key: it runs.
    case stale
    /// Something before it is stale: whether it runs shows when that is done.
    case pending
    /// Nothing has today's key, and the file that it would read is not there: what was computed from it earlier stands.
    case offline
    /// Of a training set that the plan covers in part only: its standing result is taken as it is.
    case held
    /// Of such a training set, too, and there is no result.
    case absent
    /// It would read from an absent one, or from an item that would.
    case blocked

    /// Whether its outputs can be read from.
    var hasOutputs: Bool {
        switch self {
        case .fresh, .known, .offline, .held: true
        case .stale, .pending, .absent, .blocked: false
        }
    }
}
