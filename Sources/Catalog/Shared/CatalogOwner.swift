import Basics
import Foundation
import GRDB
import Synchronization

/// The ownership of a catalog on a shared file system: the lease, the one connection to its database, and the snapshot for all others.
///
/// The database is opened with `locking_mode = EXCLUSIVE`, which needs no shared memory, and with a rollback journal in place of a
/// write-ahead log (https://www.sqlite.org/wal.html#noshm). Pages are not written before a commit (`cache_spill = OFF`): a process that has
/// lost the lease takes its transaction back without writing to a file that is another one's by now.
///
/// A thread writes heartbeats and snapshots, and gives the catalog back when nothing was written for some seconds, so that a program that
/// stays open (`cellar serve`) keeps nobody from writing.
final class CatalogOwner: Sendable {
    struct Timing: Sendable {
        var lease = CatalogLease.Timing()
        /// The least time between two snapshots.
        var snapshot = Duration.seconds(3)

        /// The time from a snapshot to the next one. It grows with the time that one takes, during which nothing can be committed, but not
        /// so far that readers are ten seconds behind, unless that cannot be helped: then a fifth of the time goes into snapshots.
        func pause(after duration: Duration) -> Duration {
            duration > .seconds(5) ? duration * 4 : max(snapshot, min(duration * 4, .seconds(5) - duration / 2))
        }
        /// How long a catalog is kept after the last write.
        var idle = Duration.seconds(5)
    }

    let lease: CatalogLease
    let queue: DatabaseQueue
    private let directory: CatalogDirectory
    private let fileSystem: FileSystemKind
    private let timing: Timing
    private let state: Mutex<State>
    /// Held while the lease's file or a snapshot is written, or the catalog is given back.
    private let care = Mutex<Care>(Care())

    private struct State {
        var users = 0
        var holds = 0
        /// Whether the snapshot lacks something.
        var isDirty: Bool
        var isEnded = false
        var lastUse = ContinuousClock.now
    }

    private struct Care {
        var nextBeat = ContinuousClock.now
        var nextSnapshot = ContinuousClock.now
        var count = 0
    }

    /// Takes the lease, opens the database, and brings back the last commit where its last owner was killed.
    ///
    /// - Throws: ``CatalogError`` where another process owns it; errors of SQLite.
    init(_ directory: CatalogDirectory, _ fileSystem: FileSystemKind, timing: Timing, notice: (String) -> Void) throws {
        (self.directory, self.fileSystem, self.timing) = (directory, fileSystem, timing)
        let mayBeOld = SnapshotFile(directory).mayBeOld(in: directory)
        lease = try CatalogLease.take(in: directory, timing: timing.lease, notice: notice)
        state = Mutex(State(isDirty: mayBeOld))
        do {
            try lease.confirm()
            queue = try Self.open(directory, lease)
        } catch {
            lease.release()
            throw error
        }
        SnapshotFile(directory).removeUnfinished()
        CatalogLease.removeUnfinished(in: directory)
        Thread { [self] in
            while tick() { CatalogLease.sleep(timing.lease.pause) }
        }.start()
    }

