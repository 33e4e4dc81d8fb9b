import Basics
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Catalog

@Suite("A catalog on a shared file system") struct SharedCatalogTests {
    private static let timing = CatalogOwner.Timing(
        lease: CatalogLease.Timing(
            beat: .milliseconds(50), staleness: .milliseconds(500), patience: .milliseconds(100), pause: .milliseconds(5)),
        snapshot: .milliseconds(50), idle: .milliseconds(300))

    /// A catalog as another process sees it: each has a lease and connections of its own.
    private static func process(
        _ directory: CatalogDirectory, idle: Duration = .seconds(60), type: String = "nfs4"
    ) throws -> Catalog {
        var timing = timing
        timing.idle = idle
        return try Catalog.open(SharedDatabase(directory, FileSystemKind(type: type), timing: timing))
    }

    private static func rows(_ catalog: Catalog) throws -> Int {
        try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM model") ?? -1 }
    }

    private static func add(_ name: String, to catalog: Catalog) throws {
        _ = try catalog.collection.setModel(
            name: name, kind: "cellpose", path: "/models/\(name)", digest: Digest(of: name.utf8), licence: nil, provenance: nil)
    }

    private static func names(_ directory: CatalogDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    }

    /// Looks until something holds.
    private static func wait(for what: String, _ condition: () throws -> Bool) throws {
        let begin = ContinuousClock.now
        while try !condition() {
            try #require(ContinuousClock.now - begin < .seconds(20), "\(what) never came")
            usleep(10_000)
        }
    }

    /// Makes a catalog as a local one, whose process ends.
    private static func made() throws -> (folder: TemporaryDirectory, directory: CatalogDirectory) {
        let folder = try TemporaryDirectory()
        let directory = CatalogDirectory(path: folder.file(".cellar"))
        _ = try Catalog.create(at: directory)
        return (folder, directory)
    }

