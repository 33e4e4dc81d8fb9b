import Foundation
import Synchronization

/// The threads that answer requests: so many touch the catalog at a time, and no more wait than can be answered soon.
///
/// The database is synchronous, and would block the few threads on which Swift runs all tasks. Requests that may take long have threads of
/// their own.
final class RequestWorkers: Sendable {
    /// How many requests may wait, of each kind.
    static let waitingLimit = 128

    private final class Lane: Sendable {
        let queue: OperationQueue
        let waiting = Mutex(0)

        init(_ name: String, threads: Int) {
            queue = OperationQueue()
            queue.name = name
            queue.maxConcurrentOperationCount = threads
        }
    }

    private let quick: Lane
    private let slow: Lane

    init(quickThreads: Int = 4, slowThreads: Int = 2) {
        quick = Lane("requests", threads: quickThreads)
        slow = Lane("long requests", threads: slowThreads)
    }

    /// Answers on one of the threads.
    ///
    /// - Returns: the answer; nil where too many wait.
    func run(isSlow: Bool, _ body: @escaping @Sendable () -> ViewerResponse) async -> ViewerResponse? {
        let lane = isSlow ? slow : quick
        let hasRoom = lane.waiting.withLock { waiting in
            guard waiting < Self.waitingLimit else { return false }
            waiting += 1
            return true
        }
        guard hasRoom else { return nil }
        return await withCheckedContinuation { continuation in
            lane.queue.addOperation {
                let response = body()
                lane.waiting.withLock { $0 -= 1 }
                continuation.resume(returning: response)
            }
        }
    }
}
