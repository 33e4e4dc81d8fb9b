import Basics
import Foundation

/// The kind of file system under a path, as far as a database cares: SQLite's write-ahead log needs shared memory and
/// locks that network file systems do not give (https://www.sqlite.org/wal.html, "All processes using a database must
/// be on the same host computer").
enum FileSystemKind: Equatable {
    case local
    case network(type: String)

    /// Types of proc(5)'s mounts that are shared between hosts.
    private static let networkTypes: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "ceph", "beegfs", "panfs", "ocfs2", "gfs2", "9p",
        "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.cvmfs2",
    ]

    /// The kind of the file system that holds a path; local where the system has no list of mounts.
    ///
    /// - Throws: ``CatalogError`` where there is a list and it cannot be read.
    init(ofPath path: String) throws(CatalogError) {
        let list = "/proc/self/mounts"
        var mounts = ""
        if access(list, F_OK) == 0 || errno != ENOENT {
            do { mounts = try String(contentsOfFile: list, encoding: .utf8) } catch {
                throw CatalogError(
                    .storage, "\(list), which says whether \(path) lies on a network file system, cannot be read; try again")
            }
        }
        self.init(ofPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path, mounts: mounts)
    }

    /// - Parameter mounts: the text of `/proc/self/mounts`: device, mount point, type and options on each line.
    init(ofPath path: String, mounts: String) {
        var (length, type) = (-1, "")
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 3 else { continue }
            let point = Self.decodingOctals(in: fields[1])
            let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
            // The last of several mounts on one point is the one that is seen.
            if isAbove, point.count >= length { (length, type) = (point.count, String(fields[2])) }
        }
        self = Self.networkTypes.contains(type) ? .network(type: type) : .local
    }

    /// Blanks, tabs, line ends and backslashes in a mount point are written as a backslash and three octal digits.
    private static func decodingOctals(in field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