    @Test("has no log and no shared memory, and its owner commits with full synchronisation under an exclusive lock")
    func exclusive() throws {
        let (folder, directory) = try Self.made()
        defer { withExtendedLifetime(folder) {} }
        do {
            let catalog = try Self.process(directory)
            try Self.add("a", to: catalog)
            let modes = try catalog.unsafeRead { db in
                try ["journal_mode", "locking_mode", "synchronous", "cache_spill"].map {
                    try String.fetchOne(db, sql: "PRAGMA \($0)") ?? ""
                }
            }
            #expect(modes == ["delete", "exclusive", "3", "0"])
            #expect(try !Self.names(directory).contains { $0.hasSuffix("-wal") || $0.hasSuffix("-shm") })
            // The kernel's lock is held too.
            var configuration = Configuration()
            configuration.busyMode = .immediateError
            #expect(throws: DatabaseError.self) {
                try DatabaseQueue(path: directory.database, configuration: configuration).read {
                    try Int.fetchOne($0, sql: "SELECT count(*) FROM model")
                }
            }
        }
        let names = try Self.names(directory)
        #expect(!names.contains { $0.hasSuffix("-wal") || $0.hasSuffix("-shm") || $0.hasSuffix(".tmp") || $0.contains("lease") })
        #expect(!names.contains("catalog.sqlite-journal"))
        #expect(names.contains("catalog.snapshot.sqlite"))
        // On a local disk it goes on as ever, and what is committed there is in no snapshot.
        let local = try Catalog.open(at: directory)
        #expect(try Self.rows(local) == 1)
        try Self.add("b", to: local)
        #expect(try local.unsafeRead { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try !Self.names(directory).contains("catalog.snapshot.sqlite"))
    }

    @Test("with a log, as a local one leaves it, is read with all that is in the log")
    func fromLocal() throws {
        let (folder, directory) = try Self.made()
        let copy = CatalogDirectory(path: folder.file("copy"))
        do {
            let local = try Catalog.open(at: directory)
            try Self.add("a", to: local)
            try FileManager.default.copyItem(atPath: directory.path, toPath: copy.path)
        }
        #expect(try Self.names(copy).contains("catalog.sqlite-wal"))
        #expect(try Self.rows(Self.process(copy)) == 1)
        #expect(try !Self.names(copy).contains("catalog.sqlite-wal"))
    }

    @Test("is written by one process at a time; others are told who, and read its snapshots")
    func others() throws {
        let (folder, directory) = try Self.made()
        defer { withExtendedLifetime(folder) {} }
        let owner = try Self.process(directory)
        try Self.add("a", to: owner)
        let other = try Self.process(directory)
        #expect(other.isWritable)
        try Self.wait(for: "the snapshot") { try Self.rows(other) == 1 }
        let error = #expect(throws: CatalogError.self) { try Self.add("b", to: other) }
        #expect(error?.code == .locked)
        let holder = LeaseHolder.current()
        for word in [holder.user, holder.host, "process \(holder.pid)", "since 20", "one process at a time writes"] {
            #expect(error?.message.contains(word) == true, "\(word) in \(error?.message ?? "")")
        }
        #expect(other.snapshotNote?.contains("this is a snapshot, ") == true)
        #expect(owner.snapshotNote == nil)
        // Readers follow, by every kind of connection.
        let watch = try CatalogWatch(other)
        let before = try watch.version()
        try Self.add("b", to: owner)
        try Self.wait(for: "the next snapshot") { try Self.rows(other) == 2 }
        #expect(try watch.version() != before)
        #expect(try QueryConnection(other).ids(in: "v_model", where: "1").count == 2)
        // The owner's own queries see what it has just written.
        try Self.add("c", to: owner)
        #expect(try QueryConnection(owner).ids(in: "v_model", where: "1").count == 3)
        try owner.backup(to: folder.file("backup.sqlite"))
        try other.backup(to: folder.file("other.sqlite"))
    }

    @Test("is given back some seconds after the last write, but not while a run goes on")
    func idle() throws {
        let (folder, directory) = try Self.made()
        defer { withExtendedLifetime(folder) {} }
        let (one, two) = (
            try Self.process(directory, idle: .milliseconds(300)), try Self.process(directory, idle: .milliseconds(300))
        )
        try Self.add("a", to: one)
        try Self.wait(for: "the end of the ownership") { CatalogLease.current(in: directory) == nil }
        try Self.add("b", to: two)
        try Self.wait(for: "the snapshot") { try Self.rows(one) == 2 }
        try Self.wait(for: "the end of the ownership") { CatalogLease.current(in: directory) == nil }
        do {
            let run = try RunLock(one)
            usleep(700_000)
            #expect(CatalogLease.current(in: directory)?.isRunning == true)
            #expect(RunLock.isHeld(in: one) && RunLock.isHeld(in: two))
            #expect(throws: CatalogError.self) { try RunLock(two) }
            withExtendedLifetime(run) {}
        }
        try Self.wait(for: "the end of the run") { !RunLock.isHeld(in: two) }
        try Self.wait(for: "the end of the ownership") { CatalogLease.current(in: directory) == nil }
        _ = try RunLock(two)
    }

    @Test("has snapshots as often as readers need, and not much oftener than writing one takes")
    func pauses() {
        let timing = CatalogOwner.Timing()
        #expect(timing.pause(after: .zero) == .seconds(3))
        for tenths in 0...30 {
            let duration = Duration.milliseconds(tenths * 100)
            // The state of a reader is at most as old as a pause, two snapshots, and the time between two looks.
            #expect(timing.pause(after: duration) + duration * 2 < .seconds(10))
        }
        #expect(timing.pause(after: .seconds(10)) == .seconds(40))
    }

    @Test("whose lease another process took over is not written to any more by the one who had it")
    func stolen() throws {
        let (folder, directory) = try Self.made()
        defer { withExtendedLifetime(folder) {} }
        let catalog = try Self.process(directory)
        try Self.add("a", to: catalog)
        try Data(LeaseText(LeaseTests.stranger()).bytes).write(to: URL(fileURLWithPath: directory.lease + ".x"))
        #expect(rename(directory.lease + ".x", directory.lease) == 0)
        let before = try Data(contentsOf: URL(fileURLWithPath: directory.database))
        for name in ["b", "c"] {
            let error = #expect(throws: CatalogError.self) { try Self.add(name, to: catalog) }
            #expect(error?.message.contains("has lost the catalog") == true, "\(error?.message ?? "")")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: directory.database)) == before)
        #expect(CatalogLease.current(in: directory)?.holder.token == "stranger")
    }

    @Test("cannot be written by one who may not write its folder, and is read by them from the snapshot")
    func readOnly() throws {
        let (folder, directory) = try Self.made()
        defer { withExtendedLifetime(folder) {} }
        do { try Self.add("a", to: Self.process(directory)) }
        let catalog = Catalog(
            database: CatalogDatabase(
                directory: directory, connections: .shared(SharedDatabase(directory, FileSystemKind(type: "nfs"))),
                readOnlyReason: .folder))
        #expect(try Self.rows(catalog) == 1)
        let error = #expect(throws: CatalogError.self) { try Self.add("b", to: catalog) }
        #expect(error?.message.contains("can only be read") == true)
        #expect(throws: CatalogError.self) { try RunLock(catalog) }
    }

    @Test("gives many readers at once one committed state each")
    func readers() throws {
        let (folder, directory) = try Self.made()
        defer { withExtendedLifetime(folder) {} }
        let owner = try Self.process(directory)
        // Two rows in each transaction: an odd number is a state that was never committed.
        func addTwo(_ number: Int) throws {
            try owner.database.write { db in
                for name in ["\(number)a", "\(number)b"] {
                    try db.execute(
                        sql: "INSERT INTO recipe (digest, parameters, first_used_at) VALUES (?, '{}', ?)",
                        arguments: [Digest(of: name.utf8), Timestamp.now])
                }
            }
        }
        try addTwo(-1)
        try owner.database.shared?.owning { try $0.publishSnapshot() }
        let readers = (0..<8).map { _ in SnapshotReader(directory) { try Self.process($0) } }
        for reader in readers { reader.start() }
        for number in 0..<150 {
            try addTwo(number)
            usleep(5_000)
        }
        try owner.database.shared?.owning { try $0.publishSnapshot() }
        usleep(400_000)
        var states: Set<Int> = []
        for reader in readers {
            let (problems, counts) = reader.stop()
            #expect(problems == [])
            #expect(counts == counts.sorted() && counts.allSatisfy { $0 % 2 == 0 }, "\(counts)")
            states.formUnion(counts)
        }
        #expect(states.count > 3 && states.max() == 302, "\(states.sorted())")
    }
}

