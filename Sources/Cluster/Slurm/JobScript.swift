internal import Engine

/// The script of a job, and the options of `sbatch`: what Slurm is told.
struct JobScript {
    /// Seconds before the end of its time at which a job is told (SIGUSR2), so that it saves what it has.
    static let warningSeconds = 90

    var profile: ClusterProfile
    /// The path of this program, for a profile without its own.
    var program: String
    /// The words between the program and the folder of the bundle, by the number of threads.
    var command: @Sendable (_ threads: Int) -> [String]
    var submission: JobSubmission
    /// Of earlier attempts at these tasks.
    var shortages = Shortages()

    /// The script for elements whose task is their number and an offset.
    ///
    /// The shell becomes the program, so that signals for the batch shell reach it. Until it says what SIGUSR2 means, the signal would end it.
    func text(offset: Int) -> String {
        let threads = request.cpus
        let words = profile.prefix + [profile.program ?? program] + command(threads) + [submission.bundle]
        let variables = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"].map { "\($0)=\(threads)" }
        let lines =
            ["#!/bin/bash", "trap '' USR2"] + profile.setup
            + [
                "export \(variables.joined(separator: " "))",
                "exec \(words.map(Self.quoted).joined(separator: " ")) \"$((SLURM_ARRAY_TASK_ID + \(offset)))\"",
            ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The options for the elements of an array.
    ///
    /// - Parameter note: the job's comment, which tells it from others of its name.
    func arguments(elements: Range<Int>, note: String) -> [String] {
        let resources = resources
        let limit = profile.atOnce.map { "%\($0)" } ?? ""
        var arguments = [
            "--parsable", "--job-name=\(submission.name)", "--comment=\(note)",
            "--array=\(elements.lowerBound)-\(elements.upperBound - 1)\(limit)",
            "--nodes=1", "--ntasks=1", "--cpus-per-task=\(request.cpus)",
            "--signal=B:USR2@\(Self.warningSeconds)", profile.requeues ? "--requeue" : "--no-requeue",
            "--chdir=/", "--open-mode=append", "--output=\(Self.pattern(submission.logs))/%A_%a.log",
        ]
        if let seconds = request.seconds { arguments.append("--time=\(DurationText.slurm(seconds))") }
        if let bytes = request.memoryBytes { arguments.append("--mem=\(MemoryText.slurm(bytes))") }
        let places = [
            ("partition", resources.partition), ("account", resources.account), ("qos", resources.qos), ("gres", resources.gres),
        ]
        arguments += places.compactMap { name, value in value.map { "--\(name)=\($0)" } }
        return arguments + resources.options
    }

    private var resources: JobResources { profile.resources(for: submission.steps) }
    private var request: AttemptRequest { AttemptRequest(resources, for: submission, after: shortages) }

    /// The path of the log of an element.
    static func log(in folder: String, job: Int, element: Int) -> String { "\(folder)/\(job)_\(element).log" }

    /// A path within a pattern of Slurm, where `%` begins a replacement.
    private static func pattern(_ path: String) -> String { path.replacing("%", with: "%%") }

    /// A word of the shell.
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "/._-=:,+@%".utf8.contains(byte)
                }
            }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
