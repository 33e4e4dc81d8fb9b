import Foundation
import TestSupport
import Testing
import Volumes

@testable import Engine

@Suite("The signature of a store") struct SourceSignatureTests {
    /// A store of two levels, with 2 × 2 × 2 chunks each.
    private func store() throws -> (TemporaryDirectory, VolumeLocation) {
        let directory = try TemporaryDirectory()
        try directory.write("s.zarr/.zgroup", "{}".utf8)
        try directory.write("s.zarr/.zattrs", "{}".utf8)
        for level in 0..<2 {
            try directory.write("s.zarr/\(level)/.zarray", "{}".utf8)
            for chunk in 0..<8 {
                try directory.write("s.zarr/\(level)/\(chunk / 4)/\(chunk / 2 % 2)/\(chunk % 2)", [UInt8(chunk)])
            }
        }
        return (directory, VolumeLocation(path: directory.file("s.zarr")))
    }

    @Test("asks about folders and metadata, and about no chunk")
    func content() throws {
        let (directory, location) = try store()
        defer { withExtendedLifetime(directory) {} }
        let text = try #require(SourceSignature(location)).text
        // The store, its levels, and for each level 2 folders along z with 2 along y each.
        #expect(text.contains("15 folders, 4 metadata files"), "\(text)")
        #expect(SourceSignature(location) == SourceSignature(location))
    }

    @Test("changes with chunks that come, go or are replaced, and with metadata")
    func changes() throws {
        let (directory, location) = try store()
        let files = FileManager.default
        let edits: [(String, () throws -> Void)] = [
            ("a chunk comes", { try directory.write("s.zarr/0/1/1/7", [1]) }),
            ("a chunk goes", { try files.removeItem(atPath: directory.file("s.zarr/1/0/1/1")) }),
            (
                "a chunk is written anew, as zarr does",
                {
                    try directory.write("s.zarr/0/0/0/0.partial", [9])
                    guard rename(directory.file("s.zarr/0/0/0/0.partial"), directory.file("s.zarr/0/0/0/0")) == 0 else {
                        throw CocoaError(.fileWriteUnknown)
                    }
                }
            ), ("metadata", { try directory.write("s.zarr/.zattrs", "{ }".utf8) }),
            ("a level comes", { try directory.write("s.zarr/2/.zarray", "{}".utf8) }),
            ("version 3", { try directory.write("s.zarr/zarr.json", "{}".utf8) }),
            (
                "another store takes its place",
                {
                    try files.moveItem(atPath: location.path, toPath: directory.file("old"))
                    try files.copyItem(atPath: directory.file("old"), toPath: location.path)
                }
            ),
        ]
        var last = try #require(SourceSignature(location))
        for (name, edit) in edits {
            // Times of change are as fine as the kernel's clock, which ticks every few milliseconds.
            usleep(20_000)
            try edit()
            let now = try #require(SourceSignature(location))
            #expect(now != last && now.digest != last.digest, "\(name)")
            last = now
        }
        try files.removeItem(atPath: location.path)
        #expect(SourceSignature(location) == nil)
    }

    @Test("ends where links lead in a circle")
    func links() throws {
        let (directory, location) = try store()
        try FileManager.default.createSymbolicLink(atPath: directory.file("s.zarr/0/loop"), withDestinationPath: location.path)
        #expect(try #require(SourceSignature(location)).text.contains("15 folders, 5 metadata files"))
    }
}
