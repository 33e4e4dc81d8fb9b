import Basics
import Catalog
import Foundation
import TestSupport
import Testing
import ToySteps

/// The promises of a run, on a file system that hosts share. `CELLAR_TEST_SHARED` names a folder on a real one, which is then taken for
/// what it is; without it, each process takes its local disk for NFS.
@Suite("A run on a shared file system") struct SharedCrashTests {
    private static let folder = ProcessInfo.processInfo.environment["CELLAR_TEST_SHARED"]
    private static let kills = ProcessInfo.processInfo.environment["CELLAR_TEST_KILLS"].flatMap { Int($0) } ?? 24

    /// A folder, and what it lives as long as.
    private static func place() throws -> (path: String, owner: TemporaryDirectory?) {
        guard let folder else {
            let directory = try TemporaryDirectory()
            return (directory.path, directory)
        }
        let path = "\(folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return (path, nil)
    }

    private static func runner(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess.crashRunner(arguments, variables: folder == nil ? ["CELLAR_FILE_SYSTEM": "nfs4"] : [:])
    }

    @Test("that is killed again and again leaves nothing that is trusted and not there, and the next one goes on at once")
    func kills() throws {
        var generator = RandomStream(state: 7)
        var (kills, cycle) = (0, 0)
        while kills < Self.kills {
            let (path, owner) = try Self.place()
            defer { withExtendedLifetime(owner) {} }
            try ToyCollection(folder: path).fill()
            for _ in 0..<2 {
                cycle += 1
                let words = ["slice.note=cycle \(cycle)", "slab.depth=\(1 + cycle % 9)"]
                kills += try killUntilDone(in: path, words, &generator)
                let (end, output) = try Self.runner([path, "check"] + words).wait()
                #expect(end == .exit(0), "\(output)")
                let toys = try ToyCollection(folder: path)
                toys.settings = ["slice.note": "cycle \(cycle)", "slab.depth": "\(1 + cycle % 9)"]
                #expect(try toys.results() == toys.cleanResults())
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/.cellar")
            #expect(
                !names.contains { $0.hasSuffix("-wal") || $0.hasSuffix("-shm") || $0 == "owner.lease" || $0.hasSuffix(".tmp") },
                "\(names)")
        }
    }

    private func killUntilDone(in folder: String, _ words: [String], _ generator: inout RandomStream) throws -> Int {
        for attempt in 0..<200 {
            let arguments =
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: ["commit", "\(Int.random(in: 1...40, using: &generator))"]
                case 1: ["time", "\(Int.random(in: 0...200_000, using: &generator))"]
                default: ["point", "\(Int.random(in: 1...40, using: &generator))"]
                }
            let (end, output) = try Self.runner([folder] + arguments + words).wait()
            if attempt % 3 == 0 {
                let (_, problems) = try Self.runner([folder, "check"] + words).wait()
                #expect(problems == "" || problems == "something is stale\n")
            }
            if end == .exit(0) { return attempt }
            try #require(end == .signal(SIGKILL), "\(arguments) ended with \(end): \(output)")
        }
        Issue.record("no run came to its end")
        return 200
    }

    @Test("refuses a second one with the owner's name, and goes on when that was killed")
    func refusal() throws {
        let (path, owner) = try Self.place()
        defer { withExtendedLifetime(owner) {} }
        try ToyCollection(folder: path).fill()
        let child = try Self.runner([path, "slow", "400"])
        #expect(child.firstOutput() == "begun\n")
        let second = try Self.runner([path, "run"]).wait()
        #expect(second.end == .exit(1))
        #expect(second.output.contains("(process \(child.id)) owns the catalog"), "\(second.output)")
        child.kill()
        #expect(try child.wait().end == .signal(SIGKILL))
        let third = try Self.runner([path, "run"]).wait()
        #expect(third.end == .exit(0), "\(third.output)")
        #expect(try Self.runner([path, "check"]).wait().end == .exit(0))
    }

    @Test("is followed by eight readers, who see committed states that are never older than 10 s")
    func readers() throws {
        let (path, owner) = try Self.place()
        defer { withExtendedLifetime(owner) {} }
        try ToyCollection(folder: path).fill()
        let child = try Self.runner([path, "slow", "1500"])
        #expect(child.firstOutput() == "begun\n")
        let directory = CatalogDirectory(path: "\(path)/.cellar")
        let readers = (0..<8).map { _ in Reader(directory) }
        for reader in readers { reader.start() }
        // How old a state is: the last heartbeat of the run, which is committed every few seconds, and this host's clock.
        let end = try child.wait()
        #expect(end.end == .exit(0), "\(end.output)")
        var states: Set<Int> = []
        for reader in readers {
            let (problems, counts) = reader.stop()
            #expect(problems == [])
            #expect(counts == counts.sorted())
            states.formUnion(counts)
            #expect(reader.oldest < 10, "a state was \(reader.oldest) s old")
        }
        #expect(states.count > 2, "\(states)")
    }
}
