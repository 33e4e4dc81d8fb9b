internal import CKernels
import Glibc

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
    static var allowed: Int {
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
