import Foundation
import Glibc

/// A small file system in memory, for those who may mount one: a disk that tests can fill.
public final class SmallDisk: Sendable {
    public let path: String
    private let directory: TemporaryDirectory

    /// Whether this process may mount.
    public static let isPermitted = (try? SmallDisk(megabytes: 1)) != nil

    /// - Throws: where mounting is not permitted.
    public init(megabytes: Int) throws {
        directory = try TemporaryDirectory()
        path = directory.path
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else { throw CocoaError(.fileWriteNoPermission) }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    /// Lets nobody write to it any more.
    public func makeReadOnly() throws {
        // Programs that other tests start just now may have inherited a file of this disk, and keep it busy until they run.
        for _ in 0..<1000 {
            if mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 { return }
            guard errno == EBUSY else { break }
            usleep(10_000)
        }
        throw CocoaError(.fileWriteNoPermission)
    }

    /// Leaves so many bytes free, rounded down to pages, or all that there are.
    public func fill(leaving free: Int) throws {
        let path = "\(path)/ballast"
        // A program that another test starts just now may have inherited the file, which would keep the room of an unlinked one.
        truncate(path, 0)
        unlink(path)
        var status = statvfs()
        guard statvfs(self.path, &status) == 0 else { throw CocoaError(.fileReadUnknown) }
        let available = Int(status.f_bavail) * Int(status.f_frsize)
        try Data(count: max(0, available - free)).write(to: URL(fileURLWithPath: path))
    }
}
