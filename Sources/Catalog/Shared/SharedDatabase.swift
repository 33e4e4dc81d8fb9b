import Basics
import Foundation
import GRDB
import Synchronization

/// The database of a catalog on a shared file system, as this process uses it: it reads the snapshot until it writes for the first time;
/// then it owns the catalog for a while (``CatalogOwner``), and reads what it has written.
///
/// There is one for each catalog in a process, however many ``Catalog``s are open.
final class SharedDatabase: Sendable {
    let directory: CatalogDirectory
    let fileSystem: FileSystemKind
    private let timing: CatalogOwner.Timing
    private let notice: @Sendable (String) -> Void
    private let state = Mutex<State>(State())
    /// Held while this process becomes the owner, which may take a minute.
    private let acquisition = Mutex<Void>(())

    private struct State {
        var owner: CatalogOwner?
        var reader: (queue: DatabaseQueue, identity: SnapshotFile.Identity, checked: ContinuousClock.Instant)?
    }

    init(
        _ directory: CatalogDirectory, _ fileSystem: FileSystemKind, timing: CatalogOwner.Timing = CatalogOwner.Timing(),
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.directory, self.fileSystem, self.timing, self.notice) = (directory, fileSystem, timing, notice)
    }

    deinit { state.withLock(\.owner)?.end() }

    // MARK: One for each catalog

    private struct Weak: Sendable { weak var database: SharedDatabase? }

    private static let open = Mutex<[String: Weak]>([:])

    static func of(
        _ directory: CatalogDirectory, _ fileSystem: FileSystemKind, notice: @escaping @Sendable (String) -> Void
    ) -> SharedDatabase {
        let key = (try? FilePath.resolved(directory.path)) ?? directory.path
        return open.withLock { open in
            if let database = open[key]?.database { return database }
            let database = SharedDatabase(directory, fileSystem, notice: notice)
            open = open.filter { $0.value.database != nil }
            open[key] = Weak(database: database)
            return database
        }
    }

    // MARK: Reading and writing

    /// Reads one committed state: this process's own where it owns the catalog, else the snapshot's.
    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        if let owner = state.withLock(\.owner), owner.enter() {
            defer { owner.leave(hasWritten: false) }
            return try owner.queue.read(body)
        }
        return try reader().read(body)
    }

    /// Writes in one transaction, as the owner. Before it is committed, the lease is looked at.
    func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try owning { owner in
            try owner.queue.write { db in
                let result = try body(db)
                try owner.lease.confirm()
                return result
            }
        }
    }

    /// Calls a closure while this process owns the catalog.
    func owning<Result>(_ body: (CatalogOwner) throws -> Result) throws -> Result {
        let owner = try entered()
        defer { owner.leave(hasWritten: true) }
        return try body(owner)
    }

    private func entered() throws -> CatalogOwner {
        try acquisition.withLock { _ in
            if let owner = state.withLock(\.owner), owner.enter() { return owner }
            let owner = try CatalogOwner(directory, fileSystem, timing: timing, notice: notice)
            // Its thread may give it back only after some seconds.
            guard owner.enter() else { throw CatalogError(.locked, "the catalog \(directory.path) was given back; try again") }
            state.withLock { $0 = State(owner: owner) }
            return owner
        }
    }

    /// The connection to the snapshot, or to a newer one that has taken its place.
    private func reader() throws -> DatabaseQueue {
        let snapshot = SnapshotFile(directory)
        return try state.withLock { state in
            if let reader = state.reader, ContinuousClock.now - reader.checked < .milliseconds(300) { return reader.queue }
            guard let identity = snapshot.current()?.identity else {
                if let reader = state.reader { return reader.queue }
                // Nobody has owned it here yet, and this user may not: the file is read as it lies there.
                return try CatalogDatabase.openReader(at: directory.readingPath)
            }
            if let reader = state.reader, reader.identity == identity {
                state.reader?.checked = .now
                return reader.queue
            }
            let queue = try CatalogDatabase.openReader(at: snapshot.uri)
            state.reader = (queue, identity, .now)
            return queue
        }
    }

    /// The name by which SQLite opens what other connections of this process read: the snapshot, which holds all that this process has
    /// written.
    func readingPath() throws -> String {
        if let owner = state.withLock(\.owner), owner.enter() {
            defer { owner.leave(hasWritten: false) }
            try owner.publishSnapshot()
        }
        let snapshot = SnapshotFile(directory)
        return snapshot.current() == nil ? directory.readingPath : snapshot.uri
    }

    /// Writes a consistent copy to a new file.
    func backup(to queue: DatabaseQueue) throws {
        if let owner = state.withLock(\.owner), owner.enter() {
            defer { owner.leave(hasWritten: false) }
            return try owner.queue.backup(to: queue)
        }
        try reader().backup(to: queue)
    }

    // MARK: Who owns it

    /// Keeps the catalog as its owner for as long as this lives.
    final class Hold: Sendable {
        private let owner: CatalogOwner
        // Where that goes, it gives the catalog back.
        private let database: SharedDatabase

        fileprivate init(_ owner: CatalogOwner, of database: SharedDatabase) { (self.owner, self.database) = (owner, database) }

        deinit { owner.unhold() }
    }

    /// - Throws: ``CatalogError`` where another process owns the catalog.
    func hold() throws -> Hold {
        let owner = try entered()
        defer { owner.leave(hasWritten: false) }
        guard owner.hold() else { throw CatalogError(.locked, "the catalog \(directory.path) was given back; try again") }
        return Hold(owner, of: self)
    }

    /// Whether this process owns the catalog now.
    var isOwner: Bool {
        guard let owner = state.withLock(\.owner), owner.enter() else { return false }
        owner.leave(hasWritten: false)
        return true
    }

    /// Whether a run goes on, in this process or in another one that is not known to be dead.
    var isRunUnderWay: Bool {
        if let owner = state.withLock(\.owner), owner.isHeld { return true }
        guard let lease = CatalogLease.current(in: directory) else { return false }
        return lease.isRunning && !lease.holder.isKnownDead
    }

    /// Whether the snapshot may lack what was committed, and nobody is there who will write the next one.
    var needsCare: Bool {
        if FileManager.default.fileExists(atPath: "\(directory.database)-wal") { return true }
        if SnapshotFile(directory).current() == nil { return true }
        return CatalogLease.current(in: directory)?.holder.isKnownDead == true
    }

    /// What a person should know who reads while another process owns the catalog; nil where none does.
    var note: String? {
        guard !isOwner, let lease = CatalogLease.current(in: directory) else { return nil }
        let owner = "\(lease.holder.description) owns the catalog since \(lease.holder.since)"
        guard let age = SnapshotFile(directory).current()?.age else { return owner }
        return "this is a snapshot, "
            + (lease.isSnapshotCurrent ? "to which nothing was added" : "\(Int(age / .seconds(1))) s old") + ": \(owner)"
    }
}
