import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import Testing
import ToySteps
import Volumes

/// What others see of a run that goes on in another process.
@Suite("While another process runs") struct TwoProcessesTests {
    @Test("a second run is refused with the owner's name, host, process and run, here and in a third process")
    func refusal() throws {
        let toys = try ToyCollection()
        try toys.fill()
        let child = try ChildProcess.crashRunner([toys.folder, "slow", "200"])
        #expect(child.firstOutput() == "begun\n")
        let error = #expect(throws: CatalogError.self) { try toys.run() }
        #expect(error?.code == .locked)
        let owner = try #require(try toys.catalog.unsafeRead { try RunLockRecord.fetchOne($0) })
        #expect(owner.pid == child.id)
        for word in [owner.owner, owner.host, "process \(owner.pid)", "run \(owner.runId)", "last heartbeat"] {
            #expect(error?.message.contains(word) == true, "\(word) in: \(error?.message ?? "")")
        }
        let third = try ChildProcess.crashRunner([toys.folder, "run"]).wait()
        #expect(third.end == .exit(1))
        #expect(third.output.contains("process \(owner.pid)"))
        // The lock is the kernel's: it is free as soon as its owner is dead, however it died.
        child.kill()
        #expect(try child.wait().end == .signal(SIGKILL))
        #expect(try toys.run().report?.isComplete == true)
    }

    @Test("readers see committed results only, and are never kept waiting")
    func readers() throws {
        let toys = try ToyCollection()
        try toys.fill()
        let child = try ChildProcess.crashRunner([toys.folder, "slow", "40"])
        #expect(child.firstOutput() == "begun\n")
        let readers = (0..<8).map { _ in Reader(toys.catalog.directory) }
        for reader in readers { reader.start() }
        let end = try child.wait()
        #expect(end.end == .exit(0), "\(end.output)")
        var states: Set<Int> = []
        for reader in readers {
            let (problems, counts) = reader.stop()
            #expect(problems == [])
            #expect(counts == counts.sorted())
            states.formUnion(counts)
        }
        // They saw more than one state, or they proved nothing. One of them alone may have had no turn on two busy cores.
        #expect(states.count > 2)
        #expect(try toys.run().report == nil)
    }

    private static func answers(_ program: String, _ arguments: [String]) -> Bool {
        (try? ChildProcess(program, arguments).wait().end) == .exit(0)
    }

    private static let count = "SELECT count(*) FROM v_step"
    private static let python = """
        import sqlite3, sys
        connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=0)
        print(connection.execute(sys.argv[2]).fetchone()[0])
        """

    @Test(
        "Python's sqlite3 reads the database",
        .enabled(if: answers("python3", ["-c", "import sqlite3"]), "python3 with sqlite3 is not installed here"))
    func python() throws {
        try checkForeignReader { try ChildProcess("python3", ["-c", Self.python, $0, Self.count]) }
    }

    @Test("the sqlite3 shell reads the database", .enabled(if: answers("sqlite3", ["-version"]), "sqlite3 is not installed here"))
    func shell() throws {
        try checkForeignReader { try ChildProcess("sqlite3", ["-readonly", $0, Self.count]) }
    }

    /// Asks how many results stand, again and again while a run goes on.
    private func checkForeignReader(_ ask: (String) throws -> ChildProcess) throws {
        let toys = try ToyCollection()
        try toys.fill()
        let child = try ChildProcess.crashRunner([toys.folder, "slow", "60"])
        #expect(child.firstOutput() == "begun\n")
        var counts: [Int] = []
        for _ in 0..<10 {
            let (end, output) = try ask(toys.catalog.directory.database).wait()
            #expect(end == .exit(0), "\(output)")
            counts.append(try #require(Int(output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(output)"))
        }
        #expect(counts == counts.sorted())
        #expect(try child.wait().end == .exit(0))
    }
}

/// Reads from a thread of its own until it is stopped, and checks what it sees.
final class Reader: @unchecked Sendable {
    // Unchecked, because the state is only touched by the thread, and after it has ended.
    private let directory: CatalogDirectory
    private let cancellation = Cancellation()
    private let hasEnded = DispatchSemaphore(value: 0)
    private var problems: [String] = []
    private var counts: [Int] = []
    /// The greatest time in seconds from the last item or heartbeat that a state knew of to when it was read.
    private(set) var oldest = 0.0

    init(_ directory: CatalogDirectory) { self.directory = directory }

    func start() {
        Thread {
            while !self.cancellation.isCancelled {
                do { try self.look() } catch { self.problems.append("\(error)") }
            }
            self.hasEnded.signal()
        }.start()
    }

    func stop() -> (problems: [String], counts: [Int]) {
        cancellation.cancel()
        hasEnded.wait()
        return (problems, counts)
    }

    private func look() throws {
        let connection = try QueryConnection(Catalog.open(at: directory))
        let begin = ContinuousClock.now
        // One statement is one snapshot: results, results without all that makes one, metrics, artifacts.
        try connection.run(
            """
            SELECT (SELECT count(*) FROM v_step), (SELECT count(*) FROM head),
                (SELECT count(*) FROM v_step WHERE NOT EXISTS (
                    SELECT 1 FROM trace_output WHERE trace_output.trace_id = v_step.trace_id)),
                (SELECT count(*) FROM v_step WHERE step IN ('read', 'slab')), (SELECT count(*) FROM v_metric),
                (SELECT count(*) FROM artifact WHERE NOT EXISTS (
                    SELECT 1 FROM trace_output WHERE artifact_id = artifact.id))
            """
        ) { row in
            guard case .integer(let count)? = row.first else { return self.problems.append("no count") }
            self.counts.append(Int(count))
            if row[1] != row[0] { self.problems.append("a result is of no step or scope") }
            if row[2] != .integer(0) { self.problems.append("a result has no output") }
            if row[3] != row[4] { self.problems.append("\(row[3]) results have \(row[4]) metrics") }
            if row[5] != .integer(0) { self.problems.append("an artifact is of no result") }
        }
        try connection.run(
            "SELECT (julianday('now') - julianday(max(heartbeat_at, (SELECT ifnull(max(started_at), '') FROM trace)))) * 86400 FROM run_lock"
        ) { row in if case .real(let age)? = row.first { self.oldest = max(self.oldest, age) } }
        let store = try BlobStore(directory: directory.blobs)
        try connection.run("SELECT digest FROM v_artifact WHERE state = 'present'") { row in
            guard case .text(let text)? = row.first, let digest = Digest(hexadecimal: text) else {
                return self.problems.append("no digest")
            }
            if !store.contains(digest) { self.problems.append("the artifact \(text) is not there") }
        }
        if ContinuousClock.now - begin > .seconds(5) { problems.append("waited for \(ContinuousClock.now - begin)") }
    }
}
