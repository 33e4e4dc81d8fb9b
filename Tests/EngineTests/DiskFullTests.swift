import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing
import ToySteps

@Suite("A disk that is full") struct DiskFullTests {
    @Test(
        "at any point of publishing ends the run with that error, and the next run goes on", arguments: StorePoint.allCases,
        [1, 3])
    func injected(point: StorePoint, occurrence: Int) throws {
        let isFull = Atomic<Bool>(true)
        let passed = Atomic<Int>(0)
        let toys = try ToyCollection { reached in
            guard reached == point, passed.wrappingAdd(1, ordering: .relaxed).newValue >= occurrence else { return }
            if isFull.load(ordering: .relaxed) { throw BlobError(.diskFull, "the disk is full", path: "blobs") }
        }
        try toys.fill()
        let error = #expect(throws: BlobError.self) { try toys.run() }
        #expect(error?.code == .diskFull)
        isFull.store(false, ordering: .relaxed)
        try checkThatItGoesOn(toys)
    }

    @Test(
        "is told as such at whatever byte it begins, spoils nothing, and the run goes on when there is room",
        .enabled(if: SmallDisk.isPermitted, "mounting a small file system is not permitted here"),
        arguments: [0, 8, 16, 32, 48, 64, 96, 128, 160, 192, 224, 256])
    func real(freeKibibytes: Int) throws {
        let disk = try SmallDisk(megabytes: 8)
        let toys = try ToyCollection(folder: disk.path, owner: disk)
        try toys.fill()
        // Enough to do that no amount of room is enough.
        try toys.catalog.collection.addSlab(tomogramID: 3, z: 0..<ToyCollection.depth)
        try disk.fill(leaving: freeKibibytes * 1024)
        let error = #expect(throws: (any Error).self) { try toys.run() }
        switch error {
        case let error as BlobError: #expect(error.code == .diskFull)
        case let error as CatalogError: #expect(error.code == .storage && error.message.contains("full"), "\(error)")
        default: Issue.record("\(String(describing: error))")
        }
        #expect(try toys.breaches() == [])
        try disk.fill(leaving: .max)
        try checkThatItGoesOn(toys, isSmaller: false)
    }

    /// Gives a blob at once, or works until it is asked to stop.
    private struct LongOrShort: Step {
        let name = "long-or-short"
        let version = 1
        let scope = ScopeKind.tomogram
        let summary = ""
        let inputs = [StepInput.fact(.declaredVoxelSize)]
        let outputs = [StepOutput.artifact("blob", evictable: false)]
        let begun = Latch()

        func run(_ item: StepItem) throws {
            if item.scope.tomogram == "toys/long" {
                begun.open()
                let end = ContinuousClock.now + .seconds(60)
                while ContinuousClock.now < end {
                    try item.checkCancellation()
                    usleep(1000)
                }
            } else {
                begun.wait()
            }
            try item.give("blob", artifact: "toy") { try $0.write("one", shape: [1], values: [UInt8(1)]) }
        }
    }

    private final class Latch: Sendable {
        private let isOpen = Atomic<Bool>(false)

        func open() { isOpen.store(true, ordering: .releasing) }

        func wait() { while !isOpen.load(ordering: .acquiring) { usleep(1000) } }
    }

    @Test("stops items that would take hours, whose results could not be kept")
    func longItems() throws {
        let toys = try ToyCollection { if $0 == .willSync { throw BlobError(.diskFull, "the disk is full", path: "blobs") } }
        // Of two voxel sizes, so that neither waits for the other's result.
        try toys.add("long", text: "long", voxelSize: 10)
        try toys.add("short", text: "short", voxelSize: 12)
        let graph = try StepGraph([LongOrShort()])
        let cancellation = Cancellation()
        let begin = ContinuousClock.now
        let runner = Runner(
            toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps), options: .init(jobs: 2))
        let error = #expect(throws: BlobError.self) { try runner.run(cancellation: cancellation) }
        #expect(error?.code == .diskFull)
        #expect(ContinuousClock.now - begin < .seconds(30))
        // Nobody asked for it but the run itself.
        #expect(!cancellation.isCancelled)
    }

    private func checkThatItGoesOn(_ toys: ToyCollection, isSmaller: Bool = true) throws {
        #expect(try toys.breaches() == [])
        #expect(try toys.run().report?.isComplete == true)
        #expect(try toys.plan().hasWork == false)
        if isSmaller { #expect(try toys.results() == toys.cleanResults()) }
        #expect(try toys.breaches() == [])
        #expect(try toys.store.inventory().strays == [])
        let status = try toys.catalog.unsafeRead { try String.fetchAll($0, sql: "SELECT status FROM run ORDER BY id") }
        #expect(status.last == "done")
        #expect(!status.contains("running"))
        #expect(try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM run_lock") } == 0)
    }
}
