import Basics
import Synchronization

/// A request to stop that any thread, or a signal handler's thread, can make and every worker sees.
public final class Cancellation: Sendable {
    private let isRequested = Atomic<Bool>(false)
    private let parent: Cancellation?

    public init() { parent = nil }

    /// A request of its own, which another one makes as well: a run that cannot go on stops its items, and not whoever started it.
    init(under parent: Cancellation) { self.parent = parent }

    /// Asks to stop.
    public func cancel() { isRequested.store(true, ordering: .relaxed) }

    public var isCancelled: Bool { isRequested.load(ordering: .relaxed) || parent?.isCancelled ?? false }

    /// - Throws: ``EngineError`` where a stop was asked for.
    func check() throws(EngineError) {
        if isCancelled { throw EngineError(.cancelled, "the run was asked to stop") }
    }
}
