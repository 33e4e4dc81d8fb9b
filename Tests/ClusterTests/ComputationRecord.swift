import Foundation

/// What the jobs of `CrashRunner … slurm` noted, and what was done to them: whether anything was computed twice without need.
struct ComputationRecord {
    /// A process of a job.
    struct Process {
        var id: pid_t
        /// `12_3`
        var job: String
        var node: String
        /// The keys of the items that it began, in that order.
        var items: [String] = []
        /// What it said at its end; nil where it was killed, or goes on.
        var end: String?

        /// Whether results of all its items were written.
        var isWhole: Bool { end == "finished" || end == "stopped" }
    }

    /// Why a computation counts for nothing.
    enum Loss: String, CaseIterable {
        case killed = "killed in progress"
        case truncated = "result truncated"
        case full = "no room for the result"
        case orphaned = "its node was taken for dead"
    }

    private(set) var processes: [String: Process] = [:]
    /// The processes that began each key, in that order.
    private(set) var computations: [String: [String]] = [:]

    /// - Parameter text: the lines that the jobs wrote.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 3 else { continue }
            switch words[1] {
            case "begin" where words.count == 6:
                processes[words[0]] = Process(id: pid_t(words[2]) ?? 0, job: "\(words[3])_\(words[4])", node: words[5])
            case "item":
                processes[words[0]]?.items.append(words[2])
                computations[words[2], default: []].append(words[0])
            case "end": processes[words[0]]?.end = words[2...].joined(separator: " ")
            default: break
            }
        }
    }

    /// The processes that may still run.
    var running: [Process] { processes.values.filter { $0.end == nil }.sorted { $0.id < $1.id } }

    /// Counts the computations that were for nothing, and finds those that nothing explains.
    ///
    /// - Parameters:
    ///   - truncated: how often the result of a key was damaged.
    ///   - orphans: the processes whose node's daemon was killed while they ran: the cluster may have begun their tasks again meanwhile.
    func losses(truncated: [String: Int], orphans: Set<pid_t>) -> (losses: [Loss: Int], unexplained: [String]) {
        var (losses, unexplained): ([Loss: Int], [String]) = ([:], [])
        for (key, names) in computations.sorted(by: { $0.key < $1.key }) {
            var damages = truncated[key] ?? 0
            // One of them is the result; each of the others needs a reason of its own.
            var reasons: [Loss?] = names.map { name in
                guard let process = processes[name] else { return nil }
                let isLast = process.items.last == key
                if isLast, process.end == nil { return .killed }
                if isLast, let end = process.end, end.contains("No space left") || end.contains("is full") { return .full }
                if orphans.contains(process.id) { return .orphaned }
                if damages > 0 {
                    damages -= 1
                    return .truncated
                }
                return nil
            }
            if let index = reasons.lastIndex(of: nil) ?? reasons.indices.last { reasons.remove(at: index) }
            for case let reason? in reasons { losses[reason, default: 0] += 1 }
            if reasons.contains(nil) {
                let all = names.compactMap { processes[$0] }.map { "\($0.job) on \($0.node): \($0.end ?? "killed")" }
                unexplained.append("\(key.prefix(8)) was computed \(names.count) times: \(all.joined(separator: "; "))")
            }
        }
        return (losses, unexplained)
    }
}
