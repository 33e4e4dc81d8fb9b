import CatalogSchema
import Foundation

/// A process that owns a catalog, or wants to.
struct LeaseHolder: Codable, Hashable, Sendable {
    /// Drawn anew for each lease.
    let token: String
    let user: String
    let host: String
    /// The id of the kernel's start, and the namespace in which `pid` counts: containers have their own.
    let boot: String
    let namespace: String
    let pid: Int32
    /// When the process began, in the kernel's ticks: a later process may have the same id.
    let started: String
    /// When it took the lease, by its own clock: for people. Nothing is decided by it.
    let since: String

    /// This process.
    static func current() -> LeaseHolder {
        let process = ProcessInfo.processInfo
        return LeaseHolder(
            token: String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36),
            user: process.userName.isEmpty ? "somebody" : process.userName, host: process.hostName, boot: Self.boot,
            namespace: Self.namespace, pid: process.processIdentifier, started: Self.start(of: process.processIdentifier) ?? "",
            since: Timestamp.now)
    }

    /// Whether the process is one of this host, and has ended: nothing else proves that at once.
    var isKnownDead: Bool { isOfThisHost && !isRunningHere }

    /// Whether the process is one of this host, and lives.
    var isKnownAlive: Bool { isOfThisHost && isRunningHere }

    private var isOfThisHost: Bool {
        !boot.isEmpty && boot == Self.boot && namespace == Self.namespace && host == ProcessInfo.processInfo.hostName
    }

    private var isRunningHere: Bool {
        guard kill(pid, 0) == 0 || errno != ESRCH else { return false }
        // Where the system hides other users' processes, it is one of this id that lives.
        return (Self.start(of: pid) ?? started) == started
    }

    /// `anna on node7 (process 12)`
    var description: String { "\(user) on \(host) (process \(pid))" }

    private static let boot = text(of: "/proc/sys/kernel/random/boot_id")
    private static let namespace = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""

    private static func text(of path: String) -> String {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The 22nd field of proc(5)'s stat; the second one is a name in brackets, which may hold blanks. Nil where there is none, or the
    /// process has ended and only its parent has not asked for it yet.
    private static func start(of pid: Int32) -> String? {
        guard let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let bracket = line.lastIndex(of: ")")
        else { return nil }
        let fields = line[line.index(after: bracket)...].split(separator: " ")
        guard fields.count > 19 else { return nil }
        return fields[0] == "Z" || fields[0] == "X" ? "ended" : String(fields[19])
    }
}

/// What stands in a lease's file: the holder, and a line of fixed length that changes with each heartbeat.
///
/// ```
/// {"boot":"…","host":"node7","namespace":"pid:[4026531836]","pid":12,…}
/// beat 000000000012 snapshot pending run yes
/// ```
struct LeaseText: Equatable, Sendable {
    let holder: LeaseHolder
    var beat = 0
    /// Whether the snapshot holds all that was committed.
    var isSnapshotCurrent = false
    /// Whether a run goes on.
    var isRunning = false

    init(_ holder: LeaseHolder) { self.holder = holder }

    /// Nil where the text is no lease, or was read while it was written.
    init?(_ bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 3, lines[2].isEmpty,
            let holder = try? JSONDecoder().decode(LeaseHolder.self, from: Data(lines[0].utf8))
        else { return nil }
        let words = lines[1].split(separator: " ")
        guard words.count == 6, words[0] == "beat", let beat = Int(words[1]), words[2] == "snapshot", words[4] == "run"
        else { return nil }
        self.holder = holder
        self.beat = beat
        isSnapshotCurrent = words[3] == "current"
        isRunning = words[5] == "yes"
    }

    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let head = (try? encoder.encode(holder)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        let digits = String(beat)
        let count = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        let line = "beat \(count) snapshot \(isSnapshotCurrent ? "current" : "pending") run \(isRunning ? "yes" : "no ")"
        return Array("\(head)\n\(line)\n".utf8)
    }
}