/// Reads from a thread of its own until it is stopped.
private final class SnapshotReader: @unchecked Sendable {
    // Unchecked, because the state is only touched by the thread, and after it has ended.
    private let directory: CatalogDirectory
    private let open: @Sendable (CatalogDirectory) throws -> Catalog
    private let ended = DispatchSemaphore(value: 0)
    private var isDone = false
    private let lock = NSLock()
    private var (problems, counts): ([String], [Int]) = ([], [])

    init(_ directory: CatalogDirectory, _ open: @escaping @Sendable (CatalogDirectory) throws -> Catalog) {
        (self.directory, self.open) = (directory, open)
    }

    func start() {
        Thread { [self] in
            // In turn by a new process and by one that stays.
            let kept = try? open(directory)
            while lock.withLock({ !isDone }) {
                do {
                    let catalog = try counts.count % 2 == 0 ? open(directory) : kept ?? open(directory)
                    let count = try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM recipe") ?? -1 }
                    if count % 2 != 0 { problems.append("\(count) rows were never committed") }
                    // One that stays looks for a new snapshot only now and then, and may see an earlier state than the last one.
                    counts.append(max(count, counts.last ?? 0))
                } catch {
                    problems.append("\(error)")
                }
                usleep(2_000)
            }
            ended.signal()
        }.start()
    }

    func stop() -> (problems: [String], counts: [Int]) {
        lock.withLock { isDone = true }
        ended.wait()
        return (problems, counts)
    }
}
