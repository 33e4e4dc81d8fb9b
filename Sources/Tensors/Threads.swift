internal import CKernels
import Glibc
import Synchronization

/// The threads that all tensor operations of this process share.
public enum Threads {
    /// How many threads tensor operations keep busy at most, all callers together; at first, the processors that this
    /// process may use. Results do not depend on it, in any bit.
    public static var count: Int {
        get { WorkerPool.shared.limit }
        set { WorkerPool.shared.limit = newValue }
    }

    /// Calls the body once for each number below `chunks`, on the threads of the pool, and returns when all are done.
    /// Inside another chunk it runs them one after the other.
    ///
    /// The chunks run at the same time: each writes memory of its own, and none may wait for another.
    public static func perform(_ chunks: Int, _ body: (Int) -> Void) {
        WorkerPool.shared.run(chunks, body)
    }

    /// The processors that this process may use: those it may be scheduled on, or the share of its control group.
    fileprivate static var allowed: Int {
        let affinity = Int(ck_allowed_processors())
        let scheduled = affinity > 0 ? affinity : max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
        return min(scheduled, controlGroupShare ?? scheduled)
    }

    /// The processors that the control group pays for, rounded up: version 2's `cpu.max`, or version 1's quota.
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

/// The threads that share the work of all tensor operations of the process.
///
/// An operation is a number of chunks. A thread that runs chunks holds one of `limit` permits, the caller's own thread
/// like any other, so that several callers together never keep more than `limit` threads busy. A caller waits until
/// its chunks are done and runs them itself whenever a permit is free; while it holds none, it waits. An operation
/// that begins inside a chunk runs there and then, on the permit that its thread has: nothing waits for a thread
/// that waits for it.
private final class WorkerPool: @unchecked Sendable {
    static let shared = WorkerPool(limit: Threads.allowed)

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Signalled when workers may find chunks and a permit; when an operation ends or a permit is handed back.
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let progress = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Counts, under `mutex`, whatever may end a wait, for those who look before they sleep.
    private let changes = Atomic<Int>(0)
    /// Set on a thread while it runs a chunk.
    private var insideKey = pthread_key_t()

    // Guarded by `mutex`.
    private var limitValue: Int
    private var running = 0
    private var workers = 0
    private var idle = 0
    private var queue: [Operation] = []

    private final class Operation {
        let body: (Int) -> Void
        let chunks: Int
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

    /// Calls the body once for each number below `chunks`, in any order and on several threads, and returns when all
    /// calls have returned.
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

    /// Takes a permit and runs chunks of the operations that `next` names, then hands the permit on. Locked at the
    /// beginning and at the end, not while a chunk runs.
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

    private func wakeWorkers(_ count: Int) {
        changes.add(1, ordering: .relaxed)
        if count >= idle {
            pthread_cond_broadcast(work)
        } else {
            for _ in 0..<max(count, 0) { pthread_cond_signal(work) }
        }
    }

    private func startWorkers(upTo count: Int) {
        while workers < count {
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, nil,
                { _ in
                    WorkerPool.shared.serve()
                    return nil
                }, nil)
            // Callers run what no worker runs.
            guard failure == 0 else { return }
            pthread_detach(thread)
            workers += 1
        }
    }

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

    /// Waits, unlocked, until something changes: for some 50 µs awake, since waking a thread takes as long and the next
    /// operation of a network mostly comes sooner, then asleep.
    private func wait(for condition: UnsafeMutablePointer<pthread_cond_t>) {
        let seen = changes.load(ordering: .relaxed)
        pthread_mutex_unlock(mutex)
        var looks = 0
        while looks < 1500 && changes.load(ordering: .relaxed) == seen {
            ck_relax()
            looks += 1
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
