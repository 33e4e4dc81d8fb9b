import Basics
import Glibc
import TestSupport
import Testing

@Suite("A lock on a file")
struct FileLockTests {
    @Test("has one owner at a time, and is free when the owner is gone")
    func exclusion() throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("lock")
        #expect(!FileLock.isHeld(file))
        var owner: FileLock? = try FileLock(file, tries: 1, pauseInMicroseconds: 0)
        #expect(owner != nil && FileLock.isHeld(file))
        #expect(throws: FileLock.Failure.held) { try FileLock(file, tries: 3, pauseInMicroseconds: 100) }
        owner = nil
        #expect(!FileLock.isHeld(file))
        _ = try FileLock(file, tries: 1, pauseInMicroseconds: 0)
        #expect(throws: FileLock.Failure.cannotOpen(SystemError(ENOENT))) {
            try FileLock(directory.file("none/lock"), tries: 1, pauseInMicroseconds: 0)
        }
    }
}
