import Foundation
import Glibc

/// The threads that answer requests: so many touch the catalog at a time, and no more wait than can be answered soon.
///
/// The database is synchronous, and would block the few threads on which Swift runs all tasks. Nor does a queue of libdispatch do:
/// where its threads wait, it starts others only after a while. Requests that may take long have threads of their own.
final class RequestWorkers: Sendable {
    /// How many requests may wait, of each kind.
    static let waitingLimit = 128

    private let quick: Lane
    private let slow: Lane

    init(quickThreads: Int = 4, slowThreads: Int = 2) {
        quick = Lane(threads: quickThreads)
        slow = Lane(threads: slowThreads)
    }

    deinit {
        quick.close()
        slow.close()
    }

    /// Answers on one of the threads.
    ///
    /// - Returns: the answer; nil where too many wait.
    func run(isSlow: Bool, _ body: @escaping @Sendable () -> ViewerResponse) async -> ViewerResponse? {
        await withCheckedContinuation { continuation in
            let isTaken = (isSlow ? slow : quick).add { continuation.resume(returning: body()) }
            if !isTaken { continuation.resume(returning: nil) }
        }
    }

    /// A line of work, and the threads that do it.
    private final class Lane: @unchecked Sendable {
        // Unchecked, because the compiler cannot see that all of it is only accessed under the condition's lock.
        private let condition = NSCondition()
        private var work: [@Sendable () -> Void] = []
        private var threadCount = 0
        private var isClosed = false

        init(threads: Int) {
            // As in other targets no Foundation thread: it keeps its block longer than the thread's caches live.
            let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
            defer { attributes.deallocate() }
            pthread_attr_init(attributes)
            defer { pthread_attr_destroy(attributes) }
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            pthread_attr_setstacksize(attributes, 8 << 20)
            for _ in 0..<threads {
                let context = Unmanaged.passRetained(self)
                var thread = pthread_t()
                let failure = pthread_create(
                    &thread, attributes,
                    { context in
                        if let context { Unmanaged<Lane>.fromOpaque(context).takeRetainedValue().run() }
                        return nil
                    }, context.toOpaque())
                if failure == 0 { threadCount += 1 } else { context.release() }
            }
        }

        /// - Returns: whether there is room, and a thread.
        func add(_ item: @escaping @Sendable () -> Void) -> Bool {
            condition.lock()
            defer { condition.unlock() }
            guard threadCount > 0, !isClosed, work.count < RequestWorkers.waitingLimit else { return false }
            work.append(item)
            condition.signal()
            return true
        }

        /// Ends the threads once all that waits is done.
        func close() {
            condition.lock()
            isClosed = true
            condition.broadcast()
            condition.unlock()
        }

        private func run() {
            while let item = next() { item() }
        }

        private func next() -> (@Sendable () -> Void)? {
            condition.lock()
            defer { condition.unlock() }
            while work.isEmpty {
                if isClosed { return nil }
                condition.wait()
            }
            return work.removeFirst()
        }
    }
}
