import Testing

@testable import Catalog

@Suite("The kind of a file system") struct FileSystemKindTests {
    private static let mounts = """
        sysfs /sys sysfs rw,nosuid 0 0
        /dev/nvme0n1p2 / ext4 rw,relatime 0 0
        tmpfs /run tmpfs rw,nosuid,nodev,size=3284992k,mode=755 0 0
        server:/export/home /home nfs4 rw,relatime,vers=4.2,rsize=1048576,hard,proto=tcp 0 0
        /dev/sdb1 /home/anna/local\\040disk xfs rw,relatime 0 0
        user@cluster:/data /home/anna/cluster fuse.sshfs rw,nosuid,nodev,user_id=1000 0 0
        /dev/nvme0n1p2 /home/anna/scratch ext4 rw,relatime 0 0
        10.0.0.5@tcp:/fs /lustre lustre rw,flock 0 0
        //nas/share /mnt/tab\\011and\\134slash cifs rw 0 0
        /dev/sdc1 /data ext4 rw 0 0
        nas:/tank /data nfs rw,vers=3 0 0
        """

    @Test(
        "is that of the deepest mount above a path, and the last of several on one point",
        arguments: [
            ("/var/lib/cellar", nil),
            ("/home/anna/project/.cellar", "nfs4"),
            ("/home", "nfs4"),
            ("/homework/.cellar", nil),
            ("/home/anna/local disk/.cellar", nil),
            ("/home/anna/local", "nfs4"),
            ("/home/anna/cluster/.cellar", "fuse.sshfs"),
            // A bind mount of a local folder inside a network file system.
            ("/home/anna/scratch/x/.cellar", nil),
            ("/lustre/project/.cellar", "lustre"),
            ("/mnt/tab\tand\\slash/.cellar", "cifs"),
            ("/data/.cellar", "nfs"),
        ] as [(String, String?)])
    func kinds(path: String, network: String?) {
        let expected = network.map { FileSystemKind.network(type: $0) } ?? .local
        #expect(FileSystemKind(ofPath: path, mounts: Self.mounts) == expected)
    }

    @Test("is local where the system does not say, or says what is not understood", arguments: ["", "\n\n", "nonsense", "a b"])
    func unknown(mounts: String) {
        #expect(FileSystemKind(ofPath: "/home/x", mounts: mounts) == .local)
    }
}
