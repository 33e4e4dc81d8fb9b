internal import Basics
internal import Foundation

/// Slurm's client programs: `sbatch`, `squeue`, `sacct`, `scancel`, `scontrol`, `sinfo`.
public struct SlurmCommands: Sendable {
    /// The variables of this process: `PATH` says where the programs are.
    private let environment: [String: String]
    private let timeLimitInSeconds: Double

    /// - Parameters:
    ///   - environment: the variables to go by; nil for those of this process.
    ///   - timeLimitInSeconds: after which a program is ended. Slurm's own limit on an answer is 10 s by default, and sites raise it.
    public init(environment: [String: String]? = nil, timeLimitInSeconds: Double = 60) {
        self.environment = Self.environment(from: environment ?? ProcessInfo.processInfo.environment)
        self.timeLimitInSeconds = timeLimitInSeconds
    }

    /// The variables for a client program.
    ///
    /// Inside of a job, the job's own `SLURM_*` would become the defaults of new jobs; only what says where Slurm is stays. Variables that filter
    /// or shape what queries print are left out. An expression of array elements is printed whole.
    static func environment(from variables: [String: String]) -> [String: String] {
        let kept: Set = ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS"]
        var result = variables.filter { name, _ in
            kept.contains(name) || !["SLURM_", "SLURMD_", "SQUEUE_", "SACCT_", "SINFO_"].contains { name.hasPrefix($0) }
        }
        result["SLURM_BITSTR_LEN"] = "0"
        result["SLURM_TIME_FORMAT"] = "standard"
        result["LC_ALL"] = "C"
        return result
    }

    /// Runs one of the programs.
    ///
    /// - Returns: what it printed.
    /// - Throws: ``ClusterError`` where it is missing, fails, or does not end in time.
    func run(_ name: String, _ arguments: [String], input: String = "") throws(ClusterError) -> String {
        let program = ClientProgram(
            name: name, arguments: arguments, input: input, environment: environment, timeLimitInSeconds: timeLimitInSeconds)
        let outcome: ClientProgram.Outcome
        do throws(ClientProgram.Failure) { outcome = try program.run() } catch {
            switch error {
            case .missing:
                throw ClusterError(
                    .noProgram,
                    "there is no \(name) on this machine; run on a login node of the cluster, or load the module that has Slurm's programs"
                )
            case .cannotStart(let error):
                throw ClusterError(.unavailable, "\(name) cannot be started: \(error.reason); try again")
            case .timeLimit:
                throw ClusterError(
                    .unavailable, "\(name) did not answer within \(Int(timeLimitInSeconds)) s; Slurm may be busy: try again later"
                )
            }
        }
        guard outcome.status == 0 else { throw Self.error(of: name, outcome) }
        return outcome.output
    }

    /// The sentence for a program that failed, by what it said.
    static func error(of name: String, _ outcome: ClientProgram.Outcome) -> ClusterError {
        let words = said(by: outcome.errors.isEmpty ? outcome.output : outcome.errors)
        let text = words.isEmpty ? "nothing, exit code \(outcome.status)" : words
        let kinds: [(ClusterErrorCode, advice: String, signs: [String])] = [
            (
                .queueFull, "fewer jobs at a time, or later",
                [
                    "SubmitJob", "job submit limit", "MaxSubmit", "temporarily unable to accept job", "MaxJobCount",
                    "Resource temporarily unavailable",
                ]
            ),
            (
                .unavailable, "this machine belongs to no cluster, or SLURM_CONF has to name its slurm.conf",
                ["fetch config", "fetch_config", "configuration source", "SLURM_CONF"]
            ),
            (
                .unavailable, "try again later",
                [
                    "Unable to contact", "timed out", "Connection refused", "Unable to establish", "Zero Bytes",
                    "communication failure",
                    "Communication connection failure", "is disabled", "in standby mode", "Protocol authentication error",
                    "auth plugin", "munge",
                ]
            ),
        ]
        for kind in kinds where kind.signs.contains(where: { text.localizedCaseInsensitiveContains($0) }) {
            return ClusterError(kind.0, "\(name) failed: \(text); \(kind.advice)")
        }
        return ClusterError(.refused, "\(name) failed: \(text); mend the profile, and try `cellar cluster check`")
    }

    /// What a program said on one line, without its own name and the word "error".
    private static func said(by text: String) -> String {
        let lines = text.split(separator: "\n").map { line in
            line.replacing(/^\w+: (?:error: |fatal: )?/, with: "").trimmingCharacters(in: .whitespaces)
        }
        let line = lines.filter { !$0.isEmpty }.prefix(3).joined(separator: ", ")
        return line.count > 400 ? "\(line.prefix(400))…" : line
    }
}
