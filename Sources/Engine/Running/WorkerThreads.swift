import Basics
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
