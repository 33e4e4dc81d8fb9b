internal import Engine
internal import Glibc

/// What `sacct` and `squeue` say of jobs, as states of tasks.
enum SlurmStates {
    /// The fields that a line has in this order, separated by `|`.
    static let sacctFields = "JobID,State,NodeList,ExitCode"
    static let squeueFormat = "%i|%T|%N|%r"

    /// The exit code of a worker that was told to end, saved what it has, and is to be started again.
    static let againCode = Int(ProcessScheduler.againCode)

    /// A task as a line says it is.
    struct Entry: Equatable {
        var state: TaskState
        /// How its program ended; nil where the line does not say.
        var exit: Exit?
    }

    /// How a program ended.
    struct Exit: Equatable {
        var code = 0
        var signal = 0

        /// A few words that follow "its worker"; nil where nothing went wrong.
        var words: String? {
            if signal != 0 { return "was ended by signal \(signal) (\(String(cString: strsignal(CInt(signal)))))" }
            return code == 0 ? nil : "ended with the exit code \(code)"
        }
    }

    /// The entries by job and element. A line that is cut off or not understood says nothing; of several lines on one element, the last counts.
    ///
    /// - Parameter text: lines of `JobID|State|NodeList|…`, of either program; `sacct` adds `code:signal`.
    static func entries(in text: String) -> [Int: [Int: Entry]] {
        var entries: [Int: [Int: Entry]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(\.trimmed)
            guard fields.count >= 3, let elements = SlurmElements(fields[0]), let numbers = elements.elements,
                let state = state(fields[1], nodes: fields[2])
            else { continue }
            var entry = Entry(state: state)
            if fields.count > 3, let match = fields[3].wholeMatch(of: /(\d{1,3}):(\d{1,2})/), let code = Int(match.1),
                let signal = Int(match.2)
            {
                entry.exit = Exit(code: code, signal: signal)
            }
            for number in numbers { entries[elements.job, default: [:]][number] = entry }
        }
        return entries
    }

    /// The jobs of which lines of `squeue` say everything: those with a line, where none of them is cut off.
    static func wholeJobs(in text: String) -> Set<Int> {
        var (whole, cut): (Set<Int>, Set<Int>) = ([], [])
        for line in text.split(whereSeparator: \.isNewline) {
            let id = line.prefix { $0 != "|" }.trimmed
            guard let job = Int(id.prefix(while: \.isNumber)) else { continue }
            whole.insert(job)
            if id.contains("["), !id.hasSuffix("]") { cut.insert(job) }
        }
        return whole.subtracting(cut)
    }

    /// The states of ``entries(in:)``.
    static func states(in text: String) -> [Int: [Int: TaskState]] { entries(in: text).mapValues { $0.mapValues(\.state) } }

    /// For `squeue --Format`: what its short format has no word for.
    static let exitFormat = "ArrayJobID:20,ArrayTaskID:20,exit_code:20"

    /// The ends of programs by job and element, from lines of that format: the last number is what wait(2) gives.
    static func exits(in text: String) -> [Int: [Int: Exit]] {
        text.split(whereSeparator: \.isNewline).reduce(into: [:]) { exits, line in
            let numbers = line.split(separator: " ").map { Int($0) }
            guard numbers.count == 3, let job = numbers[0], let element = numbers[1], let status = numbers[2] else { return }
            exits[job, default: [:]][element] = Exit(code: status >> 8 & 0xFF, signal: status & 0x7F)
        }
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

extension TaskState {
    /// Whether the scheduler will not come back to the task by itself.
    var isEnd: Bool {
        switch self {
        case .waiting, .running: false
        case .done, .failed: true
        }
    }
}
