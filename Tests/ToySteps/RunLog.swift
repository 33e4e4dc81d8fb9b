public import Engine
import Synchronization

/// Notes which items ran.
public final class RunLog: Sendable {
    private let entries = Mutex<[String]>([])
    private let began: @Sendable (StepItem) -> Void

    /// - Parameter began: is called with each item when its step begins.
    public init(began: @escaping @Sendable (StepItem) -> Void = { _ in }) { self.began = began }

    func note(_ step: String, _ item: StepItem) {
        began(item)
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
