internal import Basics
public import Engine
internal import Foundation
internal import Synchronization

/// Computes tasks as elements of Slurm's job arrays.
///
/// Slurm's word on a task is hearsay: its accounting may be off, late or away, and the controller forgets a job some minutes after its
/// end. What nobody knows is left out of the answers. Whether a task is done, its result files say.
public final class SlurmScheduler: JobScheduler {
    /// The most elements of an array where the cluster does not say: Slurm's own default (MaxArraySize 1001).
    static let standardArrayLimit = 1000

    private struct State {
        /// What the cluster allows; nil until it was asked.
        var arrayLimit: Int?
        /// When accounting is asked again after it failed.
        var accountingReturns: ContinuousClock.Instant?
        var answers: [SlurmJob: [Int: TaskState]] = [:]
        var pauses = PollPauses()
        var nextPoll: ContinuousClock.Instant?
        /// The folder of the logs of jobs that were submitted here.
        var logs: [Int: String] = [:]
    }

    public let name = "slurm"
    public let profile: ClusterProfile
    private let commands: SlurmCommands
    private let program: String
    private let words: [String]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - profile: where and how jobs run.
    ///   - program: the path of this program, for a profile without its own.
    ///   - words: what the program is told to do with a bundle: `work`.
    public init(_ profile: ClusterProfile, program: String, words: [String] = ["work"], commands: SlurmCommands = SlurmCommands())
    {
        (self.profile, self.program, self.words, self.commands) = (profile, program, words, commands)
    }

    // MARK: Submitting

    /// Submits the tasks as one array, or as several where the cluster has no arrays of that size: all of them, or none.
    public func submit(_ submission: JobSubmission) throws -> String {
        guard !submission.tasks.isEmpty else {
            throw ClusterError(.refused, "there are no tasks to submit of \(submission.bundle)")
        }
        do { try FileManager.default.createDirectory(atPath: submission.logs, withIntermediateDirectories: true) } catch {
            throw ClusterError(.refused, "the folder for logs cannot be made; check the profile's spool", path: submission.logs)
        }
        let script = JobScript(profile: profile, program: program, command: words + [submission.bundle], submission: submission)
        let limit = try arrayLimit()
        var jobs: [SlurmJob] = []
        do {
            for first in stride(from: submission.tasks.lowerBound, to: submission.tasks.upperBound, by: limit) {
                let tasks = first..<min(first + limit, submission.tasks.upperBound)
                jobs.append(try submit(script, tasks, limit: limit))
            }
        } catch {
            // A half of the tasks without an id would run for nobody.
            try? cancel(jobs.map(\.text))
            throw error
        }
        state.withLock { state in
            for job in jobs { state.logs[job.id] = submission.logs }
            state.pauses.restart()
            state.nextPoll = nil
        }
        return jobs.map(\.text).joined(separator: ",")
    }

    private func submit(_ script: JobScript, _ tasks: Range<Int>, limit: Int) throws -> SlurmJob {
        let offset = tasks.upperBound > limit ? tasks.lowerBound : 0
        let elements = (tasks.lowerBound - offset)..<(tasks.upperBound - offset)
        let note = Self.note(script.submission, tasks)
        let output: String
        do throws(ClusterError) {
            output = try commands.run(
                "sbatch", script.arguments(elements: elements, note: note), input: script.text(offset: offset))
        } catch {
            // The controller may have taken the job and its answer been lost: a second one would compute the same.
            if error.code == .unavailable, let job = try? find(note: note, name: script.submission.name, offset: offset) {
                return job
            }
            throw error
        }
        if let job = SlurmJob.submitted(output: output, offset: offset) { return job }
        if let job = try find(note: note, name: script.submission.name, offset: offset) { return job }
        throw ClusterError(.notUnderstood, "sbatch did not say the id of the job, but: \(output.prefix(200))")
    }

