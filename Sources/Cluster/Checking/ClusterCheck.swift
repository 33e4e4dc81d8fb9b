internal import Basics
internal import Engine
internal import Foundation

/// A small job on a cluster, and what came of it: whether the nodes run the program, see the folders, may write there, and resemble this machine.
public struct ClusterCheck: Sendable {
    /// One thing that was found, as a sentence.
    public struct Finding: Sendable, Equatable {
        public var sentence: String
        /// Whether runs would fail, or suffer.
        public var isProblem: Bool
    }

    private let profile: ClusterProfile
    private let catalog: String
    private let program: String
    private let version: String
    private let commands: SlurmCommands

    /// - Parameters:
    ///   - catalog: the folder of the catalog.
    ///   - program: the path of this program.
    ///   - version: of this program.
    public init(
        _ profile: ClusterProfile, catalog: String, program: String, version: String, commands: SlurmCommands = SlurmCommands()
    ) {
        (self.profile, self.catalog, self.program) = (profile, catalog, program)
        (self.version, self.commands) = (version, commands)
    }

    /// Submits a job to each place that the profile names (partition, account, qos, devices), and waits for their answers.
    ///
    /// - Parameters:
    ///   - seconds: how long it waits; jobs that have not begun by then are cancelled.
    ///   - progress: is told what is waited for.
    /// - Throws: ``ClusterError`` where a job is refused, or the spool cannot be written.
    public func run(waiting seconds: Double, progress: (String) -> Void) throws -> [Finding] {
        let token = UUID().uuidString
        let folder = "\(profile.spool)/check-\(token.prefix(8))"
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw ClusterError(.check, "cannot be made; give the profile a spool that you may write", path: folder)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try NodeProbe.write(
            NodeProbe.Question(catalog: catalog, version: version, token: token), to: "\(folder)/\(NodeProbe.Question.name)")
        let scheduler = SlurmScheduler(profile, program: program, commands: commands) { _ in ["cluster", "probe"] }
        var jobs: [Trial] = []
        do {
            for (task, steps) in places.enumerated() {
                let submission = JobSubmission(
                    bundle: folder, tasks: task..<(task + 1), name: "cellar-check-\(token.prefix(8))", steps: steps, threads: 1,
                    estimatedSeconds: 0, memoryBytes: 0, attempt: 1, logs: folder)
                let begin = Date().timeIntervalSince1970
                let job = try scheduler.submit(submission)
                jobs.append(Trial(task: task, job: job, place: place(of: steps), begin: begin))
                progress("job \(job) to \(place(of: steps))")
            }
        } catch {
            try? scheduler.cancel(jobs.map(\.job))
            throw error
        }
        defer { try? scheduler.cancel(jobs.map(\.job)) }
        return try wait(for: jobs, in: folder, token: token, seconds: seconds, scheduler)
    }

    /// A job of the check.
    struct Trial {
        var task: Int
        var job: String
        var place: String
        /// Seconds since 1970 by this machine's clock, before it was submitted.
        var begin: Double
    }

    /// A step for each place that differs; no step for that of all others.
    private var places: [[String]] {
        var (seen, places): (Set<[String?]>, [[String]]) = ([], [])
        for steps in [[]] + profile.steps.keys.sorted().map({ [$0] }) {
            let resources = profile.resources(for: steps)
            let place = [resources.partition, resources.account, resources.qos, resources.gres] + resources.options.map { $0 }
            if seen.insert(place).inserted { places.append(steps) }
        }
        return places
    }

    private func place(of steps: [String]) -> String {
        let resources = profile.resources(for: steps)
        let words = [resources.partition.map { "partition \($0)" }, resources.qos.map { "qos \($0)" }, resources.gres]
        let text = words.compactMap { $0 }.joined(separator: ", ")
        return text.isEmpty ? "the default partition" : text
    }

