public import Basics
public import Engine
internal import Foundation
internal import Volumes

/// A run that is itself a job of the cluster, so that it goes on after the terminal has closed: it plans, submits other jobs, and publishes.
///
/// The record of it lies in the catalog's folder, as ``fileName``. It is written before the job is submitted, so that a job whose
/// id was lost is found by ``JobScheduler/job(of:)``.
public struct DetachedRun: Codable, Sendable, Equatable {
    static let fileName = "coordinator"
    private static let byteLimit = 1 << 20

    /// The words after the name of the program.
    public var arguments: [String]
    /// Where it was submitted, and when: UTC, ISO 8601.
    public var host: String
    public var submittedAt: String
    /// The name of the job.
    var name: String
    /// nil until the cluster has taken it.
    public var job: String?

    /// The record of a catalog; nil where there is none.
    ///
    /// - Parameter directory: the folder of the catalog.
    /// - Throws: ``ClusterError`` where it cannot be read.
    public static func read(in directory: String) throws(ClusterError) -> DetachedRun? {
        let path = "\(directory)/\(fileName)"
        let bytes: [UInt8]?
        do throws(VolumeError) { bytes = try SmallFile(path).read(limit: byteLimit) } catch {
            throw ClusterError(.detached, error)
        }
        guard let bytes else { return nil }
        guard let run = try? JSONDecoder().decode(DetachedRun.self, from: Data(bytes)) else {
            throw ClusterError(.detached, "is not what `cellar run --detach` writes; remove it", path: path)
        }
        return run
    }

    func write(in directory: String) throws(ClusterError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let path = "\(directory)/\(Self.fileName)"
        guard let text = try? encoder.encode(self) else {
            throw ClusterError(mistake: .detached, "cannot be encoded", path: path)
        }
        do throws(VolumeError) { try SmallFile(path).replace(Array(text)) } catch { throw ClusterError(.detached, error) }
    }

    /// Forgets it: the run has ended.
    public static func remove(in directory: String) { try? FileManager.default.removeItem(atPath: "\(directory)/\(fileName)") }

    /// Submits a run as a job.
    ///
    /// - Parameters:
    ///   - arguments: the words after the name of the program.
    ///   - scheduler: of ``scheduler(_:program:commands:)``.
    ///   - directory: the folder of the catalog.
    /// - Throws: ``ClusterError`` where one was submitted before and goes on, or this one is refused.
    public static func submit(_ arguments: [String], to scheduler: SlurmScheduler, in directory: String) throws -> DetachedRun {
        if let earlier = try read(in: directory), let state = try earlier.state(by: scheduler, in: directory), !state.isEnd {
            throw ClusterError(
                .detached,
                "a run was submitted already, and \(state.words): job \(earlier.job ?? "of unknown id"); `cellar cancel` ends it")
        }
        let random = String(UInt32.random(in: .min ... .max), radix: 36)
        var run = DetachedRun(
            arguments: arguments, host: ProcessInfo.processInfo.hostName, submittedAt: Date().ISO8601Format(),
            name: "cellar-run-\(random)")
        try run.write(in: directory)
        do { run.job = try scheduler.submit(run.submission(in: directory)) } catch {
            remove(in: directory)
            throw error
        }
        try run.write(in: directory)
        return run
    }

    /// What it was submitted as: one task, which `cellar cluster coordinate DIRECTORY 0` computes.
    func submission(in directory: String) -> JobSubmission {
        JobSubmission(
            bundle: directory, tasks: 0..<1, name: name, steps: [], threads: 1, attempt: 1, logs: "\(directory)/coordinator-logs")
    }

    /// What the cluster says of its job; nil where it does not know it.
    public func state(by scheduler: SlurmScheduler, in directory: String) throws -> TaskState? {
        guard let job = try job ?? scheduler.job(of: submission(in: directory)) else { return nil }
        return try scheduler.states(of: [job])[job]?[0]
    }

    /// The files with what it printed, the last one last.
    public func logs(by scheduler: SlurmScheduler, in directory: String) -> [String] {
        job.map { scheduler.logs(ofTask: 0, job: $0, in: submission(in: directory).logs) } ?? []
    }

    /// The jobs of the cluster that are its own.
    public func jobs(by scheduler: SlurmScheduler, in directory: String) throws -> [String] {
        try [job ?? scheduler.job(of: submission(in: directory))].compactMap { $0 }
    }

    /// The scheduler for such runs.
    public static func scheduler(
        _ profile: ClusterProfile, program: String, commands: SlurmCommands = SlurmCommands()
    ) -> SlurmScheduler {
        SlurmScheduler(profile.forCoordinator, program: program, commands: commands) { _ in ["cluster", "coordinate", "--"] }
    }
}

extension TaskState {
    /// Whether something may still come of it.
    public var goesOn: Bool { !isEnd }

    /// What becomes of it, to follow its name.
    public var words: String {
        switch self {
        case .waiting: "waits"
        case .running(let node): "runs" + (node.map { " on \($0)" } ?? "")
        case .done: "has ended"
        case .failed(let reason, let node): "has ended (\(reason.rawValue))" + (node.map { " on \($0)" } ?? "")
        }
    }
}
