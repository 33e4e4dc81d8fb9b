import Basics
import CatalogSchema
import Foundation
import GRDB

/// The right to run: one process at a time holds it.
///
/// The lock is an advisory lock on a file, which the kernel releases when its owner dies however it dies, so that there
/// is never a stale lock to break. A row beside it says who the owner is and when it last was alive.
public final class RunLock: Sendable {
    /// Those who only look whether a process runs hold the lock for an instant: it is tried for a while.
    private static let (tries, pauseInMicroseconds) = (10, UInt32(30_000))

    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: ``CatalogError`` with the owner's name, host, process and last heartbeat where another process holds it.
    public init(_ catalog: Catalog) throws {
        let path = catalog.directory.lock
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw CatalogError(.storage, "\(path) could not be opened: \(String(cString: strerror(errno)))")
        }
        var tries = 1
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard tries < Self.tries else {
                close(descriptor)
                throw CatalogError(.locked, Self.owner(in: catalog))
            }
            tries += 1
            usleep(Self.pauseInMicroseconds)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether a process runs in the catalog now.
    public static func isHeld(in catalog: Catalog) -> Bool {
        let descriptor = open(catalog.directory.lock, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    private static func owner(in catalog: Catalog) -> String {
        guard let owner = try? catalog.read({ try RunLockRecord.fetchOne($0) }) else {
            return "another process is just beginning to run in this catalog; wait for it to end"
        }
        let age = Timestamp.date(owner.heartbeatAt).map { Int(-$0.timeIntervalSinceNow.rounded()) } ?? 0
        return "\(owner.owner) runs in this catalog on \(owner.host) (process \(owner.pid), run \(owner.runId), "
            + "last heartbeat \(max(0, age)) s ago); wait for it to end"
    }
}
