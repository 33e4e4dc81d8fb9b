import Basics
import Foundation
import TestSupport
import Testing

@Suite("What is at a path")
struct FileStatusTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("file", Array("abc".utf8))
        try directory.write("folder/inside", [])
        let files = FileManager.default
        try files.createSymbolicLink(atPath: directory.file("link"), withDestinationPath: "file")
        try files.createSymbolicLink(atPath: directory.file("dangling"), withDestinationPath: "nothing")
        try files.linkItem(atPath: directory.file("file"), toPath: directory.file("hard"))
    }

    @Test("its kind, size, identity and permissions")
    func status() throws {
        let file = try FileStatus(of: directory.file("file"))
        #expect(file.isFile && !file.isFolder && !file.isSymbolicLink)
        #expect(file.byteCount == 3)
        #expect(file.linkCount == 2)
        #expect(chmod(directory.file("file"), 0o640) == 0)
        #expect(try FileStatus(of: directory.file("file")).permissions == 0o640)
        #expect(try FileStatus(of: directory.file("hard")).identity == file.identity)
        #expect(try FileStatus(of: directory.file("link")).identity == file.identity)
        let link = try FileStatus(of: directory.file("link"), followingLinks: false)
        #expect(link.isSymbolicLink && link.identity != file.identity)
        #expect(try FileStatus(of: directory.file("folder")).isFolder)
        #expect(try FileStatus(of: "/dev/null").kind == .other)
        #expect(FileStatus.isFolder(directory.file("folder")) && !FileStatus.isFolder(directory.file("file")))
        #expect(!FileStatus.isFolder(directory.file("nothing")))
    }

    @Test("the time of its last change, and the time since then")
    func times() throws {
        var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 5), timespec(tv_sec: 1_000_000_000, tv_nsec: 5)]
        #expect(utimensat(AT_FDCWD, directory.file("file"), &times, 0) == 0)
        let past = try FileStatus(of: directory.file("file"))
        #expect(past.modified == (1_000_000_000, 5))
        #expect(past.age > .seconds(700_000_000))
        times = [timespec(tv_sec: 40_000_000_000, tv_nsec: 0), timespec(tv_sec: 40_000_000_000, tv_nsec: 0)]
        if utimensat(AT_FDCWD, directory.file("file"), &times, 0) == 0 {
            #expect(try FileStatus(of: directory.file("file")).age == .zero)
        }
    }

    @Test("of an open file")
    func open() throws {
        let descriptor = Foundation.open(directory.file("file"), O_RDONLY)
        defer { close(descriptor) }
        #expect(try FileStatus(ofDescriptor: descriptor).byteCount == 3)
        #expect(throws: SystemError(EBADF)) { try FileStatus(ofDescriptor: -1) }
    }

    @Test("nothing is told from what the system refuses")
    func absence() throws {
        for name in ["nothing", "dangling", "file/below"] {
            let error = #expect(throws: SystemError.self) { try FileStatus(of: directory.file(name)) }
            #expect(error?.isAbsence == true, "\(name)")
            #expect(!FilePath.exists(directory.file(name)), "\(name)")
        }
        let long = directory.file(String(repeating: "a", count: 5000))
        let error = #expect(throws: SystemError.self) { try FileStatus(of: long) }
        #expect(error == SystemError(ENAMETOOLONG))
        #expect(error?.isAbsence == false)
        #expect(FilePath.exists(long))
        #expect(FilePath.exists(directory.file("link")) && FilePath.exists(directory.file("folder")))
        #expect(SystemError(ENOENT).reason == "No such file or directory")
    }

    @Test("its path without links, and the path of its folder")
    func paths() throws {
        let target = try FilePath.resolved(directory.file("file"))
        #expect(try FilePath.resolved(directory.file("folder/../link")) == target)
        #expect(throws: SystemError(ENOENT)) { try FilePath.resolved(directory.file("dangling")) }
        #expect(FilePath.folder(of: "a/b/c.mrc") == "a/b/")
        #expect(FilePath.folder(of: "/c.mrc") == "/")
        #expect(FilePath.folder(of: "c.mrc") == "")
    }

    @Test("the names in a folder, with their kinds where the file system says them")
    func entries() throws {
        var found: [String: FileStatus.Kind?] = [:]
        try FilePath.forEachEntry(ofFolder: directory.path) { found[$0] = $1 }
        #expect(found.keys.sorted() == ["dangling", "file", "folder", "hard", "link"])
        for (name, kind) in found where kind != nil {
            #expect(try FileStatus(of: directory.file(name), followingLinks: false).kind == kind, "\(name)")
        }
        #expect(throws: SystemError(ENOTDIR)) { try FilePath.forEachEntry(ofFolder: directory.file("file")) { _, _ in } }
        #expect(throws: SystemError(ENOENT)) { try FilePath.forEachEntry(ofFolder: directory.file("no")) { _, _ in } }
    }

    @Test("a call that a signal interrupts is repeated, and other failures are thrown")
    func interruptions() throws {
        var results = [-1, -1, 7]
        let result = try SystemCall.uninterrupted {
            errno = EINTR
            return results.removeFirst()
        }
        #expect(result == 7 && results.isEmpty)
        #expect(throws: SystemError(EIO)) {
            try SystemCall.uninterrupted {
                errno = EIO
                return -1
            }
        }
    }
}
