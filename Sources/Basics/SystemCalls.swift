import Glibc

/// The error of a system call: its number (`errno`), and the system's words for it.
///
/// Targets turn it into an error of their own kind, whose sentence says what was tried and what to do.
package struct SystemError: Error, Hashable, Sendable {
    /// The number: `ENOENT`, `EACCES`, …
    package let number: CInt

    package init(_ number: CInt) { self.number = number }

    /// The error of the call that failed last on this thread. To be read before another call.
    package static var last: SystemError { SystemError(errno) }

    /// The system's words: `No such file or directory`.
    package var reason: String { String(cString: strerror(number)) }

    /// Whether nothing is at the path. With any other number the system cannot say what is there.
    package var isAbsence: Bool { number == ENOENT || number == ENOTDIR }
}

/// System calls that a signal may interrupt.
package enum SystemCall {
    /// Calls a function again for as long as a signal interrupts it (`EINTR`).
    ///
    /// ```swift
    /// let count = try SystemCall.uninterrupted { pread(descriptor, base, size, offset) }
    /// ```
    ///
    /// - Parameter call: returns a negative number, and sets `errno`, where it fails.
    /// - Returns: what the call returned: zero or more.
    /// - Throws: ``SystemError`` where it fails for any other reason than a signal.
    @discardableResult
    package static func uninterrupted<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            guard errno == EINTR else { throw .last }
        }
    }
}

/// An advisory lock on a file (flock(2)), which one process or object at a time holds.
///
/// The kernel releases it when its owner ends, also when that is killed, so that there is never a stale lock to break. The file is
/// never removed, since another process may be waiting for its lock.
package final class FileLock: Sendable {
    package enum Failure: Error, Hashable, Sendable {
        /// The file cannot be made or opened.
        case cannotOpen(SystemError)
        /// Another one held the lock at every try.
        case held
        /// The file system refuses locks.
        case cannotLock(SystemError)
    }

    private let descriptor: CInt

    /// Takes the lock, and holds it as long as this object lives. The file is made where there is none.
    ///
    /// - Parameters:
    ///   - tries: how often it is tried.
    ///   - pauseInMicroseconds: the pause between two tries.
    /// - Throws: ``Failure`` where the lock is not taken.
    package init(_ path: String, tries: Int, pauseInMicroseconds: UInt32) throws(Failure) {
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else { throw .cannotOpen(.last) }
        var tried = 1
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let error = SystemError.last
            let isTaken = error.number == EWOULDBLOCK
            guard isTaken || error.number == EINTR, tried < tries else {
                close(descriptor)
                throw isTaken ? .held : .cannotLock(error)
            }
            tried += 1
            usleep(pauseInMicroseconds)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether an error says that the file system has no locks: some network file systems, as they are often mounted.
    package static func isMissing(_ error: SystemError) -> Bool {
        [ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL].contains(error.number)
    }

    /// Whether the lock on a file is held now; false where there is no such file. To find out, it takes the lock for an instant.
    package static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && !isMissing(.last)
    }
}