    private func wait(
        for jobs: [Trial], in folder: String, token: String, seconds: Double, _ scheduler: SlurmScheduler
    ) throws -> [Finding] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var (waiting, findings, ended): ([Trial], [Finding], [Int: ContinuousClock.Instant]) = (jobs, [], [:])
        while !waiting.isEmpty {
            let states = (try? scheduler.states(of: waiting.map(\.job))) ?? [:]
            waiting.removeAll { trial in
                if let answer = answer(of: trial, in: folder, token: token) {
                    findings += self.findings(on: answer, of: trial, now: Date().timeIntervalSince1970)
                    return true
                }
                let state = states[trial.job]?[trial.task]
                let hasEnded = state?.isEnd ?? false
                // A file may be seen here some seconds after it was written there.
                if hasEnded {
                    let end = ended[trial.task] ?? .now
                    ended[trial.task] = end
                    if ContinuousClock.now - end > .seconds(log(of: trial, in: folder).isEmpty ? 15 : 3) {
                        findings.append(silence(of: trial, state: state, in: folder))
                        return true
                    }
                }
                guard ContinuousClock.now > deadline else { return false }
                findings.append(lateness(of: trial, state: state, seconds: seconds))
                return true
            }
            if !waiting.isEmpty { usleep(200_000) }
        }
        return findings
    }

    private func answer(of trial: Trial, in folder: String, token: String) -> NodeProbe.Answer? {
        // A network file system may keep saying that a file is not there: listing its folder asks again.
        _ = try? FileManager.default.contentsOfDirectory(atPath: folder)
        let answer: NodeProbe.Answer? = try? NodeProbe.read("\(folder)/\(NodeProbe.Answer.name(task: trial.task))") { "" }
        return answer?.token == token ? answer : nil
    }

    // MARK: Sentences

    func findings(on answer: NodeProbe.Answer, of trial: Trial, now: Double) -> [Finding] {
        let node = answer.host
        var findings = [
            Finding(
                sentence: "\(trial.place): job \(trial.job) ran on \(node), which sees the spool, writes and renames there",
                isProblem: false)
        ]
        if answer.version != version {
            findings.append(
                Finding(
                    sentence:
                        "\(node) has cellar \(answer.version), and this machine \(version): workers of another version are refused; "
                        + "give the profile the same program", isProblem: true))
        }
        if let problem = answer.catalogProblem {
            findings.append(
                Finding(
                    sentence:
                        "\(node) does not see the catalog \(catalog): \(problem); workers read artifacts there, so put it on a shared "
                        + "file system", isProblem: true))
        }
        let difference = answer.time < trial.begin ? answer.time - trial.begin : max(0, answer.time - now)
        if abs(difference) > 2 {
            findings.append(
                Finding(
                    sentence:
                        "the clock of \(node) is at least \(Int(abs(difference).rounded())) s \(difference < 0 ? "behind" : "ahead of") "
                        + "that of this machine; times of runs will be wrong until they agree", isProblem: true))
        }
        let here = ProcessorFeatures.ofThisMachine().kernels
        if answer.features.kernels != here {
            findings.append(
                Finding(
                    sentence:
                        "\(node) has \(answer.features.kernels) and this machine \(here): results of the two may differ in their last "
                        + "digits; --constraint in the profile's options chooses nodes", isProblem: false))
        }
        return findings
    }

    /// A job that ended without an answer.
    private func silence(of trial: Trial, state: TaskState?, in folder: String) -> Finding {
        let log = self.log(of: trial, in: folder)
        let lines = log.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " / ")
        var (end, node) = ("ended", "its node")
        if case .failed(let reason, let name)? = state { (end, node) = ("ended (\(reason.rawValue))", name ?? node) }
        let words =
            log.isEmpty
            ? "nothing came into \(profile.spool): \(node) may not see this folder, or not be allowed to write there"
            : "and said: \(lines.prefix(400))"
        return Finding(sentence: "\(trial.place): job \(trial.job) \(end) without an answer, \(words)", isProblem: true)
    }

    private func lateness(of trial: Trial, state: TaskState?, seconds: Double) -> Finding {
        let place = "\(trial.place): job \(trial.job)"
        let words =
            switch state {
            case .waiting?: "still waits (\(waitingReason(of: trial))), and was cancelled; `--wait` gives it longer"
            case .running?: "runs and has not answered, and was cancelled; see whether the node hangs on a file system"
            default: "is not known to Slurm, and did not answer"
            }
        return Finding(sentence: "\(place) \(words), after \(Int(seconds)) s", isProblem: true)
    }

    /// Slurm's word for why a job waits: `Resources`, `PartitionTimeLimit`, `QOSMaxJobsPerUserLimit`, …
    private func waitingReason(of trial: Trial) -> String {
        let ids = SlurmJob.all(in: trial.job).map { String($0.id) }.joined(separator: ",")
        let text = (try? commands.run("squeue", ["--noheader", "--jobs=\(ids)", "--format=%r"])) ?? ""
        return text.split(whereSeparator: \.isNewline).first.map(\.trimmed) ?? "no reason given"
    }

    private func log(of trial: Trial, in folder: String) -> String {
        SlurmJob.all(in: trial.job).map { job in
            let path = JobScript.log(in: folder, job: job.id, element: trial.task - job.offset)
            return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        }.joined().trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
