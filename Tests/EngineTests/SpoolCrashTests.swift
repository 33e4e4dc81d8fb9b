import Basics
import BlobStore
import Catalog
import Foundation
import TestSupport
import Testing
import ToySteps
import Volumes

@testable import Engine

/// Coordinators and workers that are killed, each a process of its own, and a spool that is damaged in between.
@Suite("A killed run over a spool") struct SpoolCrashTests {
    private static let cyclesInEachLane = 5

    @Test("ends complete after being started again, and leaves nothing behind", arguments: 1...3)
    func kills(lane: UInt64) throws {
        var generator = RandomStream(state: lane)
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        try ToyCollection(folder: directory.path).fill()
        for cycle in 1...Self.cyclesInEachLane {
            let settings = ["slice.note": "cycle \(cycle)", "slab.depth": "\(1 + cycle % 9)"]
            try runUntilDone(in: directory.path, settings: settings, &generator)
            let toys = try ToyCollection(folder: directory.path)
            toys.settings = settings
            #expect(try toys.run().report == nil)
            #expect(try toys.results() == toys.cleanResults())
            let left = FileManager.default.enumerator(atPath: toys.catalog.directory.spool)?.compactMap { $0 as? String } ?? []
            #expect(left == [], "cycle \(cycle)")
            #expect(try toys.store.removeStrays(olderThan: .zero).allSatisfy(\.isStaged))
            #expect(try toys.store.inventory().strays == [])
        }
    }

    private func runUntilDone(in folder: String, settings: [String: String], _ generator: inout RandomStream) throws {
        for attempt in 0..<60 {
            // Later ones are killed less, so that there is an end.
            let child = try ChildProcess.crashRunner(
                [folder, "spool", attempt < 12 ? "2" : "5"] + settings.map { "\($0)=\($1)" })
            let (end, output) = try child.wait()
            let toys = try ToyCollection(folder: folder)
            #expect(try toys.breaches() == [])
            if end == .exit(0) { return }
            // Where the bundle was damaged, the run says so.
            let isExpected = end == .signal(SIGKILL) || end == .exit(1) || end == .exit(3)
            try #require(isExpected, "\(end): \(output)")
            try damage(toys, &generator)
        }
        Issue.record("no run came to its end")
    }

    /// Does to the spool what disks, late workers and people do.
    private func damage(_ toys: ToyCollection, _ generator: inout RandomStream) throws {
        let spool = toys.catalog.directory.spool
        let files = (FileManager.default.enumerator(atPath: spool)?.compactMap { $0 as? String } ?? []).sorted().filter {
            (try? FileStatus(of: "\(spool)/\($0)").isFile) == true
        }
        guard let name = files.randomElement(using: &generator), Int.random(in: 0..<3, using: &generator) > 0 else { return }
        let path = "\(spool)/\(name)"
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: truncate(path, off_t(Int.random(in: 0...200, using: &generator)))
        case 1:
            // A result that comes twice: under another task, and in another bundle.
            let copy =
                FilePath.folder(of: FilePath.folder(of: path).dropLast().description) + "0/"
                + (name.split(separator: "/").last ?? "")
            _ = try? FileManager.default.copyItem(atPath: path, toPath: copy)
        case 2: try? FileManager.default.removeItem(atPath: path)
        default:
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            if let index = bytes.indices.randomElement(using: &generator) { bytes[index] ^= 1 }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        }
    }

    @Test("blames the item that ends its worker, by the signal, and computes all others")
    func crashingItem() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        let toys = try ToyCollection(folder: directory.path)
        try toys.fill()
        try toys.add("bad", text: "crash")
        let (end, output) = try ChildProcess.crashRunner([directory.path, "spool", "0"]).wait()
        #expect(end == .exit(3), "\(output)")
        #expect(output.contains("read of toys/bad: its worker was ended by signal 6 (Aborted) twice"), "\(output)")
        #expect(try toys.results() == toys.cleanResults())
    }

    @Test("costs the coordinator little for an item: a millisecond of its processor on a quiet machine")
    func cost() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        let toys = try ToyCollection(folder: directory.path)
        // CELLAR_SPOOL_TOMOGRAMS=2500 makes 100,000 slices.
        let count = ProcessInfo.processInfo.environment["CELLAR_SPOOL_TOMOGRAMS"].flatMap { Int($0) } ?? 50
        for number in 0..<count {
            try toys.catalog.collection.addSlab(tomogramID: toys.add("t\(number)", text: "text \(number)"), z: 0..<40)
        }
        let (end, output) = try ChildProcess.crashRunner([directory.path, "spool", "0"]).wait()
        #expect(end == .exit(0), "\(output)")
        print("spool: \(output)", terminator: "")
        let numbers = output.split(separator: " ").compactMap { Double($0) }
        try #require(numbers.count == 3, "\(output)")
        // A quiet machine takes .53 ms where files lie in memory, and .97 ms on ext4. Beside other tests on two shared cores each takes up to
        // three times as much; what grows with the number of items is found all the same.
        #expect(numbers[1] / numbers[0] <= 0.003, "\(output)")
        #expect(numbers[2] <= 1_048_576, "\(output)")
    }
}
