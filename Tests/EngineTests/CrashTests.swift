import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing
import ToySteps

/// Runs that are killed in the midst of it, again and again, each in a process of its own.
@Suite("A killed run") struct CrashTests {
    private static let killsInEachLane = 52

    @Test("leaves nothing that is trusted and not there, and the next one goes on", arguments: 1...4)
    func kills(lane: UInt64) throws {
        var generator = RandomStream(state: lane)
        var (kills, cycle) = (0, 0)
        var directory = try TemporaryDirectory()
        while kills < Self.killsInEachLane {
            if cycle % 4 == 0 { directory = try TemporaryDirectory() }
            cycle += 1
            // A few results of the cycle before are of use in this one.
            let settings = ["slice.note": "cycle \(cycle)", "slab.depth": "\(1 + cycle % 9)"]
            if cycle % 4 == 1 { try ToyCollection(folder: directory.path).fill() }
            kills += try killUntilDone(in: directory.path, settings: settings, &generator)
            try checkEnd(in: directory.path, settings: settings)
        }
    }

    /// Starts one run after another until one comes to its end.
    ///
    /// - Returns: how many were killed.
    private func killUntilDone(in folder: String, settings: [String: String], _ generator: inout RandomStream) throws -> Int {
        let words = settings.map { "\($0)=\($1)" }
        for attempt in 0..<200 {
            let arguments =
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: ["commit", "\(Int.random(in: 1...40, using: &generator))"]
                case 1: ["time", "\(Int.random(in: 0...60_000, using: &generator))"]
                // Each point in turn, and those that are passed once for each batch often.
                default: ["point", "\(Int.random(in: 1...40, using: &generator))"]
                }
            let child = try ChildProcess.crashRunner([folder] + arguments + words)
            if attempt % 8 == 7 {
                usleep(UInt32.random(in: 0...80_000, using: &generator))
                child.kill()
            }
            let (end, output) = try child.wait()
            let toys = try ToyCollection(folder: folder)
            #expect(try toys.breaches() == [])
            #expect(try toys.store.inventory().strays.allSatisfy(\.isStaged))
            if end == .exit(0) { return attempt }
            try #require(end == .signal(SIGKILL), "\(arguments) ended with \(end): \(output)")
        }
        Issue.record("no run came to its end")
        return 200
    }

    private func checkEnd(in folder: String, settings: [String: String]) throws {
        let toys = try ToyCollection(folder: folder)
        toys.settings = settings
        #expect(try toys.run().report == nil)
        #expect(try toys.results() == toys.cleanResults())
        let status = try toys.catalog.unsafeRead {
            try String.fetchAll($0, sql: "SELECT DISTINCT status FROM run ORDER BY status")
        }
        #expect(Set(status).isSubset(of: ["done", "interrupted"]))
        #expect(try toys.store.removeStrays(olderThan: .zero).allSatisfy(\.isStaged))
        #expect(try toys.store.inventory().strays == [])
    }
}
