import Basics
import Foundation
import GRDB

/// The snapshot of a catalog on a shared file system: a whole database of one committed state, which is replaced and never changed, so
/// that everybody may read it without locks (`immutable`).
struct SnapshotFile {
    let path: String

    init(_ directory: CatalogDirectory) { path = directory.snapshot }

    /// Which snapshot it is: another one after each replacement.
    struct Identity: Hashable, Sendable {
        let file: FileStatus.Identity
        let seconds: Int
        let nanoseconds: Int
    }

    /// The snapshot that is there now, and the time since it was written; nil where there is none. It is opened for that: NFS asks the
    /// server then.
    func current() -> (identity: Identity, age: Duration)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let status = try? FileStatus(ofDescriptor: descriptor) else { return nil }
        let (seconds, nanoseconds) = status.modified
        return (Identity(file: status.identity, seconds: seconds, nanoseconds: nanoseconds), status.age)
    }

    /// Whether it may lack what was committed: it is not there, a local process wrote a log, or an owner has not given the catalog back.
    func mayBeOld(in directory: CatalogDirectory) -> Bool {
        access("\(directory.database)-wal", F_OK) == 0 || access(directory.lease, F_OK) == 0 || current() == nil
    }

    /// Removes it and the earlier ones.
    func remove() { for name in [path, earlier(0), earlier(1)] { unlink(name) } }

    private func earlier(_ number: Int) -> String { "\(path).earlier-\(number)" }

    /// The name by which SQLite opens it.
    var uri: String { SQLiteFile.uri(path, "immutable=1") }

    /// Writes a new snapshot: under another name, forced to the disk, renamed.
    ///
    /// - Parameters:
    ///   - number: the one under which the snapshot that is replaced stays; nil where it goes.
    ///   - confirm: called before the new one appears.
    /// - Throws: ``CatalogError`` where it cannot be written; then the old one stays.
    func write(of database: any DatabaseReader, keepingEarlier number: Int?, confirm: () throws -> Void) throws {
        let temporary = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { db in
                // Nobody else knows the file, and it is forced to the disk as a whole.
                try db.execute(sql: "PRAGMA journal_mode = OFF")
                try db.execute(sql: "PRAGMA synchronous = OFF")
            }
            let copy = try DatabaseQueue(path: SQLiteFile.uri(temporary, "vfs=unix-none"), configuration: configuration)
            try database.backup(to: copy)
            try copy.close()
            try sync(temporary)
            try confirm()
            if let number {
                unlink(earlier(number))
                link(path, earlier(number))
            }
            guard rename(temporary, path) == 0 else { throw SystemError.last }
            // The folder: not every file system can.
            try? sync(FilePath.folder(of: path))
        } catch {
            unlink(temporary)
            if let error = error as? CatalogError { throw error }
            let reason = (error as? SystemError)?.reason ?? "\(error)"
            throw CatalogError(
                .storage, "the snapshot \(path), which others read, could not be written: \(reason); check disk and permissions")
        }
    }

    /// Removes what a process left that was killed while it wrote. Only the owner may call this.
    func removeUnfinished() {
        let folder = FilePath.folder(of: path)
        let prefix = String(path.dropFirst(folder.count)) + "."
        try? FilePath.forEachEntry(ofFolder: folder) { name, _ in
            if name.hasPrefix(prefix), name.hasSuffix(".tmp") { unlink(folder + name) }
        }
    }

    private func sync(_ path: String) throws(SystemError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        try SystemCall.uninterrupted { fsync(descriptor) }
    }
}

/// How SQLite is told how to open a file (https://www.sqlite.org/uri.html).
enum SQLiteFile {
    static func uri(_ path: String, _ parameter: String) -> String {
        let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "/-._~"))
        return "file:\(path.addingPercentEncoding(withAllowedCharacters: plain) ?? path)?\(parameter)"
    }
}
