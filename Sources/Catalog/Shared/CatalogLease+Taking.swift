import Basics
import Foundation

extension CatalogLease {
    /// Takes the lease of a catalog, from nobody or from a process that is gone.
    ///
    /// Where a process of another host holds it and shows no sign of life, this takes as long as ``Timing/staleness``.
    ///
    /// - Parameter notice: called once with a sentence where that takes longer.
    /// - Throws: ``CatalogError`` with user, host and process where the holder lives, or where the folder cannot be written.
    static func take(
        in directory: CatalogDirectory, timing: Timing = Timing(), notice: (String) -> Void = { _ in }
    ) throws(CatalogError) -> CatalogLease {
        let path = directory.lease
        let candidate = try Candidate(path: path, timing: timing)
        defer { candidate.removeFile() }
        var watched = StandstillWatch()
        let begin = ContinuousClock.now
        var (wasNoticed, isMoving) = (false, false)
        while true {
            if let lease = try candidate.appear() { return lease }
            guard let bytes = read(path) else {
                // Gone again, or not readable for this user: which of the two, the next try to make it says.
                guard ContinuousClock.now - begin < timing.staleness else {
                    throw CatalogError(.storage, "the lease \(path) can be neither made nor read; check its permissions")
                }
                sleep(timing.pause)
                continue
            }
            let text = LeaseText(bytes)
            let still = watched.standstill(of: path, bytes, at: .now)
            isMoving = isMoving || watched.hasMoved(path)
            let isAlive = text?.holder.isKnownAlive == true
            if text?.holder.isKnownDead == true || still >= timing.staleness && !isAlive {
                if let lease = try candidate.replace(bytes, text?.holder, &watched) { return lease }
            } else if let holder = text?.holder, isMoving || isAlive,
                ContinuousClock.now - begin >= (text?.isRunning == true ? timing.patience / 8 : timing.patience)
            {
                throw held(by: holder, directory)
            } else if !wasNoticed, let holder = text?.holder, !isAlive, still >= timing.beat * 2 {
                wasNoticed = true
                notice(
                    "nothing is heard of \(holder.description), which owns the catalog \(directory.path); it is taken over where that "
                        + "stays so for \(Int(timing.staleness / .seconds(1))) s")
            }
            sleep(timing.pause)
        }
    }

    /// What one says to whoever wants to write while another process owns the catalog.
    static func held(by holder: LeaseHolder, _ directory: CatalogDirectory) -> CatalogError {
        CatalogError(
            .locked,
            "\(holder.description) owns the catalog \(directory.path) since \(holder.since), and on a shared file system one process at a "
                + "time writes; wait for it to end")
    }

    /// Removes what processes left that were killed while they took the lease: those of this host, and any after an hour.
    static func removeUnfinished(in directory: CatalogDirectory) {
        let folder = FilePath.folder(of: directory.lease)
        let names = ["new-", "claim-"].map { directory.lease.dropFirst(folder.count) + "." + $0 }
        try? FilePath.forEachEntry(ofFolder: folder) { name, _ in
            guard names.contains(where: { name.hasPrefix($0) }), let status = try? FileStatus(of: folder + name) else { return }
            let isDead = read(folder + name).flatMap { LeaseText($0) }?.holder.isKnownDead == true
            if isDead || status.age > .seconds(3600) { unlink(folder + name) }
        }
    }

    /// The lease of a catalog as it is now; nil where there is none, or it is just being written.
    static func current(in directory: CatalogDirectory) -> LeaseText? { read(directory.lease).flatMap { LeaseText($0) } }
}

/// Tells how long a file has not changed, by this process's own clock.
///
/// Two looks add the time between them, but two seconds at most: where this process did not run for an hour, because its machine slept, the
/// owner may have slept as well.
struct StandstillWatch {
    private var seen: [String: (bytes: [UInt8], last: ContinuousClock.Instant, standstill: Duration, changes: Int)] = [:]

