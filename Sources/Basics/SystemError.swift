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