    private static func open(_ directory: CatalogDirectory, _ lease: CatalogLease) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "catalog"
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // Before anything is read: a log that is there is then read without shared memory, and done away with.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            try db.execute(sql: "PRAGMA journal_mode = DELETE")
            try db.execute(sql: "PRAGMA synchronous = EXTRA")
            try db.execute(sql: "PRAGMA cache_spill = OFF")
            // The lock is taken by the first transaction, and kept.
            try db.execute(sql: "BEGIN EXCLUSIVE")
            try db.execute(sql: "COMMIT")
        }
        // Without locks of the file system the lease alone has to do.
        let path = lease.hasKernelLocks ? directory.database : SQLiteFile.uri(directory.database, "vfs=unix-none")
        do {
            return try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            throw CatalogError(
                .locked,
                "the file system still holds a lock on \(directory.database) for another process; end that, and where its host has died, "
                    + "wait until the file server forgets it")
        }
    }

    // MARK: Use

    /// Begins a use of the connection, which ``leave(hasWritten:)`` ends; false where the catalog was given back.
    func enter() -> Bool {
        state.withLock { state in
            guard !state.isEnded else { return false }
            state.users += 1
            return true
        }
    }

    func leave(hasWritten: Bool) {
        state.withLock { state in
            state.users -= 1
            if hasWritten { (state.isDirty, state.lastUse) = (true, .now) }
        }
    }

    /// Keeps the catalog until ``unhold()``, also where nothing is written; false where it was given back.
    func hold() -> Bool {
        let isHeld = state.withLock { state in
            guard !state.isEnded else { return false }
            state.holds += 1
            return true
        }
        if isHeld { care.withLock { beat(&$0) } }
        return isHeld
    }

    func unhold() {
        state.withLock { ($0.holds, $0.lastUse) = ($0.holds - 1, .now) }
        care.withLock { if !isEnded { beat(&$0) } }
    }

    /// Whether a run holds it.
    var isHeld: Bool { state.withLock { $0.holds > 0 && !$0.isEnded } }

    private var isEnded: Bool { state.withLock(\.isEnded) }

    // MARK: Care

    /// - Returns: whether there is more to come.
    private func tick() -> Bool {
        let isIdle = state.withLock { state in
            state.users == 0 && state.holds == 0 && ContinuousClock.now - state.lastUse > timing.idle
        }
        if isIdle { end() }
        return care.withLock { care in
            guard !isEnded else { return false }
            if ContinuousClock.now >= care.nextBeat { beat(&care) }
            // A disk that is full now may have room later: the snapshot is tried again, and readers are told how old the last one is.
            if ContinuousClock.now >= care.nextSnapshot { try? publish(&care) }
            return true
        }
    }

    private func beat(_ care: inout Care) {
        let (isDirty, isHeld) = state.withLock { ($0.isDirty, $0.holds > 0) }
        try? lease.beat(isSnapshotCurrent: !isDirty, isRunning: isHeld)
        care.nextBeat = .now + timing.lease.beat
    }

    /// Writes a snapshot where something was committed since the last one.
    ///
    /// - Throws: ``CatalogError`` where it cannot be written.
    func publishSnapshot() throws { try care.withLock { try publish(&$0) } }

    private func publish(_ care: inout Care) throws {
        let isNeeded = state.withLock { state in
            defer { state.isDirty = false }
            return state.isDirty
        }
        guard isNeeded else { return }
        let begin = ContinuousClock.now
        defer { care.nextSnapshot = .now + timing.pause(after: ContinuousClock.now - begin) }
        do {
            // Old states stay for a while where a server does away with files that others have open.
            care.count += 1
            try SnapshotFile(directory).write(
                of: queue, keepingEarlier: fileSystem.forgetsOpenFiles ? care.count % 2 : nil, confirm: lease.confirm)
            beat(&care)
        } catch {
            state.withLock { $0.isDirty = true }
            throw error
        }
    }

    /// Removes the journal, which SQLite leaves behind in exclusive mode, with a header of zeros. One with a header is needed.
    private func removeJournal() {
        let path = "\(directory.database)-journal"
        if let bytes = CatalogLease.read(path), bytes.prefix(8).allSatisfy({ $0 == 0 }) { unlink(path) }
    }

    /// Writes the last snapshot, closes the database, and gives the lease back. Waits for nobody: uses must have ended.
    func end() {
        care.withLock { care in
            let isNow = state.withLock { state in
                guard !state.isEnded, state.users == 0 else { return false }
                state.isEnded = true
                return true
            }
            guard isNow else { return }
            // A lease without its snapshot stays: the next process finds that this one has ended, and makes the snapshot.
            let isPublished = !lease.isLost && (try? publish(&care)) != nil
            if isPublished { removeJournal() }
            try? queue.close()
            if isPublished { lease.release() }
        }
    }
}

extension CatalogLease {
    /// Whether the file system has locks, which SQLite asks for beside the lease (fcntl(2)).
    var hasKernelLocks: Bool {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var lock = flock()
        (lock.l_type, lock.l_whence) = (Int16(F_WRLCK), Int16(SEEK_SET))
        return fcntl(descriptor, F_SETLK, &lock) == 0 || !FileLock.isMissing(SystemError.last)
    }
}

extension FileSystemKind {
    /// Whether a file that is replaced may be gone for those of other hosts that have it open.
    fileprivate var forgetsOpenFiles: Bool { name == "NFS" }
}
