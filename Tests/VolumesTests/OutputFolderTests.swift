import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("A folder that is written")
struct OutputFolderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private let image = Array("{\"multiscales\": [{\"version\": \"0.4\", \"datasets\": [{\"path\": \"0\"}]}]}".utf8)

    private func folder(
        _ name: String, replacing: Bool = false, protecting protected: ProtectedFiles = .none
    ) throws(VolumeError) -> OutputFolder {
        try OutputFolder(directory.file(name), replacing: replacing, protecting: protected)
    }

    private func write(_ output: OutputFolder, _ text: String = "new") throws {
        let folder = try AtomicFolder(output)
        try folder.write(image, to: ".zattrs")
        try folder.write(Array(text.utf8), to: "0/1/2/3")
        try folder.commit()
    }

    private func text(_ name: String) throws -> String { try String(contentsOfFile: directory.file(name), encoding: .utf8) }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
    }

    @Test("appears where nothing is, and takes the place of an image only where it may")
    func replacing() throws {
        try write(folder("a.zarr/"))
        #expect(try text("a.zarr/0/1/2/3") == "new")
        try directory.write("a.zarr/old", Array("old".utf8))
        let error = try #require(throws: VolumeError.self) { try folder("a.zarr") }
        #expect(error.code == .alreadyExists && error.message.contains("--force"))
        try write(folder("a.zarr", replacing: true), "newer")
        #expect(try text("a.zarr/0/1/2/3") == "newer" && !FileManager.default.fileExists(atPath: directory.file("a.zarr/old")))
        #expect(try names == ["a.zarr"])
    }

    @Test("never takes the place of anything but an image")
    func others() throws {
        try directory.write("folder/file", [1])
        try directory.write("empty/file", [1])
        try FileManager.default.removeItem(atPath: directory.file("empty/file"))
        try directory.write("file.zarr", [1])
        try directory.write("group.zarr/.zgroup", Array("{\"zarr_format\": 2}".utf8))
        try directory.write("group.zarr/one/.zattrs", image)
        for (name, code) in [
            ("folder", .alreadyExists), ("empty", .alreadyExists), ("group.zarr", .alreadyExists), ("file.zarr", .unwritable),
            ("folder/..", .unwritable),
        ] as [(String, VolumeErrorCode)] {
            let error = try #require(throws: VolumeError.self, "\(name)") { try folder(name, replacing: true) }
            #expect(error.code == code, "\(name): \(error)")
        }
        for path in ["", "/", "//", ".", "a/.."] {
            let error = #expect(throws: VolumeError.self, "\(path)") {
                try OutputFolder(path, replacing: true, protecting: .none)
            }
            #expect(error?.code == .unwritable)
        }
        // What may go: an array, an image of either version, and what a killed program left.
        try directory.write("array.zarr/.zarray", Array("{}".utf8))
        try directory.write("claimed.zarr/.zgroup", Array("{\"zarr_format\": 2}".utf8))
        try directory.write(
            "three.zarr/zarr.json",
            Array(
                """
                {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"multiscales": [{"datasets": [{"path": "0"}]}]}}}
                """.utf8))
        for name in ["array.zarr", "claimed.zarr", "three.zarr"] {
            try write(folder(name, replacing: true))
            #expect(try text("\(name)/0/1/2/3") == "new")
        }
    }

    @Test("is never one that is known, lies in one, or holds one")
    func known() throws {
        try directory.write("tomogram.zarr/.zattrs", image)
        try directory.write("tomogram.zarr/0/0", [1])
        try directory.write("image.zarr/.zattrs", image)
        try directory.write("image.zarr/labels/mask.mrc", [1])
        try directory.write("other.zarr/.zattrs", image)
        var known = ProtectedFiles.none
        known.add(directory.file("tomogram.zarr"), as: "the tomogram d/t")
        known.add(directory.file("image.zarr/labels/mask.mrc"), as: "the labels of d/t")
        known.add(directory.file("other.zarr/away.mrc"), as: "the tomogram d/away")
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("link.zarr"), withDestinationPath: directory.file("tomogram.zarr"))
        for name in ["tomogram.zarr", "tomogram.zarr/new.zarr", "link.zarr", "image.zarr", "other.zarr"] {
            for replacing in [true, false] where replacing || name.hasPrefix("tomogram") || name.hasPrefix("link") {
                let error = try #require(throws: VolumeError.self, "\(name)") {
                    try folder(name, replacing: replacing, protecting: known)
                }
                #expect(error.code == .alreadyExists && error.message.contains("d/"), "\(name): \(error.message)")
            }
        }
        try write(folder("new.zarr", protecting: known))
    }

    @Test("replaces a link, and not what the link leads to")
    func links() throws {
        try write(folder("a.zarr"), "old")
        try FileManager.default.createSymbolicLink(atPath: directory.file("b.zarr"), withDestinationPath: "a.zarr")
        try write(folder("b.zarr", replacing: true))
        #expect(try text("a.zarr/0/1/2/3") == "old" && text("b.zarr/0/1/2/3") == "new")
        #expect(try names == ["a.zarr", "b.zarr"])
    }

    @Test("does not take a name that something else has taken meanwhile")
    func races() throws {
        let output = try folder("a.zarr")
        try write(folder("a.zarr"), "first")
        let error = try #require(throws: VolumeError.self) { try write(output) }
        #expect(error.code == .alreadyExists)
        let replacing = try folder("a.zarr", replacing: true)
        try FileManager.default.moveItem(atPath: directory.file("a.zarr"), toPath: directory.file("kept.zarr"))
        #expect(throws: VolumeError.self) { try write(replacing) }
        try write(folder("a.zarr"), "second")
        #expect(throws: VolumeError.self) { try write(replacing) }
        #expect(try text("a.zarr/0/1/2/3") == "second" && text("kept.zarr/0/1/2/3") == "first")
        #expect(try names == ["a.zarr", "kept.zarr"])
    }

    @Test("removes what a killed process left beside it, and not what another one writes")
    func abandoned() throws {
        try directory.write(".cellar-folder-1.tmp/0/0", [1])
        let writing = try AtomicFolder(folder("a.zarr"))
        try writing.write(image, to: ".zattrs")
        #expect(try names.count == 1)
        try write(folder("b.zarr"))
        #expect(try names.count == 2)
        try writing.commit()
        #expect(try names == ["a.zarr", "b.zarr"])
    }

    @Test("is refused where the folder above it does not exist")
    func refusals() throws {
        let error = try #require(throws: VolumeError.self) { try write(folder("absent/a.zarr")) }
        #expect(error.code == .unwritable && error.message.contains("its folder does not exist"))
    }
}
