internal import CHDF5
import Foundation
import Glibc

/// The one door to libhdf5: every call goes through it, keeps quiet on stderr, and fails with HDF5's innermost message.
package enum HDF5Library {
    // At exit the library would close what other threads still hold, in a loop that gives up with a message. Whoever
    // writes closes by himself; what is left open was only read.
    private static let isSetUp: Bool = H5dont_atexit() >= 0

    // Beside the lock that a thread-safe build has itself: a process must not be copied (``isolated(_:path:body:)``) while
    // another thread is in the library. Recursive, because the visitors of links and attributes call in again.
    private static let lock = NSRecursiveLock()

    // Set in a copy of the process, which has one thread, and in which the lock is held by a thread of the original.
    nonisolated(unsafe) static var isCopy = false

    static func enter() {
        if !isCopy { lock.lock() }
    }

    static func leave() {
        if !isCopy { lock.unlock() }
    }

    /// The version of libhdf5 at work: `1.10.8`.
    package static var version: String {
        var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
        attempt { H5get_libversion(&major, &minor, &release) }
        return "\(major).\(minor).\(release)"
    }

    /// Makes calls whose last one returns a negative number where it fails.
    ///
    /// - Throws: ``HDF5Error`` with the reason, where the result is negative.
    @discardableResult
    static func call<Status: SignedInteger>(
        _ action: @autoclosure () -> String, path: String, _ body: () -> Status
    ) throws(HDF5Error) -> Status {
        enter()
        defer { leave() }
        silence()
        let status = body()
        guard status >= 0 else { throw failure(action(), path: path) }
        return status
    }

    /// Makes calls whose failure does not matter.
    static func attempt(_ body: () -> Void) {
        enter()
        defer { leave() }
        silence()
        body()
    }

    /// Makes a call that returns an identifier, and owns it.
    static func open(
        _ action: @autoclosure () -> String, path: String, _ body: () -> hid_t
    ) throws(HDF5Error) -> HDF5Handle {
        HDF5Handle(try call(action(), path: path, body))
    }

    // The default of printing each failure is a property of each thread's error stack.
    private static func silence() {
        _ = isSetUp
        H5Eset_auto2(chdf5_error_default(), nil, nil)
    }

    /// What an entry of an error stack says.
    private struct Complaint {
        let text: String
        let isOfMemory: Bool
    }

    /// The innermost entry of this thread's error stack is where the trouble began; in which of them the system's error stands, if
    /// there is one, is HDF5's affair.
    private static func failure(_ action: String, path: String) -> HDF5Error {
        var complaints: [Complaint] = []
        withUnsafeMutablePointer(to: &complaints) { pointer in
            _ = H5Ewalk2(
                chdf5_error_default(), H5E_WALK_UPWARD,
                { _, entry, context in
                    guard let entry, let text = entry.pointee.desc else { return 0 }
                    let complaint = Complaint(text: String(cString: text), isOfMemory: chdf5_is_out_of_memory(entry) != 0)
                    context?.assumingMemoryBound(to: [Complaint].self).pointee.append(complaint)
                    return 0
                }, pointer)
        }
        // Where the system refused, HDF5 says "...: time = ..., errno = 28, error message = 'No space left on device', ...".
        var number = complaints.lazy.compactMap { $0.text.firstMatch(of: #/errno = (\d+)/#).flatMap { Int32($0.1) } }.first
        if number == nil, complaints.contains(where: \.isOfMemory) { number = ENOMEM }
        guard let number else {
            return HDF5Error(action, reason: complaints.first?.text ?? "no reason given", path: path)
        }
        return HDF5Error(action, reason: String(cString: strerror(number)), systemError: number, path: path)
    }
}

/// Owns an identifier of HDF5 and lets it go at the end.
final class HDF5Handle: Sendable {
    let id: hid_t

    init(_ id: hid_t) { self.id = id }

    deinit {
        // An object of a file that was closed with everything in it is gone already. Identifiers are never used
        // twice, so that letting go again only fails.
        HDF5Library.attempt { H5Idec_ref(id) }
    }
}
