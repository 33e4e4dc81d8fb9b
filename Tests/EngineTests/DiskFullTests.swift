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
        "at any point of publishing ends the run with that error, and the next run goes on", arguments: PublishPoint.allCases,
        [1, 3])
    func injected(point: PublishPoint, occurrence: Int) throws {
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
        try toys.catalog.addSlab(tomogramID: 3, z: 0..<ToyCollection.depth)
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

    private func checkThatItGoesOn(_ toys: ToyCollection, isSmaller: Bool = true) throws {
        #expect(try toys.breaches() == [])
        #expect(try toys.run().report?.isComplete == true)
        #expect(try toys.plan().hasWork == false)
        if isSmaller { #expect(try toys.results() == toys.cleanResults()) }
        #expect(try toys.breaches() == [])
        #expect(try toys.store.inventory().strays == [])
        let status = try toys.catalog.read { try String.fetchAll($0, sql: "SELECT status FROM run ORDER BY id") }
        #expect(status.last == "done")
        #expect(!status.contains("running"))
        #expect(try toys.catalog.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM run_lock") } == 0)
    }
}
