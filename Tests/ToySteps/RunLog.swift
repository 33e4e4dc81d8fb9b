import Engine
import Synchronization

/// Notes which items ran.
public final class RunLog: Sendable {
    private let entries = Mutex<[String]>([])

    public init() {}

    func note(_ step: String, _ item: StepItem) {
        let label = item.scope.label.isEmpty ? "" : " \(item.scope.label)"
        entries.withLock { $0.append("\(step) \(item.scope.tomogram)\(label)") }
    }

    /// What ran since the last call, sorted: `slice toys/a z 3`.
    public func take() -> [String] {
        entries.withLock { entries in
            defer { entries = [] }
            return entries.sorted()
        }
    }
}
