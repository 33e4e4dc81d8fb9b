import Basics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Catalog

@Suite("The lease of a catalog") struct LeaseTests {
    private let folder: TemporaryDirectory
    private let directory: CatalogDirectory

    init() throws {
        folder = try TemporaryDirectory()
        directory = CatalogDirectory(path: folder.path)
    }

    /// Quick enough for tests.
    private static let timing = CatalogLease.Timing(
        beat: .milliseconds(50), staleness: .milliseconds(400), patience: .milliseconds(100), pause: .milliseconds(5))

    private func take() throws(CatalogError) -> CatalogLease { try CatalogLease.take(in: directory, timing: Self.timing) }

    /// A holder on another host, of which nothing can be asked.
    static func stranger(token: String = "stranger", host: String = "node7") -> LeaseHolder {
        LeaseHolder(
            token: token, user: "anna", host: host, boot: "another", namespace: "pid:[1]", pid: 12, started: "1",
            since: "2026-01-01T00:00:00.000Z")
    }

    private func write(_ text: LeaseText) throws {
        // Another file under its name, as one who takes over makes it.
        try Data(text.bytes).write(to: URL(fileURLWithPath: directory.lease), options: .atomic)
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

    @Test("has one holder, however many take it at once, and leaves no file when it is given back")
    func race() throws {
        for _ in 0..<20 {
            let leases = Mutex<[CatalogLease]>([])
            let refusals = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                do throws(CatalogError) {
                    let lease = try take()
                    leases.withLock { $0.append(lease) }
                } catch {
                    refusals.withLock { $0.append(error.code == .locked ? error.message : "\(error)") }
                }
            }
            let winners = leases.withLock { $0 }
            #expect(winners.count == 1)
            let owner = try #require(winners.first)
            let sentences = refusals.withLock { $0 }
            #expect(
                sentences.allSatisfy { $0.contains("owns the catalog") && $0.contains("process \(getpid())") }, "\(sentences)")
            try owner.confirm()
            owner.release()
            #expect(try names() == [])
        }
    }

    @Test("of a process of this host that has ended is taken over at once")
    func dead() throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        child.arguments = ["true"]
        try child.run()
        child.waitUntilExit()
        let own = LeaseHolder.current()
        // The second one is of a process of this id that began at another time.
        for (pid, started) in [(child.processIdentifier, own.started), (own.pid, "1")] {
            let holder = LeaseHolder(
                token: "dead", user: own.user, host: own.host, boot: own.boot, namespace: own.namespace, pid: pid,
                started: started,
                since: own.since)
            #expect(holder.isKnownDead && !holder.isKnownAlive)
            try write(LeaseText(holder))
            let begin = ContinuousClock.now
            let lease = try take()
            #expect(ContinuousClock.now - begin < Self.timing.staleness)
            try lease.confirm()
            lease.release()
            #expect(try names() == [])
        }
        #expect(own.isKnownAlive && !own.isKnownDead)
        // In another container or on another host, the same number proves nothing.
        let elsewhere = LeaseHolder(
            token: "x", user: own.user, host: own.host, boot: own.boot, namespace: "pid:[2]", pid: child.processIdentifier,
            started: "1", since: own.since)
        #expect(!elsewhere.isKnownDead && !elsewhere.isKnownAlive)
    }

    @Test("of another host is taken over only when its file has stood still for long, and by one of many")
    func stale() throws {
        try write(LeaseText(Self.stranger()))
        let winners = Mutex<[CatalogLease]>([])
        let begin = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            if let lease = try? take() { winners.withLock { $0.append(lease) } }
        }
        #expect(ContinuousClock.now - begin >= Self.timing.staleness)
        let leases = winners.withLock { $0 }
        #expect(leases.count == 1)
        try leases.first?.confirm()
        leases.first?.release()
        #expect(try names() == [])
    }

    @Test("of another host stays with it as long as it gives signs of life, whatever its clock says", arguments: [-3600.0, 3600])
    func skew(secondsAhead: Double) throws {
        try write(LeaseText(Self.stranger()))
        let isDone = Atomic(false)
        let path = directory.lease
        let beats = DispatchQueue(label: "beats")
        let ended = DispatchSemaphore(value: 0)
        beats.async {
            var text = LeaseText(Self.stranger())
            let descriptor = open(path, O_RDWR)
            while !isDone.load(ordering: .relaxed) {
                text.beat += 1
                try? CatalogLease.write(text.bytes, to: descriptor)
                // The other host's clock, as a file server may show it.
                try? FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: secondsAhead)], ofItemAtPath: path)
                usleep(50_000)
            }
            close(descriptor)
            ended.signal()
        }
        for _ in 0..<3 {
            let error = #expect(throws: CatalogError.self) { try take() }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("anna on node7 (process 12) owns the catalog") == true, "\(error?.message ?? "")")
        }
        isDone.store(true, ordering: .relaxed)
        ended.wait()
        // Silence, from now on.
        let lease = try take()
        try lease.confirm()
    }

    @Test("is judged by one's own clock: a file that changes within the time was never still for it")
    func standstill() {
        var watch = StandstillWatch()
        let begin = ContinuousClock.now
        #expect(watch.standstill(of: "a", [1], at: begin) == .zero)
        for second in 1...59 { #expect(watch.standstill(of: "a", [1], at: begin + .seconds(second)) == .seconds(second)) }
        #expect(!watch.hasMoved("a"))
        #expect(watch.standstill(of: "a", [2], at: begin + .seconds(60)) == .zero)
        #expect(watch.hasMoved("a"))
        #expect(watch.standstill(of: "a", [2], at: begin + .seconds(61)) == .seconds(1))
        // This process slept for an hour, and so may the owner have done.
        #expect(watch.standstill(of: "a", [2], at: begin + .seconds(3661)) == .seconds(3))
        #expect(watch.standstill(of: "b", [2], at: begin + .seconds(3661)) == .zero)
    }

    @Test("that was taken over is noticed by the one who had it, who then leaves the other's alone")
    func stolen() throws {
        let lease = try take()
        try lease.confirm()
        try write(LeaseText(Self.stranger()))
        try lease.beat(isSnapshotCurrent: true, isRunning: true)
        let error = #expect(throws: CatalogError.self) { try lease.confirm() }
        #expect(error?.message.contains("to anna on node7 (process 12)") == true, "\(error?.message ?? "")")
        #expect(lease.isLost)
        lease.release()
        #expect(CatalogLease.current(in: directory)?.holder.token == "stranger")
        // Also where it comes back: what was read of the catalog since then may be old.
        try write(LeaseText(lease.holder))
        #expect(throws: CatalogError.self) { try lease.confirm() }
    }

    @Test("that is gone is noticed")
    func gone() throws {
        let lease = try take()
        unlink(directory.lease)
        let error = #expect(throws: CatalogError.self) { try lease.confirm() }
        #expect(error?.message.contains("is gone or cannot be read") == true)
    }

    @Test("which one who was killed was just taking over is taken over later")
    func halfTakenOver() throws {
        try write(LeaseText(Self.stranger()))
        try Data(LeaseText(Self.stranger(token: "thief")).bytes)
            .write(to: URL(fileURLWithPath: CatalogLease.claim(directory.lease, "stranger")))
        let lease = try take()
        try lease.confirm()
        lease.release()
        #expect(try names() == [])
    }

    @Test("is a text of fixed length, of which every part that is read in the midst of writing is refused")
    func text() throws {
        var text = LeaseText(Self.stranger())
        let length = text.bytes.count
        for beat in [0, 9, 10, 123_456_789_012] {
            for flags in [(false, false), (true, false), (false, true), (true, true)] {
                (text.beat, text.isSnapshotCurrent, text.isRunning) = (beat, flags.0, flags.1)
                #expect(text.bytes.count == length)
                #expect(LeaseText(text.bytes) == text)
            }
        }
        for count in 0..<length { #expect(LeaseText(Array(text.bytes.prefix(count))) == nil) }
    }
}