    /// What tells a job from all others of its name: its bundle, tasks and attempt.
    static func note(_ submission: JobSubmission, _ tasks: Range<Int>) -> String {
        let digest = Digest(of: submission.bundle.utf8).abbreviated
        let all = submission.tasks
        return
            "cellar:\(digest):\(tasks.lowerBound)-\(tasks.upperBound):\(all.lowerBound)-\(all.upperBound):\(submission.attempt)"
    }

    /// The job that a submission became whose id was lost: that of a coordinator that ended between Slurm's answer and its own record.
    ///
    /// Where only some of its arrays are there, it ended while it submitted: these are cancelled.
    ///
    /// - Returns: nil where Slurm knows none that has not ended.
    public func job(of submission: JobSubmission) throws -> String? {
        let limit = try arrayLimit()
        var (jobs, isWhole): ([SlurmJob], Bool) = ([], true)
        for first in stride(from: submission.tasks.lowerBound, to: submission.tasks.upperBound, by: limit) {
            let tasks = first..<min(first + limit, submission.tasks.upperBound)
            let offset = tasks.upperBound > limit ? tasks.lowerBound : 0
            let job = try find(note: Self.note(submission, tasks), name: submission.name, offset: offset)
            if let job { jobs.append(job) } else { isWhole = false }
        }
        if !isWhole, !jobs.isEmpty { try cancel(jobs.map(\.text)) }
        return isWhole ? jobs.map(\.text).joined(separator: ",") : nil
    }

