import CKernels
import Glibc

/// The kind of the file system that holds a path: its name, and whether several hosts share it.
///
/// The kernel says it twice: by the mounts (`/proc/self/mountinfo`), which have names, and by a number (statfs(2)), which is right also
/// where a container hides mounts. What either of them calls shared is shared.
///
/// The environment variable `CELLAR_FILE_SYSTEM` names the kind of all file systems instead, as mounts are named (`nfs4`, `lustre`):
/// for tests, and for the file server itself, on whose own disk others see a network file system.
package struct FileSystemKind: Hashable, Sendable {
    /// The type as mounts are named: `nfs4`, `fuse.sshfs`, `ext4`; empty where the system does not say.
    package let type: String

    package init(type: String) { self.type = type }

    /// The kind of the file system of a path, or of the nearest folder above it that exists.
    package init(ofPath path: String) {
        if let name = getenv("CELLAR_FILE_SYSTEM"), name.pointee != 0 {
            self.init(type: String(cString: name))
            return
        }
        let place = Self.existing(path)
        let mounted = FileSystemKind(ofPath: place, mounts: Self.text(of: "/proc/self/mountinfo"))
        guard let numbered = UInt32(exactly: ck_file_system_number(place)).flatMap({ Self.types[$0] }) else {
            self = mounted
            return
        }
        let named = FileSystemKind(type: numbered)
        // All of FUSE has one number, and names that say more.
        let saysLess = named.type == "fuse" && mounted.type.hasPrefix("fuse")
        self = mounted.type.isEmpty || named.isShared && !mounted.isShared && !saysLess ? named : mounted
    }

    /// - Parameters:
    ///   - path: absolute, without symbolic links.
    ///   - mounts: the text of `/proc/self/mountinfo` (proc(5)).
    package init(ofPath path: String, mounts: String) {
        var (length, type) = (-1, "")
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 1 else { continue }
            let point = Self.decodingOctals(in: fields[4])
            let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
            // Of several mounts on one point, the last one hides the others.
            if isAbove, point.utf8.count >= length { (length, type) = (point.utf8.count, String(fields[dash + 1])) }
        }
        self.init(type: type)
    }

    /// Whether hosts share it, or a host and its virtual machines: shared memory, locks and caches are not those of one kernel then.
    ///
    /// A FUSE file system that is not known counts as shared: most are.
    package var isShared: Bool {
        if Self.sharedNames[type] != nil { return true }
        return type == "fuse" || type.hasPrefix("fuse.") && !Self.localFUSE.contains(type)
    }

    /// Whether it is gone when the machine stops.
    package var isMemory: Bool { type == "tmpfs" || type == "ramfs" }

    /// The name as people say it: `NFS`, `Lustre`, `FUSE (sshfs)`, `ext4`.
    package var name: String {
        if let name = Self.sharedNames[type] { return name }
        if type.hasPrefix("fuse.") { return "FUSE (\(type.dropFirst(5)))" }
        return type.isEmpty ? "unknown" : type == "fuse" ? "FUSE" : type
    }

    private static let sharedNames = [
        "nfs": "NFS", "nfs4": "NFS", "cifs": "CIFS/SMB", "smb3": "CIFS/SMB", "smbfs": "CIFS/SMB", "lustre": "Lustre",
        "gpfs": "GPFS",
        "beegfs": "BeeGFS", "fhgfs": "BeeGFS", "ceph": "CephFS", "wekafs": "WekaFS", "9p": "9p", "virtiofs": "virtiofs",
        "afs": "AFS",
        "panfs": "PanFS", "ocfs2": "OCFS2", "gfs2": "GFS2", "pvfs2": "OrangeFS", "vboxsf": "VirtualBox folder",
        "fuse.ceph": "CephFS",
        "fuse.ceph-fuse": "CephFS", "prl_fs": "Parallels folder", "vmhgfs": "VMware folder", "fuse.vmhgfs-fuse": "VMware folder",
    ]

    /// File systems of FUSE whose files lie on this machine.
    private static let localFUSE: Set<String> = [
        "fuse.gocryptfs", "fuse.encfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.squashfuse",
    ]

    /// The numbers of statfs(2) (linux/magic.h; those of GPFS, Lustre, BeeGFS and PanFS as coreutils' `stat -f` knows them).
    private static let types: [UInt32: String] = [
        0x6969: "nfs", 0xFF53_4D42: "cifs", 0xFE53_4D42: "smb3", 0x517B: "smbfs", 0x0BD0_0BD0: "lustre", 0x4750_4653: "gpfs",
        0x1983_0326: "beegfs", 0x00C3_6400: "ceph", 0x0102_1997: "9p", 0x5346_414F: "afs", 0xAAD7_AAEA: "panfs",
        0x7461_636F: "ocfs2", 0x0116_1970: "gfs2", 0x2003_0528: "pvfs2", 0x786F_4256: "vboxsf", 0x6573_5546: "fuse",
        0x794C_7630: "overlay", 0x0102_1994: "tmpfs", 0x8584_58F6: "ramfs", 0xEF53: "ext4", 0x5846_5342: "xfs",
        0x9123_683E: "btrfs", 0x2FC1_2FC1: "zfs", 0xF2F5_2010: "f2fs",
    ]

    /// The path without symbolic links of a file or folder, or of the nearest folder above it that exists.
    private static func existing(_ path: String) -> String {
        var place = path
        while true {
            if let resolved = try? FilePath.resolved(place) { return resolved }
            guard let slash = place.lastIndex(of: "/"), slash != place.startIndex else { return place.hasPrefix("/") ? "/" : "." }
            place = String(place[..<slash])
        }
    }

    /// The text of a file of the kernel; empty where it cannot be read: then statfs(2) alone says the kind.
    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while let count = try? SystemCall.uninterrupted({ read(descriptor, &block, block.count) }), count > 0 {
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes a mount point, in which blanks, tabs, line ends and backslashes are written as a backslash and three octal digits.
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
