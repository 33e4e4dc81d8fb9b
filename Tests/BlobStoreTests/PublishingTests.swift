import Basics
import BlobStore
import Foundation
import Synchronization
import TestSupport
import Testing
import Volumes

@Suite("Publishing is all or nothing")
struct PublishingTests {
    private struct Injected: Error {}

    private func stage(_ value: Int, in store: BlobStore) throws -> StagedArtifact {
        try store.stage(kind: "test") { try $0.write("a", shape: [1], values: [Int64(value)]) }
    }

    @Test("a staged artifact is invisible, a published one is there, read-only, at its path")
    func visibility() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let staged = try stage(1, in: store)
        #expect(!store.contains(staged.digest))
        #expect(try store.inventory().digests.isEmpty)
        try store.commit([staged])
        #expect(store.contains(staged.digest))
        #expect(store.byteCount(of: staged.digest) == staged.byteCount)
        #expect(try store.inventory().digests == [staged.digest])
        #expect(try temporary.stagingNames.isEmpty)
        let path = store.path(of: staged.digest)
        #expect(path == "\(store.directory)/\(staged.digest.hexadecimal.prefix(2))/\(staged.digest.hexadecimal).h5")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect((mode ?? 0o777) & 0o222 == 0)
    }

    @Test("all points are passed, in their order")
    func order() throws {
        let passed = Mutex<[StorePoint]>([])
        let temporary = try TemporaryStore { point in passed.withLock { $0.append(point) } }
        try temporary.store.commit([try stage(1, in: temporary.store)])
        #expect(passed.withLock { $0 } == StorePoint.allCases)
    }

    @Test("what throws at a point leaves nothing half-visible, and the next attempt succeeds", arguments: StorePoint.allCases)
    func failure(at point: StorePoint) throws {
        let isArmed = Mutex(true)
        let temporary = try TemporaryStore { passed in
            if passed == point, isArmed.withLock({ $0 }) { throw Injected() }
        }
        let store = temporary.store
        func attempt() throws { try store.commit([try stage(1, in: store), try stage(2, in: store)]) }
        let error = #expect(throws: BlobError.self) { try attempt() }
        #expect(error?.code == .unwritable)
        #expect(try temporary.stagingNames.count <= 1)
        let visible = try store.inventory()
        #expect(visible.strays.filter { !$0.isStaged }.isEmpty)
        for digest in visible.digests { try store.verify(digest, deep: true) }
        if ![.renamed, .directoriesSynced].contains(point) { #expect(visible.digests.isEmpty) }
        isArmed.withLock { $0 = false }
        try attempt()
        #expect(try store.inventory().digests.count == 2)
    }

    @Test("a full disk at a point is told as such", arguments: StorePoint.allCases)
    func fullDisk(at point: StorePoint) throws {
        let temporary = try TemporaryStore { passed in
            if passed == point { throw BlobError(.diskFull, "injected", path: "/") }
        }
        let error = #expect(throws: BlobError.self) {
            try temporary.store.commit([try stage(1, in: temporary.store)])
        }
        #expect(error?.code == .diskFull)
        #expect(try temporary.stagingNames.isEmpty)
    }

    @Test("what is present already is not written again")
    func presence() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let first = try stage(1, in: store)
        try store.commit([first])
        let number = try FileManager.default.attributesOfItem(atPath: store.path(of: first.digest))[.systemFileNumber] as? Int
        try store.commit([try stage(1, in: store), try stage(1, in: store)])
        let second = try FileManager.default.attributesOfItem(atPath: store.path(of: first.digest))[.systemFileNumber] as? Int
        #expect(number != nil)
        #expect(second == number)
        #expect(try temporary.stagingNames.isEmpty)
    }

    @Test("a damaged artifact is replaced by a sound one")
    func healing() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let first = try stage(1, in: store)
        try store.commit([first])
        let path = store.path(of: first.digest)
        try FileManager.default.removeItem(atPath: path)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
        #expect(throws: BlobError.self) { try store.open(first.digest) }
        try store.commit([try stage(1, in: store)])
        try store.verify(first.digest, deep: true)
    }

    @Test("several threads stage and publish at once, some of them the same")
    func concurrency() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { worker in
            do {
                var staged: [StagedArtifact] = []
                for index in 0..<16 { staged.append(try stage(index + worker / 2 * 16, in: store)) }
                try store.commit(staged)
                for artifact in staged { _ = try store.open(artifact.digest).read("a", as: Int64.self) }
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        let inventory = try store.inventory()
        #expect(inventory.digests.count == 64)
        #expect(inventory.strays.isEmpty)
    }

    @Test("an artifact is read by several threads at once")
    func concurrentReading() throws {
        let temporary = try TemporaryStore()
        let values = (0..<300_000).map { Int32($0) }
        let digest = try temporary.store.put { try $0.write("a", shape: [300, 1000], values: values, chunk: [7, 300]) }
        let artifact = try temporary.store.open(digest)
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 32) { index in
            let rows = index * 9..<index * 9 + 21
            let read = try? artifact.readRows("a", rows, as: Int32.self)
            if read != Array(values[rows.lowerBound * 1000..<rows.upperBound * 1000]) { wrong.withLock { $0 += 1 } }
        }
        #expect(wrong.withLock { $0 } == 0)
    }

    @Test("removed artifacts are gone, open ones stay readable, absent ones do not matter")
    func removal() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let digest = try store.put { try $0.write("a", shape: [1], values: [1.0]) }
        let artifact = try store.open(digest)
        try store.remove(digest)
        #expect(!store.contains(digest))
        #expect(try artifact.read("a", as: Double.self) == [1])
        try store.remove([digest])
        let error = #expect(throws: BlobError.self) { try store.open(digest) }
        #expect(error?.code == .missing)
    }
}
