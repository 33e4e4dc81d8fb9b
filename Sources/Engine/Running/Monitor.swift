import Foundation

/// State that threads share, with a way to wait until another thread has changed it.
final class Monitor<State>: @unchecked Sendable {
    // Unchecked, because the compiler cannot see that `state` is only touched while the condition's lock is held.
    private let condition = NSCondition()
    private var state: State

    init(_ state: sending State) { self.state = state }

    /// Calls the closure with the state, which no other thread touches meanwhile; the closure must not wait for anything. Wakes nobody.
    func read<Result>(_ body: (State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(state)
    }

    /// Calls the closure with the state, which no other thread touches meanwhile; the closure must not wait for anything. Those who wait
    /// look again afterwards.
    func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }

    /// Waits until the closure gives something: it is called at once, and after each update.
    func wait<Result>(for body: (inout State) -> Result?) -> Result {
        condition.lock()
        defer {
            // What it took may be what others wait to see taken.
            condition.broadcast()
            condition.unlock()
        }
        while true {
            if let result = body(&state) { return result }
            condition.wait()
        }
    }
}
