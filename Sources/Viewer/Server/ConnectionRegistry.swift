import Glibc
import Synchronization

/// The connections that are open, what each of them does, and until when: so that idle and slow ones bind neither memory nor places.
///
/// A connection that has to go is shut down (`shutdown(2)`); its task then finds it closed. Descriptors are shut down under the lock, and a
/// connection leaves before it closes its own, so that never another one of the same number is meant.
final class ConnectionRegistry: Sendable {
    enum Activity: Sendable {
        /// Waits for a request, or for the rest of one.
        case reading
        /// Its request is answered.
        case working
    }

    /// How many connections there may be; beyond, the one that has waited longest for a request makes room.
    static let limit = 256
    /// How many more there may be while others go.
    static let margin = 64
    /// The most bytes of answers that wait to be read by their clients.
    static let outputLimit = 128 << 20

    private struct Entry {
        let descriptor: Int32
        var activity: Activity
        var since: ContinuousClock.Instant
        var deadline: ContinuousClock.Instant?
        var isShutDown = false
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var nextID = 0
        var output = 0
    }

    private let state = Mutex(State())

    /// How many connections are open.
    var count: Int { state.withLock { $0.entries.count } }

    /// Takes a connection in.
    ///
    /// - Returns: its number; nil where there is no room: then it has to be closed.
    func admit(_ descriptor: Int32) -> Int? {
        state.withLock { state in
            guard state.entries.count < Self.limit + Self.margin else { return nil }
            if state.entries.count >= Self.limit {
                let waiting = state.entries.filter { $0.value.activity == .reading && !$0.value.isShutDown }
                guard let oldest = waiting.min(by: { $0.value.since < $1.value.since }) else { return nil }
                shutdown(oldest.value.descriptor, Int32(SHUT_RDWR))
                state.entries[oldest.key]?.isShutDown = true
            }
            state.nextID += 1
            state.entries[state.nextID] = Entry(descriptor: descriptor, activity: .reading, since: .now)
            return state.nextID
        }
    }

    /// Says what a connection does now.
    ///
    /// - Parameter limit: how long it may take; nil where something else ends it.
    func set(_ id: Int, _ activity: Activity, limit: Duration?) {
        state.withLock { state in
            let now = ContinuousClock.now
            state.entries[id]?.activity = activity
            state.entries[id]?.since = now
            state.entries[id]?.deadline = limit.map { now + $0 }
        }
    }

    /// Forgets a connection, before its descriptor is closed.
    func leave(_ id: Int) { state.withLock { _ = $0.entries.removeValue(forKey: id) } }

    /// Shuts down those whose time is over.
    func expire() {
        state.withLock { state in
            let now = ContinuousClock.now
            for (id, entry) in state.entries where !entry.isShutDown && entry.deadline.map({ $0 < now }) ?? false {
                shutdown(entry.descriptor, Int32(SHUT_RDWR))
                state.entries[id]?.isShutDown = true
            }
        }
    }

    /// Notes that an answer waits to be read.
    ///
    /// - Returns: whether there is room for it.
    func takeOutput(_ bytes: Int) -> Bool {
        state.withLock { state in
            // One answer may be as large as it is.
            guard state.output == 0 || state.output + bytes <= Self.outputLimit else { return false }
            state.output += bytes
            return true
        }
    }

    func giveOutput(_ bytes: Int) { state.withLock { $0.output -= bytes } }
}
