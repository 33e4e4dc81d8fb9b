internal import Basics
public import Engine
internal import Foundation
internal import Synchronization
internal import Volumes

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
        var answers: [SlurmJob: [Int: SlurmStates.Entry]] = [:]
        var pauses = PollPauses()
        var nextPoll: ContinuousClock.Instant?
        /// The jobs that were submitted here, by their ids.
        var submissions: [Int: JobSubmission] = [:]
        /// Their elements.
        var elements: [Int: Range<Int>] = [:]
        /// What tasks ran short of.
        var shortages: [Task: Shortages] = [:]
    }

    private struct Task: Hashable {
        let bundle: String
        let number: Int
    }

    public let name = "slurm"
    public let profile: ClusterProfile
    private let commands: SlurmCommands
    private let program: String
    private let command: @Sendable (_ threads: Int) -> [String]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - profile: where and how jobs run.
    ///   - program: the path of this program, for a profile without its own.
    ///   - command: the words between the program and the folder of the bundle, after which the number of the task stands.
    public init(
        _ profile: ClusterProfile, program: String, commands: SlurmCommands = SlurmCommands(),
        command: @escaping @Sendable (_ threads: Int) -> [String] = { ["work", "--threads", "\($0)", "--"] }
    ) {
        (self.profile, self.program, self.command, self.commands) = (profile, program, command, commands)
    }

    // MARK: Submitting

    /// Submits the tasks as one array, or as several where the cluster has no arrays of that size: all of them, or none.
    public func submit(_ submission: JobSubmission) throws -> String {
        guard !submission.tasks.isEmpty else {
            throw ClusterError(mistake: .refused, "there are no tasks to submit of \(submission.bundle)")
        }
        do { try FileManager.default.createDirectory(atPath: submission.logs, withIntermediateDirectories: true) } catch {
            throw ClusterError(.refused, "the folder for logs cannot be made; check the profile's spool", path: submission.logs)
        }
        let shortages = state.withLock { state in
            submission.tasks.reduce(into: Shortages()) { shortages, number in
                guard let own = state.shortages[Task(bundle: submission.bundle, number: number)] else { return }
                shortages = shortages.joined(with: own)
            }
        }
        let script = JobScript(
            profile: profile, program: program, command: command, submission: submission, shortages: shortages)
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
            for (number, job) in jobs.enumerated() {
                let first = submission.tasks.lowerBound + number * limit
                state.submissions[job.id] = submission
                state.elements[job.id] = first - job.offset..<min(first + limit, submission.tasks.upperBound) - job.offset
            }
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
        throw ClusterError(
            .notUnderstood,
            "sbatch did not say the id of the job, but \"\(output.prefix(200))\"; `cellar cluster check` submits a job to try")
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
                for (element, entry) in answers[part] ?? [:] { states[text, default: [:]][element + part.offset] = entry.state }
            }
        }
        return states
    }

    public func end(ofTask task: Int, job: String) -> String? {
        let answers = state.withLock { $0.answers }
        for part in SlurmJob.all(in: job) {
            guard let entry = answers[part]?[task - part.offset] else { continue }
            // For other reasons, the state says it all.
            guard case .failed(.exit, let node) = entry.state else { return nil }
            return entry.exit?.words.map { $0 + (node.map { " on \($0)" } ?? "") }
        }
        return nil
    }

    public func name(ofTask task: Int, job: String) -> String? {
        // Of several arrays, that of the last offset up to the task.
        SlurmJob.all(in: job).filter { $0.offset <= task }.max { ($0.offset, $0.id) < ($1.offset, $1.id) }
            .map { "\($0.id)_\(task - $0.offset)" }
    }

    public func logs(ofTask task: Int, job: String, in logs: String) -> [String] {
        SlurmJob.all(in: job).map { JobScript.log(in: logs, job: $0.id, element: task - $0.offset) }.filter {
            FileManager.default.fileExists(atPath: $0)
        }
    }

    private func poll(_ jobs: Set<SlurmJob>) throws {
        var found: [SlurmJob: [Int: SlurmStates.Entry]] = [:]
        for (cluster, jobs) in Dictionary(grouping: jobs, by: \.cluster) {
            var entries = accounted(Set(jobs.map(\.id)), on: cluster)
            // The accounting learns of a job late, and what it does not know yet the controller does.
            let rest = jobs.filter { job in
                guard let known = entries?[job.id] else { return true }
                return !unsaid(known, of: job).isEmpty
            }
            if !rest.isEmpty {
                let (queued, whole) = try queued(Set(rest.map(\.id)), on: cluster)
                entries = (entries ?? [:]).merging(queued) { known, queued in known.merging(queued) { _, queued in queued } }
                for job in rest where whole.contains(job.id) {
                    for element in unsaid(entries?[job.id] ?? [:], of: job) {
                        entries?[job.id, default: [:]][element] = SlurmStates.Entry(
                            state: .failed(reason: .cancelled, node: nil))
                    }
                }
            }
            for job in jobs { found[job] = examined(entries?[job.id] ?? [:], of: job) }
        }
        state.withLock { state in
            let changed = found.contains { state.answers[$0.key] != $0.value }
            state.answers = found
            state.pauses.answered(changed: changed)
            state.nextPoll = ContinuousClock.now + state.pauses.pause
        }
    }

    /// The elements of a job that waited when they were last heard of, and of which nothing is said.
    ///
    /// The controller forgets at once what is cancelled before it begins, where others of the array go on.
    private func unsaid(_ entries: [Int: SlurmStates.Entry], of job: SlurmJob) -> [Int] {
        let (own, earlier) = state.withLock { ($0.elements[job.id] ?? 0..<0, $0.answers[job] ?? [:]) }
        return Set(own).union(earlier.keys).filter { element in
            entries[element] == nil && (earlier[element]?.state ?? .waiting) == .waiting
        }
    }

    /// What the accounting says; nil where there is none, or it fails. It is then asked again after five minutes.
    private func accounted(_ ids: Set<Int>, on cluster: String?) -> [Int: [Int: SlurmStates.Entry]]? {
        guard state.withLock({ $0.accountingReturns.map { ContinuousClock.now >= $0 } ?? true }) else { return nil }
        let arguments = ["--allocations", "--parsable2", "--noheader", "--array", "--format=\(SlurmStates.sacctFields)"]
        do {
            return try parts(of: ids).reduce(into: [:]) { entries, part in
                let text = try commands.run("sacct", arguments + ["--jobs=\(part)"] + clusterArgument(cluster))
                entries.merge(SlurmStates.entries(in: text)) { _, new in new }
            }
        } catch {
            state.withLock { $0.accountingReturns = ContinuousClock.now + .seconds(300) }
            return nil
        }
    }

    /// What the controller says: of jobs that have not ended, and of those that ended some minutes ago. Also, of which jobs it says all.
    private func queued(
        _ ids: Set<Int>, on cluster: String?
    ) throws -> (entries: [Int: [Int: SlurmStates.Entry]], whole: Set<Int>) {
        var entries: [Int: [Int: SlurmStates.Entry]] = [:]
        var whole: Set<Int> = []
        for part in parts(of: ids) {
            let text = try queue(["--states=all", "--format=\(SlurmStates.squeueFormat)"], part, cluster)
            entries.merge(SlurmStates.entries(in: text)) { _, new in new }
            whole.formUnion(SlurmStates.wholeJobs(in: text))
        }
        // The format of that query has no word for exit codes.
        let failed = entries.filter { $0.value.values.contains { if case .failed(.exit, _) = $0.state { true } else { false } } }
        for part in parts(of: Set(failed.keys)) {
            let exits = SlurmStates.exits(
                in: try queue(["--states=FAILED", "--Format=\(SlurmStates.exitFormat)"], part, cluster))
            for (job, exits) in exits {
                for (element, exit) in exits { entries[job]?[element]?.exit = exit }
            }
        }
        return (entries, whole)
    }

    /// - Parameter part: ids with commas between them.
    private func queue(_ arguments: [String], _ part: String, _ cluster: String?) throws(ClusterError) -> String {
        do throws(ClusterError) {
            return try commands.run("squeue", ["--noheader", "--jobs=\(part)"] + arguments + clusterArgument(cluster))
        } catch {
            // It says this of a single id that it has forgotten; of several, it leaves them out.
            guard error.message.contains("Invalid job id") else { throw error }
            return ""
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

    /// The entries of a job with the reasons that Slurm does not know. Each end for want of something is counted once.
    private func examined(_ entries: [Int: SlurmStates.Entry], of job: SlurmJob) -> [Int: SlurmStates.Entry] {
        let (submission, earlier) = state.withLock { ($0.submissions[job.id], $0.answers[job] ?? [:]) }
        // Ends that Slurm has forgotten meanwhile stand.
        return entries.reduce(into: earlier.filter(\.value.state.isEnd)) { result, pair in
            let (element, entry) = pair
            // What was found out of it before stays.
            if let known = earlier[element], known.state.isEnd, entry.state.isEnd {
                result[element] = known
                return
            }
            var shortage = Shortages()
            result[element] = Self.examined(entry, &shortage) {
                submission.map {
                    String(
                        decoding: SmallFile.end(of: JobScript.log(in: $0.logs, job: job.id, element: element), limit: 8192),
                        as: UTF8.self)
                } ?? ""
            }
            guard let submission, shortage != Shortages() else { return }
            let task = Task(bundle: submission.bundle, number: element + job.offset)
            state.withLock { state in
                state.shortages[task, default: Shortages()].memory += shortage.memory
                state.shortages[task, default: Shortages()].time += shortage.time
            }
        }
    }

    private static func examined(
        _ entry: SlurmStates.Entry, _ shortage: inout Shortages, log: () -> String
    ) -> SlurmStates.Entry {
        guard case .failed(let reason, let node) = entry.state else { return entry }
        var result = entry
        switch reason {
        case .outOfMemory: shortage.memory = 1
        case .timeLimit: shortage.time = 1
        case .exit where entry.exit?.code == SlurmStates.againCode:
            // It was told that its time would end (JobScript.warningSeconds), and saved what it has.
            result.state = .failed(reason: .preempted, node: node)
            shortage.time = 1
        case .exit where SlurmStates.saysOutOfMemory(log()):
            result.state = .failed(reason: .outOfMemory, node: node)
            shortage.memory = 1
        case .exit, .preempted, .cancelled, .nodeFailure: break
        }
        return result
    }

    // MARK: Ending

    /// Has the job that this process is part of begin again, which ends this process.
    ///
    /// - Throws: ``ClusterError`` where it is part of none, or the job may not.
    public static func requeueThisJob(commands: SlurmCommands = SlurmCommands()) throws {
        guard let job = ProcessInfo.processInfo.environment["SLURM_JOB_ID"] else {
            throw ClusterError(
                .refused, "this is no job of Slurm, which would begin again; `cellar run --on slurm --detach` submits one")
        }
        _ = try commands.run("scontrol", ["requeue", job])
    }

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
