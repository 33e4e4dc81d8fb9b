internal import Foundation

/// What this process has used of the machine so far.
public struct ProcessUse: Sendable {
    /// Seconds on the clock.
    public let seconds: Double
    /// Seconds of all its threads, in the program and in the kernel: hardly disturbed by what else runs.
    public let processorSeconds: Double

    public static var now: ProcessUse {
        var usage = rusage()
        getrusage(RUSAGE_SELF, &usage)
        var clock = timespec()
        clock_gettime(CLOCK_MONOTONIC, &clock)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        return ProcessUse(
            seconds: Double(clock.tv_sec) + Double(clock.tv_nsec) * 1e-9,
            processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
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

    init(seconds: Double, processorSeconds: Double) {
        self.seconds = seconds
        self.processorSeconds = processorSeconds
    }

    /// The most memory that this process ever had resident, in bytes.
    public static var peakResidentBytes: Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss * 1024
    }
}
