import Basics
import Foundation
import Synchronization

/// The lease of a catalog on a shared file system: a file that says which process owns the catalog, and that it lives.
///
/// The holder writes a number into its file every few seconds (``beat(isSnapshotCurrent:isRunning:)``). Others take the lease over only
/// when the process is one of their own host and has ended, or when the file has not changed for a minute **while they looked at it**:
/// clocks of two hosts are never compared. Before each commit the holder looks whether the lease is still its own (``confirm()``).
///
/// What needs one winner is done by link(2), which NFS does at the server: the return value may be lost on the way, and the number of
/// links of the linked file says whether it happened (open(2), O_EXCL).
final class CatalogLease: Sendable {
    struct Timing: Sendable {
        /// The time between two heartbeats.
        var beat = Duration.seconds(3)
        /// How long a file must not change before it counts as left behind.
        var staleness = Duration.seconds(60)
        /// How long one waits for a holder that lives and runs nothing: it gives the catalog back some seconds after its last write.
        var patience = Duration.seconds(8)
        /// The time between two looks.
        var pause = Duration.milliseconds(100)
    }

    let holder: LeaseHolder
    let path: String
    private let descriptor: CInt
    private let timing: Timing
    private let state: Mutex<State>

    private struct State {
        var text: LeaseText
        var time = ContinuousClock.now
        var isLost = false
    }

    /// - Parameter descriptor: of the file, which is at the path already; closed with this object.
    init(_ text: LeaseText, path: String, descriptor: CInt, timing: Timing) {
        holder = text.holder
        self.path = path
        self.descriptor = descriptor
        self.timing = timing
        state = Mutex(State(text: text))
    }

    deinit { close(descriptor) }

    /// Writes the next heartbeat. It goes into the file that was made when the lease was taken, also where that has lost its name: the
    /// lease of another one is never written to.
    ///
    /// - Throws: ``SystemError`` where the file cannot be written.
    func beat(isSnapshotCurrent: Bool, isRunning: Bool) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            var text = state.text
            text.beat += 1
            text.isSnapshotCurrent = isSnapshotCurrent
            text.isRunning = isRunning
            try Self.write(text.bytes, to: descriptor)
            (state.text, state.time) = (text, .now)
        }
    }

    /// What the file is to say, for the time until the next heartbeat.
    var isSnapshotCurrent: Bool { state.withLock { $0.text.isSnapshotCurrent } }

    /// Checks that the lease is still this process's own.
    ///
    /// A process that could not write its heartbeat for long (it was stopped, or the file server did not answer) writes it now, and looks
    /// after a pause: one who has just judged it dead sees the heartbeat, or has taken over by then.
    ///
    /// - Throws: ``CatalogError`` where another process has taken it, or nobody can say.
    func confirm() throws(CatalogError) {
        let (isLost, last, text) = state.withLock { ($0.isLost, $0.time, $0.text) }
        guard !isLost else { throw lost(nil) }
        if ContinuousClock.now - last > timing.staleness * 0.6 {
            try? beat(isSnapshotCurrent: text.isSnapshotCurrent, isRunning: text.isRunning)
            Self.sleep(timing.pause * 10)
        }
        let found = Self.read(path).flatMap { LeaseText($0) }?.holder ?? Self.readAgain(path)
        guard found?.token == holder.token else {
            state.withLock { $0.isLost = true }
            throw lost(found)
        }
    }

    /// Whether ``confirm()`` has found that the lease is another one's.
    var isLost: Bool { state.withLock(\.isLost) }

    private func lost(_ other: LeaseHolder?) -> CatalogError {
        let folder = FilePath.folder(of: path)
        return CatalogError(
            .locked,
            "this process has lost the catalog \(folder)"
                + (other.map { " to \($0.description), which took it over because nothing was heard of this one for a minute" }
                    ?? ", because its file \(path) is gone or cannot be read")
                + "; what was not yet committed was not written, and running again goes on from there")
    }

    /// Gives the lease back. It stays where somebody is just taking it over.
    func release() {
        let claim = Self.claim(path, holder.token)
        guard (try? confirm()) != nil, Self.makeClaim(claim, linking: path) else { return }
        if Self.read(path).flatMap({ LeaseText($0) })?.holder.token == holder.token { unlink(path) }
        unlink(claim)
    }

    // MARK: Files

    /// The file that whoever replaces or removes the lease with a token makes first. Its name dies with the token.
    static func claim(_ path: String, _ token: String) -> String { "\(path).claim-\(token)" }

    /// Makes a link to a file, or where the file system has no links, an empty file.
    ///
    /// - Returns: whether this call made it.
    static func makeClaim(_ claim: String, linking path: String) -> Bool {
        if link(path, claim) == 0 { return true }
        let reason = SystemError.last
        if Self.lacksLinks(reason) {
            let descriptor = open(claim, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666)
            if descriptor >= 0 { close(descriptor) }
            return descriptor >= 0
        }
        // The answer of an NFS server to a link that was made may have been lost.
        guard let made = try? FileStatus(of: claim), let own = try? FileStatus(of: path) else { return false }
        return made.identity == own.identity
    }

    static func lacksLinks(_ error: SystemError) -> Bool { [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(error.number) }

    /// The bytes of a small file; nil where there is none, or it cannot be read. The file is opened anew, since NFS looks at the server
    /// for changes when a file is opened.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        guard let count = try? SystemCall.uninterrupted({ pread(descriptor, &bytes, bytes.count, 0) }) else { return nil }
        return Array(bytes[..<count])
    }

    /// Reads a lease that could not be read: a heartbeat may just have been written, or a server have forgotten the file's handle.
    private static func readAgain(_ path: String) -> LeaseHolder? {
        for _ in 0..<5 {
            sleep(.milliseconds(20))
            if let text = read(path).flatMap({ LeaseText($0) }) { return text.holder }
        }
        return nil
    }

    static func write(_ bytes: [UInt8], to descriptor: CInt) throws(SystemError) {
        let count = try SystemCall.uninterrupted { pwrite(descriptor, bytes, bytes.count, 0) }
        guard count == bytes.count else { throw SystemError(EIO) }
        try SystemCall.uninterrupted { fsync(descriptor) }
    }

    static func sleep(_ duration: Duration) { usleep(UInt32(max(0, min(duration / .microseconds(1), 4e9)))) }
}
