internal import CKernels
import Glibc
import Synchronization

/// The thread pool that all tensor operations of this process share.
public enum Threads {
    /// The maximal number of threads that compute at the same time, over all callers. Default: the processors that this process
    /// may use. Results are bit-identical for any number.
    public static var count: Int {
        get { WorkerPool.shared.limit }
        set { WorkerPool.shared.limit = newValue }
    }

    /// A parallel loop: calls the body once for each number in 0..<chunks, on the threads of the pool, and returns when all calls
    /// have returned. Called from inside such a body, it runs its chunks one after the other on that thread.
    ///
    /// Chunks run at the same time, so each must write to different memory, and none may wait for another.
    public static func perform(_ chunks: Int, _ body: (Int) -> Void) {
        WorkerPool.shared.run(chunks, body)
    }

    /// The number of processors that this process may use: its CPU affinity, or its control group's limit where that is lower.
    fileprivate static var allowed: Int {
        let affinity = Int(ck_allowed_processors())
        let scheduled = affinity > 0 ? affinity : max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
        return min(scheduled, controlGroupShare ?? scheduled)
    }

    /// The processors that the Linux control group grants (quota / period), rounded up: `cpu.max` of cgroup version 2, or the CFS
    /// quota of version 1. nil where there is no limit.
    private static var controlGroupShare: Int? {
        let version2 = firstLine(of: "/sys/fs/cgroup/cpu.max").map { $0.split(separator: " ").map(String.init) }
        let version1 = [
            firstLine(of: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), firstLine(of: "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
        ].compactMap { $0 }
        let numbers = (version2 ?? version1).compactMap { Double($0) }
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return Int(exactly: min((numbers[0] / numbers[1]).rounded(.up), 1_048_576))
    }

    private static func firstLine(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let bytes = line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A pool of threads that runs the chunks of all tensor operations of the process.
///
/// An operation is a number of chunks. A thread must hold one of `limit` permits while it runs chunks. This includes the caller's
/// own thread, so that several callers together never keep more than `limit` threads busy. A caller runs its own chunks whenever
/// a permit is free, and otherwise waits until they are done. An operation that begins inside a chunk runs at once on the same
/// thread, with the permit that the thread already holds, so that no deadlock is possible.
private final class WorkerPool: @unchecked Sendable {
    static let shared = WorkerPool(limit: Threads.allowed)

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Signalled when workers may find chunks and a permit.
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Signalled when an operation ends or a permit is returned.
    private let progress = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// The number of events so far that may end a wait. It is increased under `mutex`; `wait(for:)` polls it before it sleeps.
    private let changes = Atomic<Int>(0)
    /// Thread-local value that is set while the thread runs chunks.
    private var insideKey = pthread_key_t()

    // All below is guarded by `mutex`.
    /// The number of permits.
    private var limitValue: Int
    /// Threads that hold a permit.
    private var running = 0
    /// Threads that the pool has started.
    private var workers = 0
    /// Workers that sleep in `wait(for: work)`.
    private var idle = 0
    /// Operations with chunks that no thread has begun.
    private var queue: [Operation] = []

    /// One call of ``run(_:_:)``.
    private final class Operation {
        let body: (Int) -> Void
        let chunks: Int
        /// The number of the next chunk to begin.
        var next = 0
        var unfinished: Int

        init(chunks: Int, body: @escaping (Int) -> Void) {
            self.chunks = chunks
            self.body = body
            unfinished = chunks
        }
    }

    init(limit: Int) {
        limitValue = max(limit, 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(work, nil)
        pthread_cond_init(progress, nil)
        pthread_key_create(&insideKey, nil)
    }

    /// The number of permits, at least 1.
    var limit: Int {
        get { locked { limitValue } }
        set {
            locked {
                limitValue = max(newValue, 1)
                changes.add(1, ordering: .relaxed)
                pthread_cond_broadcast(work)
                pthread_cond_broadcast(progress)
            }
        }
    }

    /// Calls the body once for each number in 0..<chunks, in any order and on several threads, and returns when all calls have
    /// returned.
    func run(_ chunks: Int, _ body: (Int) -> Void) {
        guard chunks > 0 else { return }
        if pthread_getspecific(insideKey) != nil {
            for chunk in 0..<chunks { body(chunk) }
            return
        }
        withoutActuallyEscaping(body) { body in
            let operation = Operation(chunks: chunks, body: body)
            pthread_mutex_lock(mutex)
            queue.append(operation)
            startWorkers(upTo: min(chunks, limitValue) - 1)
            wakeWorkers(chunks - 1)
            while operation.unfinished > 0 {
                if operation.next < operation.chunks && running < limitValue {
                    runChunks { operation.next < operation.chunks ? operation : nil }
                } else {
                    wait(for: progress)
                }
            }
            pthread_mutex_unlock(mutex)
        }
    }

    /// Takes a permit, runs one chunk after another of the operations that `next` returns, and returns the permit when `next` is nil
    /// or `limit` has become lower than `running`. `mutex` is locked at the beginning and at the end, but not while a chunk runs.
    private func runChunks(of next: () -> Operation?) {
        running += 1
        pthread_setspecific(insideKey, UnsafeRawPointer(mutex))
        while running <= limitValue, let operation = next() {
            let chunk = operation.next
            operation.next += 1
            if operation.next == operation.chunks { queue.removeAll { $0 === operation } }
            pthread_mutex_unlock(mutex)
            operation.body(chunk)
            pthread_mutex_lock(mutex)
            operation.unfinished -= 1
            if operation.unfinished == 0 {
                changes.add(1, ordering: .relaxed)
                pthread_cond_broadcast(progress)
            }
        }
        pthread_setspecific(insideKey, nil)
        running -= 1
        if !queue.isEmpty {
            wakeWorkers(1)
            pthread_cond_broadcast(progress)
        }
    }

    /// Wakes up to `count` sleeping workers.
    private func wakeWorkers(_ count: Int) {
        changes.add(1, ordering: .relaxed)
        if count >= idle {
            pthread_cond_broadcast(work)
        } else {
            for _ in 0..<max(count, 0) { pthread_cond_signal(work) }
        }
    }

    /// Starts threads until the pool has `count`, or the system refuses.
    private func startWorkers(upTo count: Int) {
        while workers < count {
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, nil,
                { _ in
                    WorkerPool.shared.serve()
                    return nil
                }, nil)
            // Not an error: callers run the chunks that no worker runs.
            guard failure == 0 else { return }
            pthread_detach(thread)
            workers += 1
        }
    }

    /// The loop of a worker thread.
    private func serve() {
        pthread_mutex_lock(mutex)
        while true {
            if running < limitValue && !queue.isEmpty {
                runChunks { self.queue.first }
            } else {
                wait(for: work)
            }
        }
    }

    /// Releases `mutex`, waits until `changes` increases, and locks it again. First polls for some 50 µs, because waking a thread
    /// takes as long and the next operation of a network mostly comes sooner; then sleeps.
    private func wait(for condition: UnsafeMutablePointer<pthread_cond_t>) {
        let seen = changes.load(ordering: .relaxed)
        pthread_mutex_unlock(mutex)
        var polls = 0
        while polls < 1500 && changes.load(ordering: .relaxed) == seen {
            ck_relax()
            polls += 1
        }
        pthread_mutex_lock(mutex)
        guard changes.load(ordering: .relaxed) == seen else { return }
        if condition == work { idle += 1 }
        pthread_cond_wait(condition, mutex)
        if condition == work { idle -= 1 }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
