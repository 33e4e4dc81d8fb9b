import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import Testing
import ToySteps
import Volumes

@Suite struct RunnerTests {
    @Test("a first run computes everything, and a second one nothing")
    func firstAndSecondRun() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        try toys.add("b", text: "beta")
        try toys.catalog.collection.addSlab(tomogramID: id, z: 3..<6)
        let first = try toys.run()
        #expect(first.report?.isComplete == true)
        #expect(
            first.ran == [
                "read toys/a", "read toys/b", "scale toys/a", "scale toys/b", "slab toys/a z 3..<6", "slice toys/a z 3",
                "slice toys/a z 4", "slice toys/a z 5", "summary toys/a", "summary toys/b",
            ])
        #expect(try toys.run().report == nil)
        #expect(try toys.plan().hasWork == false)
    }

    @Test("a changed file whose content is the same stops at the step that reads it")
    func earlyCutOff() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha\nheader one")
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
        try toys.run()
        try toys.write("a", "alpha\nheader two")
        let plan = try toys.plan()
        #expect(plan.summaries.map(\.stale) == [1, 0, 0, 0, 0, 0])
        #expect(plan.summaries.map(\.waiting).reduce(0, +) == 5)
        let second = try toys.run()
        #expect(second.ran == ["read toys/a"])
        #expect(second.report?.progress.foundAgain == 5)
        try toys.write("a", "omega\nheader two")
        #expect(
            try toys.run().ran == [
                "read toys/a", "scale toys/a", "slab toys/a z 0..<2", "slice toys/a z 0", "slice toys/a z 1", "summary toys/a",
            ])
    }

    @Test("a parameter that returns to its value finds the earlier results again")
    func recipeBackAndForth() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
        try toys.run()
        let before = try toys.results()
        toys.settings["slice.gain.factor"] = "2"
        #expect(try toys.run().ran == ["slab toys/a z 0..<2", "slice toys/a z 0", "slice toys/a z 1", "summary toys/a"])
        #expect(try toys.results() != before)
        toys.settings = [:]
        #expect(try toys.plan().summaries.map(\.foundAgain).reduce(0, +) == 4)
        #expect(try toys.run().ran.isEmpty)
        #expect(try toys.results() == before)
        #expect(try toys.plan().hasWork == false)
    }

    @Test("a changed voxel size makes stale exactly what reads it")
    func voxelSize() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha", voxelSize: 10)
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<1)
        try toys.run()
        try toys.add("a", voxelSize: 13.48)
        #expect(try toys.run().ran == ["scale toys/a", "summary toys/a"])
    }

    @Test("a new slab touches its own chain only, and slices that slabs share are computed once")
    func slabs() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<3)
        try toys.run()
        let slab = try toys.catalog.collection.addSlab(tomogramID: id, z: 2..<4)
        #expect(try toys.run().ran == ["slab toys/a z 2..<4", "slice toys/a z 3", "summary toys/a"])
        try toys.catalog.collection.remove(.slabs, ids: [#require(slab.id)])
        // The summary of one slab is known from before.
        #expect(try toys.run().ran.isEmpty)
        try toys.catalog.collection.addSlab(tomogramID: id, z: 2..<4)
        #expect(try toys.run().ran.isEmpty)
        #expect(try toys.plan().hasWork == false)
    }

    @Test("two tomograms of the same content share what does not depend on their file")
    func twins() throws {
        let toys = try ToyCollection()
        for name in ["a", "b"] { try toys.catalog.collection.addSlab(tomogramID: toys.add(name, text: "same"), z: 0..<1) }
        let ran = try toys.run(jobs: 1).ran
        #expect(ran.count { $0.hasPrefix("slice") } == 1)
        #expect(ran.count { $0.hasPrefix("read") } == 2)
        #expect(try toys.plan().hasWork == false)
    }

    @Test("a failure is recorded, what depends on it is skipped with the reason, and the rest goes on")
    func failure() throws {
        let toys = try ToyCollection()
        try toys.catalog.collection.addSlab(tomogramID: toys.add("a", text: "broken"), z: 0..<1)
        try toys.add("b", text: "fine")
        let report = try #require(try toys.run().report)
        #expect(report.progress.failed == 1)
        #expect(report.progress.skipped == 4)
        #expect(report.progress.ran == 3)
        #expect(report.progress.finished == report.progress.total)
        #expect(report.failures == ["read of toys/a: the file is broken"])
        let errors = try toys.catalog.unsafeRead {
            try String.fetchAll($0, sql: "SELECT DISTINCT error FROM v_failure ORDER BY 1")
        }
        #expect(errors.contains("the file is broken") && errors.contains("read of toys/a failed"))
        try toys.write("a", "mended")
        #expect(try #require(try toys.run().report).isComplete)
        #expect(try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_failure") } == 0)
    }

    @Test("a failure is over when the earlier result is taken up again")
    func failureAndReturn() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
        try toys.run()
        try FileManager.default.moveItem(atPath: toys.path("a"), toPath: toys.path("moved"))
        try toys.write("a", "broken")
        #expect(try toys.run().report?.progress.failed == 1)
        #expect(try toys.plan().summaries.map(\.failed).reduce(0, +) == 6)
        try FileManager.default.removeItem(atPath: toys.path("a"))
        try FileManager.default.moveItem(atPath: toys.path("moved"), toPath: toys.path("a"))
        // Fresh again, without a run.
        #expect(try toys.plan().summaries.map(\.failed).reduce(0, +) == 0)
        toys.settings["slice.gain.factor"] = "2"
        try toys.run()
        toys.settings = [:]
        try toys.run()
        #expect(
            try toys.catalog.unsafeRead {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM v_failure WHERE step IN ('slice', 'slab')")
            }
                == 0)
    }

    @Test("dropped bytes are computed again only when a step below needs them")
    func eviction() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
        try toys.run()
        let digests = try toys.catalog.results.reclaimableArtifacts().map(\.digest)
        #expect(digests.count == 2)
        try toys.store.remove(digests)
        try toys.catalog.results.setState(.evicted, of: digests)
        #expect(try toys.run().report == nil)
        toys.settings["slab.depth"] = "4"
        #expect(try toys.plan().summaries.first { $0.step == "slice" }?.restore == 2)
        #expect(try toys.run().ran == ["slab toys/a z 0..<2", "slice toys/a z 0", "slice toys/a z 1", "summary toys/a"])
        #expect(digests.allSatisfy(toys.store.contains))
        #expect(try toys.plan().hasWork == false)
    }

    @Test("a file that is gone leaves what was computed from it, and is named")
    func missingSource() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        try toys.run()
        try FileManager.default.removeItem(atPath: toys.path("a"))
        let plan = try toys.plan()
        #expect(plan.hasWork == false)
        #expect(plan.missingSources == ["toys/a"])
    }

    @Test("a second run is refused with the owner's name while the first one goes on")
    func lock() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        let lock = try RunLock(toys.catalog)
        #expect(throws: CatalogError.self) { try toys.run() }
        withExtendedLifetime(lock) {}
    }

    @Test("fail-fast begins nothing new after a failure")
    func failFast() throws {
        let toys = try ToyCollection()
        for index in 0..<60 { try toys.add("t\(index)", text: "broken") }
        let report = try #require(try toys.run(jobs: 1, failsFast: true).report)
        #expect(report.wasStopped)
        #expect(report.progress.finished < report.progress.total)
    }
}
