public import Basics
internal import Foundation
internal import Glibc
internal import Volumes

/// What a job of ``ClusterCheck`` does on its node: it looks at the folders that it should see, writes and renames a file, and answers.
public enum NodeProbe {
    /// What the node is asked, in the folder that it should see.
    struct Question: Codable, Equatable {
        static let name = "question.json"

        /// The folder of the catalog.
        var catalog: String
        /// The version of the program that asks.
        var version: String
        /// A random word: an answer to an earlier question has another one.
        var token: String
    }

    struct Answer: Codable, Equatable {
        var token: String
        var version: String
        var host: String
        /// What is wrong with the catalog's folder; nil where it can be read.
        var catalogProblem: String?
        /// Seconds since 1970 by the node's clock, after all else.
        var time: Double
        var processors: Int
        var features: ProcessorFeatures
        /// `OMP_NUM_THREADS`.
        var threads: String?

        static func name(task: Int) -> String { "answer-\(task).json" }
    }

    /// Answers the question in a folder.
    ///
    /// - Parameters:
    ///   - task: the number of the answer.
    ///   - version: of this program.
    /// - Returns: what was found, in one sentence.
    /// - Throws: ``ClusterError`` where there is no question, or the answer cannot be written.
    public static func run(in folder: String, task: Int, version: String) throws(ClusterError) -> String {
        let question: Question = try Self.read("\(folder)/\(Question.name)") {
            "\(host) does not see the question of `cellar cluster check`; put the spool on a file system that nodes share"
        }
        let catalog = question.catalog
        let problem =
            access("\(catalog)/catalog.sqlite", R_OK) == 0 && access("\(catalog)/blobs", R_OK | X_OK) == 0
            ? nil : SystemError.last.reason
        let answer = Answer(
            token: question.token, version: version, host: host, catalogProblem: problem, time: Date().timeIntervalSince1970,
            processors: ProcessInfo.processInfo.activeProcessorCount, features: .ofThisMachine(),
            threads: ProcessInfo.processInfo.environment["OMP_NUM_THREADS"])
        // As results are written: a temporary name, sync, rename.
        try write(answer, to: "\(folder)/\(Answer.name(task: task))")
        return "\(host) sees \(folder) and answered"
    }

    /// The node by the name that Slurm has for it, else as it calls itself.
    static var host: String { ProcessInfo.processInfo.environment["SLURMD_NODENAME"] ?? ProcessInfo.processInfo.hostName }

    static func write(_ value: some Encodable, to path: String) throws(ClusterError) {
        do { try SmallFile(path).replace(Array(JSONEncoder().encode(value))) } catch {
            throw ClusterError(.check, "cannot be written on \(host): \(error)", path: path)
        }
    }

    /// - Parameter absence: the sentence for a file that is not there.
    static func read<Value: Decodable>(_ path: String, absence: () -> String) throws(ClusterError) -> Value {
        let bytes: [UInt8]?
        do throws(VolumeError) { bytes = try SmallFile(path).read(limit: 1 << 16) } catch { throw ClusterError(.check, error) }
        guard let bytes else { throw ClusterError(.check, absence(), path: path) }
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(bytes)) else {
            throw ClusterError(.check, "is not what a check writes; run `cellar cluster check` again", path: path)
        }
        return value
    }
}

/// Instructions of a processor that the program's kernels use where they are there.
public struct ProcessorFeatures: Codable, Equatable, Sendable {
    private static let known = ["avx2", "fma", "bmi2", "avx512f", "avx512bw", "avx512dq", "avx512vl"]

    var flags: [String]

    /// The widest kernels that run with them, as people call them: `AVX-512`, `AVX2` or `no AVX2`.
    public var kernels: String {
        if Self.known.allSatisfy(flags.contains) { return "AVX-512" }
        return Self.known.prefix(3).allSatisfy(flags.contains) ? "AVX2" : "no AVX2"
    }

    /// What /proc/cpuinfo says of the first processor.
    public static func ofThisMachine() -> ProcessorFeatures {
        ProcessorFeatures(text: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
    }

    /// - Parameter text: of /proc/cpuinfo.
    init(text: String) {
        let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
        let words = Set(line.split(separator: " ").map(String.init))
        flags = Self.known.filter(words.contains)
    }
}
