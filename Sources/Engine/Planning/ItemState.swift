/// How an item stands before anything runs: the words of plans, of `why`, and of the tables that people read.
public enum ItemState: String, Sendable, Hashable, CaseIterable {
    /// The standing result has today's key.
    case fresh
    /// An earlier result has today's key: it becomes the standing one, and nothing runs.
    case foundAgain = "found again"
    /// No result has today's key: the item runs.
    case stale
    /// It reads from an item that is stale or waiting: its key is not known yet.
    case waiting
    /// No result has today's key, and the file that the item would read is not there: what was computed earlier stands.
    case offline
    /// Of a training set that the plan covers in part only: its standing result is taken as it is.
    case held
    /// Of such a training set, and there is no result.
    case absent
    /// It reads from an item that is absent or blocked.
    case blocked

    /// Whether its outputs can be read from.
    var hasOutputs: Bool {
        switch self {
        case .fresh, .foundAgain, .offline, .held: true
        case .stale, .waiting, .absent, .blocked: false
        }
    }
}
