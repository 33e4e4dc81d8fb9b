import Basics
import BlobStore
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("The inventory")
struct InventoryTests {
    @Test("lists artifacts in order, and whatever else there is")
    func listing() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        var digests: [Digest] = []
        for index in 0..<20 {
            digests.append(try store.put { try $0.write("a", shape: [1], values: [Int64(index)]) })
        }
        let staged = try store.stage(kind: "test") { _ in }
        let shard = "blobs/\(digests[0].hexadecimal.prefix(2))"
        let otherShard = digests[0].hexadecimal.hasPrefix("00") ? "01" : "00"
        let foreign = [
            try temporary.directory.write("blobs/notes.txt", "hello".utf8),
            try temporary.directory.write("\(shard)/\(digests[0].hexadecimal).h5.part", [0]),
            try temporary.directory.write("blobs/\(otherShard)/\(digests[0].hexadecimal).h5", [0]),
            try temporary.directory.write("\(shard)/\(digests[1].hexadecimal.uppercased()).h5", [0]),
        ]
        let inventory = try store.inventory()
        #expect(inventory.digests == digests.sorted())
        #expect(Set(inventory.strays.filter { !$0.isStaged }.map(\.path)) == Set(foreign))
        #expect(inventory.strays.filter(\.isStaged).map(\.byteCount) == [staged.byteCount])
        #expect(inventory.strays.first { $0.path == foreign[0] }?.byteCount == 5)
    }

    @Test("only strays of staging that are old enough are removed")
    func removal() throws {
        let temporary = try TemporaryStore()
        let old = try temporary.directory.write("blobs/staging/old.h5", [1, 2])
        let new = try temporary.directory.write("blobs/staging/new.h5", [1])
        let foreign = try temporary.directory.write("blobs/foreign.h5", [1])
        let hourAgo = Date(timeIntervalSinceNow: -3600)
        for path in [old, foreign] { try FileManager.default.setAttributes([.modificationDate: hourAgo], ofItemAtPath: path) }
        let removed = try temporary.store.removeStrays(olderThan: .seconds(1800))
        #expect(removed.map(\.path) == [old])
        #expect(removed.allSatisfy { $0.age > .seconds(3500) && $0.age < .seconds(3700) })
        #expect(!FileManager.default.fileExists(atPath: old))
        #expect(FileManager.default.fileExists(atPath: new))
        #expect(FileManager.default.fileExists(atPath: foreign))
    }

    @Test("what a network file system keeps of a removed file that is open is neither an artifact nor a stray")
    func networkLeftovers() throws {
        let temporary = try TemporaryStore()
        for name in [".nfs000000000123", "staging/.nfs000000000456"] { try temporary.directory.write("blobs/\(name)", [1]) }
        #expect(try temporary.store.inventory() == ([], []))
        #expect(try temporary.store.removeStrays(olderThan: .zero) == [])
    }

    @Test("a store cannot be where a file is")
    func noFolder() throws {
        let directory = try TemporaryDirectory()
        try directory.write("file", [0])
        let error = #expect(throws: BlobError.self) { try BlobStore(directory: directory.file("file")) }
        #expect(error?.code == .unwritable)
    }
}
