import Basics
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("A file that is written") struct OutputFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: directory.file(name), encoding: .utf8)
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
    }

    private func write(_ name: String, replacing: Bool = false, protecting protected: ProtectedFiles = .none) throws {
        try OutputFile(directory.file(name), replacing: replacing, protecting: protected).write(Array("new".utf8))
    }

    @Test("appears where nothing is, and takes the place of another only where it may")
    func replacing() throws {
        try write("a")
        #expect(try text("a") == "new")
        try directory.write("a", Array("old".utf8))
        let error = try #require(throws: VolumeError.self) { try write("a") }
        #expect(error.code == .alreadyExists && error.message.contains("--force"))
        #expect(try text("a") == "old")
        try write("a", replacing: true)
        #expect(try text("a") == "new")
        #expect(try names == ["a"])
    }

    @Test("is never one that is known, however it is called")
    func known() throws {
        let files = FileManager.default
        try directory.write("data/t.mrc", Array("old".utf8))
        try directory.write("data/image.zarr/0/0.0.0", Array("old".utf8))
        var known = ProtectedFiles.none
        known.add(directory.file("data/t.mrc"), as: "the tomogram d/t")
        known.add(directory.file("data/image.zarr"), as: "the tomogram d/image")
        known.add(directory.file("away/t.mrc"), as: "the tomogram d/away")
        known.add(directory.file("away/image.zarr"), as: "the tomogram d/away-image")
        try files.createSymbolicLink(atPath: directory.file("link.mrc"), withDestinationPath: "data/t.mrc")
        try files.createSymbolicLink(atPath: directory.file("folder"), withDestinationPath: "data")
        try files.createSymbolicLink(atPath: directory.file("chunk"), withDestinationPath: "data/image.zarr/0/0.0.0")
        try files.linkItem(atPath: directory.file("data/t.mrc"), toPath: directory.file("hard.mrc"))
        try files.linkItem(atPath: directory.file("data/image.zarr/0/0.0.0"), toPath: directory.file("hard.chunk"))
        for name in [
            "data/t.mrc", "data/../data/./t.mrc", "link.mrc", "folder/t.mrc", "hard.mrc", "data/image.zarr",
            "data/image.zarr/0/0.0.0",
            "data/image.zarr/new", "data/image.zarr/new/deep/er", "folder/image.zarr/0/new", "chunk", "hard.chunk", "away/t.mrc",
            "away/image.zarr/0/0.0.0",
        ] {
            for replacing in [false, true] {
                let error = #expect(throws: VolumeError.self, "\(name)") {
                    try write(name, replacing: replacing, protecting: known)
                }
                #expect(error?.code == .alreadyExists, "\(name)")
                #expect(error?.message.contains("the tomogram d/") == true, "\(name): \(error?.message ?? "")")
            }
        }
        #expect(try text("data/t.mrc") == "old" && text("hard.mrc") == "old" && text("data/image.zarr/0/0.0.0") == "old")
        // Beside what is known there is room.
        try write("data/labels.mrc", protecting: known)
        try write("away.mrc", protecting: known)
    }

    @Test("is no folder, device or pipe, be it that it may replace")
    func otherKinds() throws {
        try FileManager.default.createDirectory(atPath: directory.file("folder"), withIntermediateDirectories: true)
        #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
        try FileManager.default.createSymbolicLink(atPath: directory.file("null"), withDestinationPath: "/dev/null")
        for name in ["folder", "pipe", "null", "", "folder/"] {
            let error = #expect(throws: VolumeError.self, "\(name)") { try write(name, replacing: true) }
            #expect(error?.code == .unwritable, "\(name)")
        }
        #expect(throws: VolumeError.self) { try OutputFile("/dev/full", replacing: true, protecting: .none) }
        let long = #expect(throws: VolumeError.self) { try write(String(repeating: "a", count: 5000)) }
        #expect(long?.code == .unwritable)
        #expect(try names == ["folder", "null", "pipe"])
    }

    @Test("a link that may be replaced is, and what it leads to stays")
    func links() throws {
        try directory.write("a", Array("old".utf8))
        try FileManager.default.createSymbolicLink(atPath: directory.file("link"), withDestinationPath: "a")
        try FileManager.default.createSymbolicLink(atPath: directory.file("dangling"), withDestinationPath: "nothing")
        for name in ["link", "dangling"] {
            #expect(throws: VolumeError.self) { try write(name) }
            try write(name, replacing: true)
            #expect(try text(name) == "new")
        }
        #expect(try text("a") == "old")
        #expect(try names == ["a", "dangling", "link"])
    }

    @Test("what came under its name while it was written stays", arguments: [false, true])
    func races(wasThere: Bool) throws {
        if wasThere { try directory.write("a", Array("older".utf8)) }
        let output = try OutputFile(directory.file("a"), replacing: true, protecting: .none)
        // Another file, not the same one with other bytes.
        try directory.write("b", Array("other".utf8))
        #expect(rename(directory.file("b"), directory.file("a")) == 0)
        let error = try #require(throws: VolumeError.self) { try output.write(Array("new".utf8)) }
        #expect(error.code == .alreadyExists)
        #expect(try text("a") == "other")
        #expect(try names == ["a"])
    }
}
