internal import Foundation

/// What this process has used of the machine so far.
public struct ProcessUse: Sendable {
    /// Seconds on the clock.
    public let seconds: Double
    /// Seconds of all its threads, in the program and in the kernel: hardly disturbed by what else runs.
    public let processorSeconds: Double

    public static var now: ProcessUse {
        ProcessUse(seconds: read(CLOCK_MONOTONIC), processorSeconds: read(CLOCK_PROCESS_CPUTIME_ID))
    }

    /// What was used since an earlier moment.
    public func since(_ earlier: ProcessUse) -> ProcessUse {
        ProcessUse(seconds: seconds - earlier.seconds, processorSeconds: processorSeconds - earlier.processorSeconds)
    }

    /// What the closure uses.
    public static func measure(_ body: () throws -> Void) rethrows -> ProcessUse {
        let begin = now
        try body()
        return now.since(begin)
    }

    /// The most memory that this process ever had resident, in bytes.
    public static var peakResidentBytes: Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss * 1024
    }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