    static let longestStep = Duration.seconds(2)

    /// - Parameter bytes: what the file holds at a time.
    mutating func standstill(of path: String, _ bytes: [UInt8], at time: ContinuousClock.Instant) -> Duration {
        guard let last = seen[path], last.bytes == bytes else {
            seen[path] = (bytes, time, .zero, (seen[path]?.changes ?? -1) + 1)
            return .zero
        }
        let standstill = last.standstill + min(time - last.last, Self.longestStep)
        seen[path] = (bytes, time, standstill, last.changes)
        return standstill
    }

    /// Whether the file changed while it was looked at.
    func hasMoved(_ path: String) -> Bool { (seen[path]?.changes ?? 0) > 0 }
}

/// A lease that has no name yet.
private struct Candidate {
    private let text: LeaseText
    private let path: String
    private let file: String
    private let timing: CatalogLease.Timing

    init(path: String, timing: CatalogLease.Timing) throws(CatalogError) {
        text = LeaseText(.current())
        self.path = path
        self.timing = timing
        file = "\(path).new-\(text.holder.token)"
        let descriptor = open(file, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.failure(file, .last) }
        defer { close(descriptor) }
        do throws(SystemError) { try CatalogLease.write(text.bytes, to: descriptor) } catch {
            unlink(file)
            throw Self.failure(file, error)
        }
    }

    private static func failure(_ path: String, _ error: SystemError) -> CatalogError {
        CatalogError(
            .storage,
            "\(path), by which a process owns the catalog, could not be written: \(error.reason); check disk and permissions")
    }

    func removeFile() { unlink(file) }

    /// Gives the lease its name where nobody holds it.
    ///
    /// - Returns: nil where somebody does.
    func appear() throws(CatalogError) -> CatalogLease? {
        let isLinked = link(file, path) == 0
        let reason = SystemError.last
        if isLinked || (try? FileStatus(of: file))?.linkCount == 2 { return try lease(of: file) }
        guard CatalogLease.lacksLinks(reason) else {
            guard reason.number == EEXIST || reason.number == ENOENT || reason.number == ESTALE else {
                throw Self.failure(path, reason)
            }
            return nil
        }
        // Without links: who makes the file is the one. Until it is written, others see a file that does not change.
        let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw Self.failure(path, .last) }
            return nil
        }
        do throws(SystemError) { try CatalogLease.write(text.bytes, to: descriptor) } catch {
            close(descriptor)
            unlink(path)
            throw Self.failure(path, error)
        }
        return CatalogLease(text, path: path, descriptor: descriptor, timing: timing)
    }

    /// Replaces a lease that was left behind.
    ///
    /// Whoever replaces or removes a lease makes a claim first, which is named after the token, so that of many who judge one lease dead
    /// only one replaces it, and none replaces the lease of the one who was faster.
    ///
    /// - Returns: nil where somebody else is doing it, or the holder gave a sign of life.
    func replace(_ bytes: [UInt8], _ holder: LeaseHolder?, _ watched: inout StandstillWatch) throws(CatalogError) -> CatalogLease?
    {
        let claim = CatalogLease.claim(path, holder?.token ?? "unreadable")
        guard CatalogLease.makeClaim(claim, linking: file) else {
            // One who died while it took over leaves its claim.
            if let other = CatalogLease.read(claim) {
                let still = watched.standstill(of: claim, other, at: .now)
                if LeaseText(other)?.holder.isKnownDead == true || still >= timing.staleness { unlink(claim) }
            }
            return nil
        }
        defer { unlink(claim) }
        guard CatalogLease.read(path) == bytes else { return nil }
        guard rename(file, path) == 0 else { throw Self.failure(path, .last) }
        return try lease(of: path)
    }

    private func lease(of name: String) throws(CatalogError) -> CatalogLease {
        let descriptor = open(name, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path, .last) }
        return CatalogLease(text, path: path, descriptor: descriptor, timing: timing)
    }
}
