import Basics
import Foundation
import Glibc

/// A folder that appears under its name only when it is complete.
///
/// It is written under a temporary name in the same folder. ``commit()`` gives it its name. A folder that is to be replaced changes
/// places with the new one in one step where the file system can do that (`renameat2` with `RENAME_EXCHANGE`), and is then removed;
/// elsewhere it is moved aside first. So after a crash, the old or the new one is there in full, under its name or a temporary one.
///
/// A folder that is never committed is removed when the last reference to it is released. One that a killed process left is removed by
/// the next one that writes beside it: a lock (flock(2)), which the kernel releases, says that its writer still lives.
final class AtomicFolder {
    /// The path that the folder gets in ``commit()``.
    var path: String { output.path }
    private let output: OutputFolder
    private let temporaryPath: String
    private let lock: CInt
    private var isCommitted = false

    /// How often a new name is tried where another process removes the folder before it is locked.
    private static let tries = 8
    private static let (prefix, suffix) = (".cellar-folder-", ".tmp")

    /// Creates the temporary folder.
    ///
    /// - Throws: ``VolumeError``, `.unwritable`, where the folder above does not exist or may not be written.
    init(_ output: OutputFolder) throws(VolumeError) {
        self.output = output
        let parent = FilePath.folder(of: output.path)
        Self.removeAbandoned(in: parent.isEmpty ? "." : parent)
        for _ in 0..<Self.tries {
            let path = "\(parent)\(Self.prefix)\(UInt64.random(in: .min ... .max))\(Self.suffix)"
            guard mkdir(path, 0o777) == 0 else { throw .cannotWrite(output.path, .last) }
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if descriptor >= 0 {
                // A file system without locks refuses with another number: nobody removes the folder there.
                if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, FileStatus.isFolder(path) {
                    (temporaryPath, lock) = (path, descriptor)
                    return
                }
                close(descriptor)
            }
        }
        throw VolumeError(
            .unwritable, "cannot be written, as its temporary folder is removed again and again; end the program that does so",
            path: output.path)
    }

    deinit {
        if !isCommitted { Self.remove(temporaryPath) }
        close(lock)
    }

    /// Writes a file into the folder; folders in its key are made.
    ///
    /// - Throws: ``VolumeError``, `.unwritable`.
    func write(_ bytes: [UInt8], to key: String) throws(VolumeError) {
        do throws(VolumeError) {
            let path = "\(temporaryPath)/\(key)"
            try NewFolder.make(String(FilePath.folder(of: path).dropLast()))
            try OutputFile(path, replacing: false, protecting: .none).write(bytes)
        } catch {
            throw VolumeError(error.code, error.message, path: path)
        }
    }

    /// Synchronises the folders to the disk and gives the new one its name. The files are synchronised as they are written.
    ///
    /// - Throws: ``VolumeError``: `.unwritable` where the disk fails, `.alreadyExists` where something else has taken the name
    ///   meanwhile. What was there stays then.
    func commit() throws(VolumeError) {
        guard !isCommitted else { return }
        try synchronizeFolders()
        try appear()
        isCommitted = true
        let parent = FilePath.folder(of: path)
        do throws(VolumeError) { try synchronize(parent.isEmpty ? "." : parent) } catch {
            throw VolumeError(
                .unwritable,
                "was written, but may be lost if the machine stops now, as its folder \(error.message); write it again",
                path: path)
        }
        if output.replaced != nil { Self.remove(temporaryPath) }
    }

    private func appear() throws(VolumeError) {
        let status = try? FileStatus(of: path, followingLinks: false)
        guard let replaced = output.replaced else {
            if Rename.withoutReplacing(temporaryPath, path) { return }
            let reason = SystemError.last
            guard reason.number != EEXIST, status == nil else { throw .alreadyExists(path) }
            // Not every file system can rename so. Without it, the check just before must suffice.
            guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(reason.number), rename(temporaryPath, path) == 0 else {
                throw .cannotWrite(path, reason)
            }
            return
        }
        guard let status, status.identity == replaced else {
            throw VolumeError(
                .alreadyExists, "was not written: what it should replace changed meanwhile; look at it, and try again", path: path
            )
        }
        if Rename.exchanging(temporaryPath, path) { return }
        let aside = "\(temporaryPath.dropLast(Self.suffix.count)).old"
        guard rename(path, aside) == 0 else { throw .cannotWrite(path, .last) }
        guard rename(temporaryPath, path) == 0 else {
            let reason = SystemError.last
            rename(aside, path)
            throw .cannotWrite(path, reason)
        }
        Self.remove(aside)
    }

    private func synchronizeFolders() throws(VolumeError) {
        try synchronize(temporaryPath)
        for case let name as String in FileManager.default.enumerator(atPath: temporaryPath) ?? .init() {
            let path = "\(temporaryPath)/\(name)"
            if FileStatus.isFolder(path) { try synchronize(path) }
        }
    }

    /// Calls fsync on a folder. One that may be written but not read cannot be opened, and one on some file systems not synchronised.
    private func synchronize(_ folder: String) throws(VolumeError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = SystemError.last
            guard reason.number == EACCES else { throw .cannotWrite(path, reason) }
            return
        }
        defer { close(descriptor) }
        do throws(SystemError) { try SystemCall.uninterrupted { fsync(descriptor) } } catch {
            guard error.number == EINVAL else { throw .cannotWrite(path, error) }
        }
    }

    /// Removes the temporary folders whose writers have ended.
    private static func removeAbandoned(in folder: String) {
        var names: [String] = []
        try? FilePath.forEachEntry(ofFolder: folder) { name, kind in
            if name.hasPrefix(prefix), name.hasSuffix(suffix), kind == .folder { names.append(name) }
        }
        for name in names {
            let path = "\(folder)/\(name)"
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { remove(path) }
            close(descriptor)
        }
    }

    /// Removes a folder with its files, or a link; what cannot be removed stays.
    private static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}

/// `renameat2`, which Glibc has since 2.28, and which Swift does not import.
private enum Rename {
    private typealias Function = @convention(c) (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt
    private static let function = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: Function.self) }

    /// Gives a file or folder a name that nothing has yet. False where it fails; `errno` says why.
    static func withoutReplacing(_ old: String, _ new: String) -> Bool { call(old, new, flags: 1) }

    /// Exchanges the names of two files or folders. False where it fails; `errno` says why.
    static func exchanging(_ first: String, _ second: String) -> Bool { call(first, second, flags: 2) }

    private static func call(_ old: String, _ new: String, flags: CUnsignedInt) -> Bool {
        guard let function else {
            errno = ENOSYS
            return false
        }
        return function(AT_FDCWD, old, AT_FDCWD, new, flags) == 0
    }
}
