import Foundation
import Glibc

/// A call of the system that counts, as the library FaultInjection notes it.
struct SystemCall: Hashable, Sendable {
    /// From 1, in the order of a program's calls.
    let number: Int
    /// `open`, `write`, `fsync`, …
    let name: String
    let path: String

    /// A line of the library's log.
    init?(_ line: Substring) {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let number = Int(words[0]) else { return nil }
        (self.number, name, path) = (number, String(words[1]), String(words[2]))
    }

    /// The call and what its file is for, not which one it is: `write catalog.sqlite-wal`, `rename blobs h5`.
    var kind: String {
        let parts = path.split(separator: "/")
        let inCatalog = parts.firstIndex(of: ".cellar").map { parts[($0 + 1)...] } ?? parts.suffix(1)
        guard let last = inCatalog.last else { return name }
        let isNamedByChance = last.contains { $0.isHexDigit && $0.isNumber } && !last.hasPrefix("catalog.sqlite")
        let ending = last.split(separator: ".").count > 1 ? String(last.split(separator: ".").last ?? "") : ""
        return [name, String(inCatalog.dropLast().first ?? ""), isNamedByChance ? ending : String(last)].joined(separator: " ")
    }

    /// Whether it transfers bytes, so that it may transfer fewer than it was asked for.
    var transfers: Bool { ["read", "write", "sendfile"].contains(name) }
}

/// What goes wrong with a call.
enum Fault: String, CaseIterable, Sendable {
    case noSpace, inputOutput, noAccess, tooManyFiles, interrupted
    /// The call transfers half of its bytes.
    case short

    /// As the library wants it.
    var word: String {
        switch self {
        case .noSpace: "\(ENOSPC)"
        case .inputOutput: "\(EIO)"
        case .noAccess: "\(EACCES)"
        case .tooManyFiles: "\(EMFILE)"
        case .interrupted: "\(EINTR)"
        case .short: "short"
        }
    }

    func applies(to call: SystemCall) -> Bool { self != .short || call.transfers }
}

/// The built program in a process of its own, with the library FaultInjection loaded into it.
struct FaultyProgram: Sendable {
    /// How a command ended.
    struct End: Sendable {
        /// Nil where a signal ended it, or it had to be killed after a minute.
        var status: Int32?
        var output: String
        var errors: String
        /// The calls that the library noted: all, or the one that failed.
        var calls: [SystemCall]
    }

    /// Only calls on what lies below this folder count; without links.
    let folder: String
    /// Where outputs and logs are written, outside of it.
    let logs: String

    /// The library lies beside the program.
    static var library: String {
        CellarProcess.executable.deletingLastPathComponent().appending(path: "libFaultInjection.so").path
    }

    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - project: the folder of the project that it is about.
    ///   - fault: which call fails, and how; nil for none.
    ///   - notes: whether the library is loaded although no call is to fail, to note all.
    func run(
        _ arguments: [String], of project: String, fault: (call: Int, kind: Fault)? = nil, notes: Bool = false
    ) throws -> End {
        let name = "\(logs)/\(UUID().uuidString)"
        let (output, errors, log) = ("\(name).out", "\(name).err", "\(name).log")
        defer { for file in [output, errors, log] { unlink(file) } }
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CELLAR_") }
        environment["NO_COLOR"] = "1"
        environment["CELLAR_CATALOG"] = project
        if fault != nil || notes {
            environment["LD_PRELOAD"] = Self.library
            environment["CELLAR_FAULT_BELOW"] = folder
            environment["CELLAR_FAULT_LOG"] = log
        }
        if let fault {
            environment["CELLAR_FAULT_AT"] = "\(fault.call)"
            environment["CELLAR_FAULT_WITH"] = fault.kind.word
        }
        let status = try Self.spawn(
            [CellarProcess.executable.path] + arguments, environment.map { "\($0)=\($1)" }, output, errors)
        func text(_ file: String) -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
        return End(
            status: status, output: text(output), errors: text(errors),
            calls: text(log).split(separator: "\n").compactMap(SystemCall.init))
    }

    private static func spawn(
        _ words: [String], _ environment: [String], _ output: String, _ errors: String
    ) throws -> Int32? {
        var words: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for word in words + environment { free(word) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var id = pid_t()
        let reason = posix_spawn(&id, CellarProcess.executable.path, &actions, nil, &words, &environment)
        guard reason == 0 else { throw POSIXError(POSIXErrorCode(rawValue: reason) ?? .EIO) }
        let end = ContinuousClock.now + .seconds(60)
        var (status, isKilled) = (Int32(0), false)
        while true {
            switch waitpid(id, &status, WNOHANG) {
            case 0: usleep(1000)
            case -1 where errno != EINTR: throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .ECHILD)
            case -1: continue
            default: return isKilled || status & 0x7f != 0 ? nil : (status >> 8) & 0xff
            }
            if ContinuousClock.now > end, !isKilled { isKilled = kill(id, SIGKILL) == 0 }
        }
    }
}