    private func find(note: String, name: String, offset: Int) throws -> SlurmJob? {
        let output = try commands.run("squeue", ["--noheader", "--name=\(name)", "--format=%F|%k"])
        for line in output.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: "|", maxSplits: 1).map(\.trimmed)
            if fields.count == 2, fields[1] == note, let id = Int(fields[0]) { return SlurmJob(id: id, offset: offset) }
        }
        return nil
    }

    /// How many elements an array may have: those of the profile, but no more than the cluster allows.
    private func arrayLimit() throws -> Int {
        if let known = state.withLock({ $0.arrayLimit }) { return known }
        let configuration = SlurmSite.values(in: try commands.run("scontrol", ["show", "config"]))
        // The number of an element is below MaxArraySize.
        let allowed = configuration["MaxArraySize"].flatMap { Int($0) } ?? Self.standardArrayLimit
        let limit = max(1, min(profile.arrayLimit ?? allowed, allowed))
        state.withLock { $0.arrayLimit = limit }
        return limit
    }

    // MARK: Asking

    /// The states of tasks. Slurm is asked at most every few seconds, and less often while nothing changes; between, the last answer stands.
    public func states(of jobs: [String]) throws -> [String: [Int: TaskState]] {
        let all = jobs.map { ($0, SlurmJob.all(in: $0)) }
        let wanted = Set(all.flatMap(\.1))
        let (isEarly, areKnown) = state.withLock { state in
            (state.nextPoll.map { ContinuousClock.now < $0 } ?? false, wanted.allSatisfy { state.answers[$0] != nil })
        }
        if !isEarly || !areKnown { try poll(wanted) }
        let answers = state.withLock { $0.answers }
        var states: [String: [Int: TaskState]] = [:]
        for (text, parts) in all {
            for part in parts {
                for (element, state) in answers[part] ?? [:] { states[text, default: [:]][element + part.offset] = state }
            }
        }
        return states
    }

    private func poll(_ jobs: Set<SlurmJob>) throws {
        var found: [SlurmJob: [Int: TaskState]] = [:]
        for (cluster, jobs) in Dictionary(grouping: jobs, by: \.cluster) {
            let ids = Set(jobs.map(\.id))
            var states = accounted(ids, on: cluster)
            // The accounting learns of a job late, and what it does not know yet the controller does.
            let rest = states == nil ? ids : ids.subtracting(states.map { Set($0.keys) } ?? [])
            if !rest.isEmpty {
                let queued = try queued(rest, on: cluster)
                states = (states ?? [:]).merging(queued) { _, queued in queued }
            }
            for job in jobs { found[job] = examined(states?[job.id] ?? [:], of: job) }
        }
        state.withLock { state in
            let changed = found.contains { state.answers[$0.key] != $0.value }
            state.answers = found
            state.pauses.answered(changed: changed)
            state.nextPoll = ContinuousClock.now + state.pauses.pause
        }
    }

    /// What the accounting says; nil where there is none, or it fails. It is then asked again after five minutes.
    private func accounted(_ ids: Set<Int>, on cluster: String?) -> [Int: [Int: TaskState]]? {
        guard state.withLock({ $0.accountingReturns.map { ContinuousClock.now >= $0 } ?? true }) else { return nil }
        let arguments = ["--allocations", "--parsable2", "--noheader", "--array", "--format=\(SlurmStates.sacctFields)"]
        do {
            return try parts(of: ids).reduce(into: [:]) { states, part in
                let text = try commands.run("sacct", arguments + ["--jobs=\(part)"] + clusterArgument(cluster))
                states.merge(SlurmStates.states(in: text)) { _, new in new }
            }
        } catch {
            state.withLock { $0.accountingReturns = ContinuousClock.now + .seconds(300) }
            return nil
        }
    }

    /// What the controller says: of jobs that have not ended, and of those that ended some minutes ago.
    private func queued(_ ids: Set<Int>, on cluster: String?) throws -> [Int: [Int: TaskState]] {
        let arguments = ["--states=all", "--noheader", "--format=\(SlurmStates.squeueFormat)"]
        return try parts(of: ids).reduce(into: [:]) { states, part in
            do throws(ClusterError) {
                let text = try commands.run("squeue", arguments + ["--jobs=\(part)"] + clusterArgument(cluster))
                states.merge(SlurmStates.states(in: text)) { _, new in new }
            } catch {
                // It says this of a single id that it has forgotten; of several, it leaves them out.
                guard error.message.contains("Invalid job id") else { throw error }
            }
        }
    }

    /// Ids with commas between them, a few hundred at a time.
    private func parts(of ids: Set<Int>) -> [String] {
        let sorted = ids.sorted()
        return stride(from: 0, to: sorted.count, by: 200).map { first in
            sorted[first..<min(first + 200, sorted.count)].map(String.init).joined(separator: ",")
        }
    }

    private func clusterArgument(_ cluster: String?) -> [String] { cluster.map { ["--clusters=\($0)"] } ?? [] }

    /// The states of a job with the reasons that only logs know.
    private func examined(_ states: [Int: TaskState], of job: SlurmJob) -> [Int: TaskState] {
        let (logs, earlier) = state.withLock { ($0.logs[job.id], $0.answers[job]) }
        guard let logs else { return states }
        return states.reduce(into: [:]) { result, entry in
            result[entry.key] = entry.value
            guard case .failed(.exit, let node) = entry.value else { return }
            if case .failed(.outOfMemory, _)? = earlier?[entry.key] {
                result[entry.key] = .failed(reason: .outOfMemory, node: node)
            } else if earlier?[entry.key] != entry.value,
                SlurmStates.saysOutOfMemory(Self.end(of: JobScript.log(in: logs, job: job.id, element: entry.key)))
            {
                result[entry.key] = .failed(reason: .outOfMemory, node: node)
            }
        }
    }

    /// The last 8 KiB of a file; empty where there is none.
    private static func end(of path: String) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { return "" }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 8192 ? size - 8192 : 0)
        return String(decoding: (try? file.read(upToCount: 8192)) ?? Data(), as: UTF8.self)
    }

    // MARK: Ending

    public func cancel(_ jobs: [String]) throws {
        for (cluster, jobs) in Dictionary(grouping: jobs.flatMap(SlurmJob.all), by: \.cluster) {
            for part in parts(of: Set(jobs.map(\.id))) {
                let ids = part.split(separator: ",").map(String.init)
                // Without --quiet, a job that has ended is an error.
                do throws(ClusterError) { _ = try commands.run("scancel", ["--quiet"] + clusterArgument(cluster) + ids) } catch {
                    guard error.message.contains("Invalid job id") else { throw error }
                }
            }
        }
        state.withLock { state in
            state.pauses.restart()
            state.nextPoll = nil
        }
    }
}
