import Glibc
import Synchronization

/// What clients may take of the server: the time of connections, and their number and memory.
package struct ServerLimits: Sendable {
    /// How long a connection may wait between two requests.
    package var idle = Duration.seconds(60)
    /// How long a request may take to arrive, from its first byte.
    package var arrival = Duration.seconds(10)
    /// How long a client may take to read 256 KiB of an answer.
    package var reading = Duration.seconds(20)
    /// How many connections there may be. Beyond, the one that has waited longest for a request makes room; a quarter more may be
    /// open while others go.
    package var connections = 256
    /// The most bytes of answers that wait to be read by their clients.
    package var outputBytes = 64 << 20

    package init() {}
}

/// The connections that are open, what each of them does, and until when: so that idle and slow ones bind neither memory nor
/// places.
///
/// A connection that has to go is shut down (`shutdown(2)`); its task then finds it closed. Descriptors are shut down under the
/// lock, and a connection leaves before it closes its own, so that never another one of the same number is meant.
final class ConnectionRegistry: Sendable {
    enum Activity: Sendable {
        /// Waits for a request, or for the rest of one.
        case reading
        /// Its request is answered.
        case working
    }

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

    private let limits: ServerLimits
    private let state = Mutex(State())

    init(_ limits: ServerLimits) { self.limits = limits }

    /// How many connections are open.
    var count: Int { state.withLock { $0.entries.count } }

    /// Takes a connection in.
    ///
    /// - Returns: its number; nil where there is no room: then it has to be closed.
    func admit(_ descriptor: Int32) -> Int? {
        state.withLock { state in
            guard state.entries.count < limits.connections + limits.connections / 4 else { return nil }
            if state.entries.count >= limits.connections {
                let waiting = state.entries.filter { $0.value.activity == .reading && !$0.value.isShutDown }
                guard let oldest = waiting.min(by: { ($0.value.since, $0.key) < ($1.value.since, $1.key) }) else { return nil }
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
            guard state.output == 0 || state.output + bytes <= limits.outputBytes else { return false }
            state.output += bytes
            return true
        }
    }

    func giveOutput(_ bytes: Int) { state.withLock { $0.output -= bytes } }
}
