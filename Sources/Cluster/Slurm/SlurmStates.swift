internal import Engine

/// What `sacct` and `squeue` say of jobs, as states of tasks.
enum SlurmStates {
    /// The fields that a line has in this order, separated by `|`.
    static let sacctFields = "JobID,State,NodeList,ExitCode"
    static let squeueFormat = "%i|%T|%N|%r"

    /// The states by job and element. A line that is cut off or not understood says nothing; of several lines on one element, the last counts.
    ///
    /// - Parameter text: lines of `JobID|State|NodeList|…`, of either program.
    static func states(in text: String) -> [Int: [Int: TaskState]] {
        var states: [Int: [Int: TaskState]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(\.trimmed)
            guard fields.count >= 3, let elements = SlurmElements(fields[0]), let numbers = elements.elements,
                let state = state(fields[1], nodes: fields[2])
            else { continue }
            for number in numbers { states[elements.job, default: [:]][number] = state }
        }
        return states
    }

    /// The state for a word of Slurm (JOB STATE CODES of squeue(1) and sacct(1)), such as `CANCELLED by 1000`.
    ///
    /// - Returns: nil for a word that says nothing.
    static func state(_ words: String, nodes: String) -> TaskState? {
        let isNode = !nodes.isEmpty && !["None assigned", "(null)", "N/A"].contains(nodes)
        let node = isNode ? nodes : nil
        // A flag may follow (`RUNNING+`), as a field that is too narrow for its word ends with one.
        let word = words.prefix { $0.isLetter || $0 == "_" }
        switch word {
        case "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT": return .waiting
        case "RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "SUSPENDED", "STOPPED", "RESIZING": return .running(node: node)
        case "COMPLETED": return .done
        case "OUT_OF_MEMORY": return .failed(reason: .outOfMemory, node: node)
        case "TIMEOUT", "DEADLINE": return .failed(reason: .timeLimit, node: node)
        case "PREEMPTED": return .failed(reason: .preempted, node: node)
        case "CANCELLED", "REVOKED": return .failed(reason: .cancelled, node: node)
        case "NODE_FAIL", "BOOT_FAIL": return .failed(reason: .nodeFailure, node: node)
        case "FAILED": return .failed(reason: .exit, node: node)
        default: return nil
        }
    }

    /// Whether the log of a task that failed says that it had too little memory. Where the kernel does not watch memory for Slurm, such a job is
    /// `FAILED`, and only its log knows why.
    ///
    /// - Parameter log: the end of it.
    static func saysOutOfMemory(_ log: String) -> Bool {
        log.split(whereSeparator: \.isNewline).contains { line in
            line.contains("slurmstepd")
                && ["exceeded memory limit", "Exceeded job memory limit", "oom-kill", "oom_kill", "Out Of Memory"].contains {
                    line.contains($0)
                }
        }
    }
}
