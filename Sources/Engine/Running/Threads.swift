import Basics
import Catalog
import Dispatch
import Foundation
import Glibc
import Synchronization

/// Threads that run the same closure, and have ended when ``join()`` returns.
///
/// They release the closure before they end. A Foundation thread keeps its block until its teardown, when libdispatch has freed the thread's
/// cache already and still uses it: a catalog whose last owner was such a block, and with it the queues of its database, left freed memory in
/// the queues of the process.
struct WorkerThreads: ~Copyable {
    private final class Work {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private var threads: [pthread_t] = []

    /// Starts up to `count` threads, as many as the system allows.
    ///
    /// - Parameter stackSize: in bytes.
    /// - Throws: `EngineError` where none can be started.
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
                let reason = SystemError(failure).reason
                throw EngineError(.threads, "no thread can be started (\(reason)); end other programs, or raise ulimit -u")
            }
            threads.append(thread)
        }
    }

    /// Waits until all threads have ended.
    consuming func join() {
        for thread in threads { pthread_join(thread, nil) }
    }
}

/// Worker threads that are joined at another place than where they are started.
final class StartedThreads: Sendable {
    private let threads: Mutex<WorkerThreads?>

    init(count: Int, stackSize: Int, _ body: @escaping @Sendable () -> Void) throws {
        threads = Mutex(try WorkerThreads(count: count, stackSize: stackSize, body))
    }

    /// Waits until all threads have ended. Called twice, it does nothing.
    func join() {
        let started = threads.withLock { $0.take() }
        started?.join()
    }
}

/// State that threads share, and a condition variable on its changes (a monitor).
final class Monitor<State>: @unchecked Sendable {
    // Unchecked, because the compiler cannot see that `state` is only accessed under the condition's lock.
    private let condition = NSCondition()
    private var state: State

    init(_ state: sending State) { self.state = state }

    /// Calls the closure with the state under the lock; the closure must not wait for anything. Wakes no thread.
    func read<Result>(_ body: (State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(state)
    }

    /// Calls the closure with the state under the lock; the closure must not wait for anything. Wakes all waiting threads afterwards.
    func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }

    /// Waits until the closure returns a value: it is called at once, and after each update.
    func wait<Result>(for body: (inout State) -> Result?) -> Result {
        condition.lock()
        defer {
            // The closure may have changed the state, for which others wait.
            condition.broadcast()
            condition.unlock()
        }
        while true {
            if let result = body(&state) { return result }
            condition.wait()
        }
    }
}

/// Records every few seconds that a run is alive.
final class Heartbeat: Sendable {
    private static let intervalInSeconds = 5.0

    // Dispatch sources may be used from any thread; their type does not say so.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer

    init(_ catalog: Catalog, runID: Int64) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "heartbeat"))
        timer.schedule(deadline: .now() + Self.intervalInSeconds, repeating: Self.intervalInSeconds)
        // An error is ignored: the lock is held by the kernel, not by this record.
        timer.setEventHandler { try? catalog.runs.beat(runID: runID) }
        timer.activate()
    }

    func stop() { timer.cancel() }
}
