import Basics
import BlobStore
import Foundation
import Glibc
import TestSupport
import Testing
import Volumes

@Suite("A full disk", .enabled(if: SmallDisk.isPermitted, "mounting a small file system is not permitted here"))
struct DiskFullTests {
    @Test("is told as such, many times in a row, leaves nothing, and is over when there is room")
    func largeArtifacts() throws {
        let disk = try SmallDisk(megabytes: 1)
        let store = try BlobStore(directory: "\(disk.path)/blobs")
        var generator = RandomStream(state: 1)
        let values = (0..<500_000).map { _ in UInt64.random(in: .min ... .max, using: &generator) }
        for attempt in 0..<60 {
            let error = #expect(throws: BlobError.self) {
                try store.stage(kind: "test") {
                    try $0.write("a", shape: [500, 1000], values: values, compression: attempt % 2)
                }
            }
            #expect(error?.code == .diskFull)
            #expect(error?.message.contains("the disk is full; free some space") == true)
            #expect(try store.inventory().strays.isEmpty)
        }
        let digest = try store.put { try $0.write("a", shape: [1000], values: Array(values.prefix(1000))) }
        try store.verify(digest, deep: true)
    }

    @Test("is noticed at whatever byte it begins")
    func smallArtifacts() throws {
        let disk = try SmallDisk(megabytes: 1)
        let store = try BlobStore(directory: "\(disk.path)/blobs")
        var outcomes: [Bool] = []
        for free in stride(from: 0, through: 300_000, by: 3 * 4096) {
            try disk.fill(leaving: free)
            do {
                let staged = try store.stage(kind: "test") { artifact in
                    // Data, then headers that are larger than HDF5's buffers.
                    for index in 0..<40 {
                        let text = String(repeating: "x", count: 2000)
                        try artifact.write(
                            "d\(index)", shape: [200], values: [Float](repeating: 1, count: 200), compression: 0,
                            attributes: ["text": .string(text)])
                    }
                }
                try store.commit([staged])
                try store.verify(staged.digest, deep: true)
                try store.remove(staged.digest)
                outcomes.append(true)
            } catch let error as BlobError {
                #expect(error.code == .diskFull)
                outcomes.append(false)
            }
            #expect(try store.inventory().strays.isEmpty)
            #expect(try store.inventory().digests.isEmpty)
        }
        #expect(outcomes.first == false)
        #expect(outcomes.last == true)
        #expect(outcomes == outcomes.sorted { !$0 && $1 })
    }

    @Test("leaves no open file behind")
    func descriptors() throws {
        let disk = try SmallDisk(megabytes: 1)
        let store = try BlobStore(directory: "\(disk.path)/blobs")
        func openFiles() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"))?.hasPrefix(disk.path)
                    == true
            }.count
        }
        try disk.fill(leaving: 8192)
        for _ in 0..<20 {
            #expect(throws: BlobError.self) {
                try store.stage(kind: "test") {
                    try $0.write("a", shape: [100_000], values: [Float](repeating: 1, count: 100_000), compression: 0)
                }
            }
        }
        #expect(try openFiles() == 0)
    }
}
