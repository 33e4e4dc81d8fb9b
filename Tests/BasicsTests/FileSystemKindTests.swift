import Testing

@testable import Basics

@Suite("The kind of a file system") struct FileSystemKindTests {
    private static let mounts = """
        22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
        23 22 0:21 / /run rw,nosuid,nodev shared:2 - tmpfs tmpfs rw,size=3284992k,mode=755
        40 22 0:50 / /home rw,relatime shared:3 master:7 - nfs4 server:/export/home rw,vers=4.2,rsize=1048576,hard,proto=tcp
        41 40 8:17 / /home/anna/local\\040disk rw,relatime - xfs /dev/sdb1 rw
        42 40 0:51 / /home/anna/cluster rw,nosuid,nodev - fuse.sshfs user@cluster:/data rw,user_id=1000
        43 40 259:2 /scratch /home/anna/scratch rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
        44 22 0:52 / /lustre rw - lustre 10.0.0.5@tcp:/fs rw,flock
        45 22 0:53 / /mnt/tab\\011and\\134slash rw - cifs //nas/share rw
        46 22 8:33 / /data rw - ext4 /dev/sdc1 rw
        47 22 0:54 / /data rw - nfs nas:/tank rw,vers=3
        """

    @Test(
        "is that of the deepest mount above a path, and the last of several on one point",
        arguments: [
            ("/var/lib/cellar", "ext4"),
            ("/home/anna/project/.cellar", "nfs4"),
            ("/home", "nfs4"),
            ("/homework/.cellar", "ext4"),
            ("/home/anna/local disk/.cellar", "xfs"),
            ("/home/anna/local", "nfs4"),
            ("/home/anna/cluster/.cellar", "fuse.sshfs"),
            // A bind mount of a local folder inside a network file system.
            ("/home/anna/scratch/x/.cellar", "ext4"),
            ("/lustre/project/.cellar", "lustre"),
            ("/mnt/tab\tand\\slash/.cellar", "cifs"),
            ("/data/.cellar", "nfs"),
            ("/run/x", "tmpfs"),
        ])
    func kinds(path: String, type: String) {
        #expect(FileSystemKind(ofPath: path, mounts: Self.mounts).type == type)
    }

    @Test(
        "knows those that hosts share by name, and takes a FUSE file system that it does not know for one",
        arguments: [
            ("nfs", "NFS"), ("nfs4", "NFS"), ("gpfs", "GPFS"), ("lustre", "Lustre"), ("beegfs", "BeeGFS"), ("ceph", "CephFS"),
            ("cifs", "CIFS/SMB"), ("smb3", "CIFS/SMB"), ("9p", "9p"), ("virtiofs", "virtiofs"), ("wekafs", "WekaFS"),
            ("fuse.sshfs", "FUSE (sshfs)"), ("fuse.whatever", "FUSE (whatever)"), ("fuse", "FUSE"),
        ])
    func shared(type: String, name: String) {
        let kind = FileSystemKind(type: type)
        #expect(kind.isShared && kind.name == name)
    }

    @Test(
        "knows those of one machine",
        arguments: ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.gocryptfs", "nfsd", ""])
    func local(type: String) { #expect(!FileSystemKind(type: type).isShared) }

    @Test(
        "is local where the system does not say, or says what is not understood", arguments: ["", "\n\n", "nonsense", "a b - c"])
    func unknown(mounts: String) { #expect(!FileSystemKind(ofPath: "/home/x", mounts: mounts).isShared) }

    @Test("of a path that is not there yet is that of the folder above it")
    func absent() {
        #expect(FileSystemKind(ofPath: "/proc/nothing/here/at/all").type == "proc")
        #expect(FileSystemKind(ofPath: "/dev/shm/nothing/here").isMemory)
    }
}
