import Basics
internal import CHDF5
import Foundation
import Glibc

/// All calls of libhdf5 go through this type: it holds a lock, turns off HDF5's messages on stderr, and throws errors
/// with HDF5's innermost message.
package enum HDF5Library {
    // At exit, the library would close objects that other threads still use, in a loop that gives up with a message.
    // Files that are written are closed explicitly; files left open at exit were only read.
    private static let isSetUp: Bool = H5dont_atexit() >= 0

    // A thread-safe build of HDF5 has a lock of its own. This one also prevents a copy of the process
    // (``isolated(_:path:body:)``) while another thread is inside the library. It is recursive because the visitors of
    // links and attributes call the library again.
    private static let lock = NSRecursiveLock()

    // True in a copy of the process. The copy has one thread, and in it the lock is still held by a thread of the original.
    nonisolated(unsafe) private static var isCopy = false

    private static func enter() {
        if !isCopy { lock.lock() }
    }

    private static func leave() {
        if !isCopy { lock.unlock() }
    }

    /// The version of libhdf5 in use: `1.10.8`.
    package static var version: String {
        var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
        ignoringFailure { H5get_libversion(&major, &minor, &release) }
        return "\(major).\(minor).\(release)"
    }

    /// Runs `body`, whose result is the status of an HDF5 call: negative if it failed.
    ///
    /// - Parameters:
    ///   - action: what is being done, for the error message: `cannot open the file`.
    ///   - path: the file.
    /// - Throws: ``HDF5Error`` with HDF5's reason, where the result is negative.
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

    /// Runs HDF5 calls whose failure does not matter.
    static func ignoringFailure(_ body: () -> Void) {
        enter()
        defer { leave() }
        silence()
        body()
    }

    /// Runs a call that returns an identifier; the returned handle owns it.
    static func open(
        _ action: @autoclosure () -> String, path: String, _ body: () -> hid_t
    ) throws(HDF5Error) -> HDF5Handle {
        HDF5Handle(try call(action(), path: path, body))
    }

    // By default HDF5 prints each failure to stderr. This is a setting of each thread's error stack, so every call sets it.
    private static func silence() {
        _ = isSetUp
        H5Eset_auto2(chdf5_error_default(), nil, nil)
    }

    /// The message of an entry of HDF5's error stack, and whether it reports that memory ran out.
    private struct Complaint {
        let text: String
        let isOfMemory: Bool
    }

    /// The error from this thread's error stack: the innermost entry is the first cause. The number of a system error may be
    /// in any entry, so all are searched.
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
        // For system errors, HDF5 says "...: time = ..., errno = 28, error message = 'No space left on device', ...".
        var number = complaints.lazy.compactMap { $0.text.firstMatch(of: #/errno = (\d+)/#).flatMap { Int32($0.1) } }.first
        if number == nil, complaints.contains(where: \.isOfMemory) { number = ENOMEM }
        guard let number else {
            return HDF5Error(action, reason: complaints.first?.text ?? "no reason given", path: path)
        }
        return HDF5Error(action, SystemError(number), path: path)
    }
}

extension HDF5Library {
    /// Collects the names that an HDF5 iteration over links or attributes visits.
    static func names(
        _ action: String, path: String, _ iterate: (chdf5_name_visitor, UnsafeMutableRawPointer) -> herr_t
    ) throws(HDF5Error) -> [String] {
        var names: [String] = []
        try call(action, path: path) {
            withUnsafeMutablePointer(to: &names) { pointer in
                iterate(
                    { name, context in
                        if let name { context?.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name)) }
                        return 0
                    }, pointer)
            }
        }
        return names
    }
}

/// Owns an HDF5 identifier and decrements its reference count when it is released.
final class HDF5Handle: Sendable {
    let id: hid_t

    init(_ id: hid_t) { self.id = id }

    deinit {
        // An object of a file that was closed with everything in it is gone already. Identifiers are never reused, so
        // decrementing again only fails, without any effect.
        HDF5Library.ignoringFailure { H5Idec_ref(id) }
    }
}

extension HDF5Library {
    /// Runs `body` in a forked copy of this process, to find out whether libhdf5 survives it. Changes that `body` makes are
    /// lost, except those in a ``SharedBuffer``.
    ///
    /// libhdf5 1.10 ends the process on some damaged files of the older format, whose metadata have no checksums.
    ///
    /// - Throws: ``HDF5Error`` where the copy died, did not end in time, or could not be made.
    /// - Complexity: a fork, about a millisecond; more if the process holds gigabytes.
    static func isolated(_ action: @autoclosure () -> String, path: String, body: () -> Void) throws(HDF5Error) {
        enter()
        defer { leave() }
        // If another thread holds a system lock (malloc's, for example) at the moment of the fork, it stays locked in the
        // copy, which then waits forever. So a copy that takes too long is ended and tried once more.
        for seconds: UInt32 in [10, 60] {
            let begin = ContinuousClock.now
            let status = withoutActuallyEscaping(body) { body in
                var call = {
                    isCopy = true
                    body()
                }
                return withUnsafeMutablePointer(to: &call) { pointer in
                    chdf5_call_isolated({ $0?.assumingMemoryBound(to: (() -> Void).self).pointee() }, pointer, seconds)
                }
            }
            if status > 0 { return }
            if status < 0 {
                let error = SystemError.last
                throw HDF5Error(action(), error, path: path)
            }
            if ContinuousClock.now - begin < .seconds(Int(seconds)) { break }
        }
        throw HDF5Error(action(), reason: "it is damaged in a way that the HDF5 library does not survive", path: path)
    }
}

/// Memory that this process shares with its forked copies.
struct SharedBuffer: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    /// Returns nil, with `errno` set, where the system gives no memory.
    init?(count: Int) {
        let pointer = mmap(nil, max(count, 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let pointer, pointer != MAP_FAILED else { return nil }
        bytes = UnsafeMutableRawBufferPointer(start: pointer, count: count)
    }

    deinit { munmap(bytes.baseAddress, max(bytes.count, 1)) }
}
