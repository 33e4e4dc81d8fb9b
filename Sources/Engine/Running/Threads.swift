import Basics
import Catalog
import Dispatch
import Foundation
import Glibc

/// Threads that do the same work side by side, and are over when `join` returns.
///
/// They let go of the work before they end. A Foundation thread keeps its block until it is torn down, when libdispatch has freed the
/// thread's cache already and still takes from it: a catalog whose last owner was such a block, and with it the queues of its database,
/// left freed memory in the queues of the process.
struct WorkerThreads: ~Copyable {
    private final class Work {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private var threads: [pthread_t] = []

    /// Starts as many threads as there can be, up to `count`.
    ///
    /// - Parameter stackSize: in bytes.
    /// - Throws: `EngineError` where not even one can be started.
    init(count: Int, stackSize: Int, _ body: @escaping @Sendable () -> Void) throws {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        defer { pthread_attr_destroy(attributes) }
        pthread_attr_setstacksize(attributes, stackSize)
        for _ in 0..<count {
            let work = Unmanaged.passRetained(Work(body))
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, attributes,
                { work in
                    if let work { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
                    return nil
                }, work.toOpaque())
            guard failure == 0 else {
                work.release()
                guard threads.isEmpty else { break }
                let reason = String(cString: strerror(failure))
                throw EngineError(.threads, "no thread can be started (\(reason)); end other programs, or raise ulimit -u")
            }
            threads.append(thread)
        }
    }

    /// Waits until all have done their work.
    consuming func join() {
        for thread in threads { pthread_join(thread, nil) }
    }
}

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

/// Notes every few seconds that a run is alive.
final class Heartbeat: Sendable {
    private static let intervalInSeconds = 5.0

    // Dispatch sources may be used from any thread; their type does not say so.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer

    init(_ catalog: Catalog, runID: Int64) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "heartbeat"))
        timer.schedule(deadline: .now() + Self.intervalInSeconds, repeating: Self.intervalInSeconds)
        // A beat that cannot be written is no reason to stop: the lock itself is the kernel's.
        timer.setEventHandler { try? catalog.runs.beat(runID: runID) }
        timer.activate()
    }

    func stop() { timer.cancel() }
}
