import Basics
import BlobStore
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("Damage is found")
struct DamageTests {
    private let temporary: TemporaryStore
    private let digest: Digest
    private let bytes: [UInt8]
    private let sample = SampleArtifact()

    init() throws {
        temporary = try TemporaryStore()
        digest = try temporary.store.put(sample.write)
        bytes = Array(try Data(contentsOf: URL(fileURLWithPath: temporary.store.path(of: digest))))
    }

    private func replace(_ bytes: [UInt8]) throws {
        let path = temporary.store.path(of: digest)
        try FileManager.default.removeItem(atPath: path)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Whether the content is what was written; what throws a ``BlobError`` was found out.
    private func isIntact() -> Bool? {
        do throws(BlobError) {
            try temporary.store.verify(digest, deep: true)
            let artifact = try temporary.store.open(digest)
            return try artifact.read("values", as: Float.self) == sample.values
                && artifact.attributes == Dictionary(uniqueKeysWithValues: sample.attributes)
        } catch {
            return nil
        }
    }

    @Test("a flipped bit anywhere is found by a deep check, or changes nothing that is read")
    func flippedBits() throws {
        var flipped = 0
        var found = 0
        for index in stride(from: 0, to: bytes.count, by: 5) {
            var damaged = bytes
            damaged[index] ^= 1 << (index % 8)
            try replace(damaged)
            flipped += 1
            guard let isIntact = isIntact() else {
                found += 1
                continue
            }
            #expect(isIntact, "byte \(index)")
        }
        // What is not found are gaps between HDF5's structures.
        #expect(found > flipped / 2)
    }

    @Test("a file cut short at any length is found by a shallow check")
    func truncation() throws {
        for count in stride(from: 0, to: bytes.count, by: 13) {
            try replace(Array(bytes.prefix(count)))
            let error = #expect(throws: BlobError.self) { try temporary.store.verify(digest, deep: false) }
            #expect(error?.code == .corrupt)
        }
    }

    @Test("zeros and noise in place of a part of the file are found")
    func overwriting() throws {
        var generator = RandomStream(state: 1)
        for start in stride(from: 0, to: bytes.count, by: 64) {
            for isNoise in [false, true] {
                var damaged = bytes
                for index in start..<min(start + 64, bytes.count) {
                    damaged[index] = isNoise ? UInt8.random(in: .min ... .max, using: &generator) : 0
                }
                try replace(damaged)
                let isIntact = isIntact()
                #expect(isIntact != false)
            }
        }
    }

    @Test("a file with other content under this name is found by a shallow check")
    func otherContent() throws {
        let other = try temporary.store.put { try $0.write("a", shape: [1], values: [1.0]) }
        try replace(Array(try Data(contentsOf: URL(fileURLWithPath: temporary.store.path(of: other)))))
        let error = #expect(throws: BlobError.self) { try temporary.store.open(digest) }
        #expect(error?.message.contains("it is the artifact \(other.abbreviated) by its content") == true)
    }

    @Test("what is proved is told from what is not")
    func conditions() throws {
        let store = temporary.store
        let path = store.path(of: digest)
        #expect(store.condition(of: digest, deep: true) == .sound)
        var damaged = bytes
        damaged[0] ^= 1
        try replace(damaged)
        guard case .damaged = store.condition(of: digest, deep: false) else {
            Issue.record("a wrong signature is no damage")
            return
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(store.condition(of: digest, deep: false) == .missing)
        // A link to itself, and a folder: what the system refuses to read, whoever asks.
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
        guard case .unknown(let refusal) = store.condition(of: digest, deep: false) else {
            Issue.record("what cannot be opened is taken for damage")
            return
        }
        #expect(refusal.code == .unreadable)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        guard case .unknown = store.condition(of: digest, deep: false) else {
            Issue.record("what cannot be read is taken for damage")
            return
        }
    }

    @Test("an artifact that cannot be read gives way to one of the same content that was just checked")
    func replacement() throws {
        let path = temporary.store.path(of: digest)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
        #expect(try temporary.store.put(sample.write) == digest)
        #expect(isIntact() == true)
    }

    @Test("garbage and an empty file are no artifacts")
    func garbage() throws {
        for bytes in [[], Array("This is no HDF5 file.".utf8), [UInt8](repeating: 0x89, count: 5000)] {
            try replace(bytes)
            let error = #expect(throws: BlobError.self) { try temporary.store.verify(digest, deep: false) }
            #expect(error?.code == .corrupt)
        }
    }
}
