import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("Files and folders that people name") struct StorageTests {
    @Test("what is no regular file is refused at once: a named pipe, a folder, a device", .timeLimit(.minutes(1)))
    func regularFiles() throws {
        let folder = try TemporaryDirectory()
        mkfifo(folder.file("pipe.csv"), 0o644)
        for path in [folder.file("pipe.csv"), folder.path, "/dev/zero", folder.file("missing.csv"), ""] {
            #expect(throws: VolumeError.self, "\(path)") { try FileSource(path: path) }
        }
        #expect(throws: VolumeError.self) { try PointFile.read(folder.file("pipe.csv"), convention: .angstrom) }
        #expect(try FileSource(path: folder.write("file", [1, 2])).bytes(at: 0, count: 2) == [1, 2])
    }

    @Test("folders are made with those above them, all or none")
    func newFolders() throws {
        let folder = try TemporaryDirectory()
        try NewFolder.make(folder.file("a/b//c/"))
        try NewFolder.make(folder.file("a/b/c"))
        try folder.write("a/file", [1])
        for path in ["a/file/x", "d/e/" + String(repeating: "f", count: 300), "a/g/" + String(repeating: "h/", count: 2500)] {
            #expect(throws: VolumeError.self) { try NewFolder.make(folder.file(path)) }
        }
        #expect(throws: VolumeError.self) { try NewFolder.make("") }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == ["a", "a/b", "a/b/c", "a/file"])
    }

    @Test("a slice that no volume can have is an error, and no overflow")
    func farSlices() throws {
        let folder = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 2, y: 2, x: 2))
        let writer = try MRCWriter(path: folder.file("v.mrc"), shape: shape, scalarType: .float32, voxelSize: nil)
        try writer.append(#require(VoxelBuffer(shape: shape, values: [Float](repeating: 1, count: 8))))
        try writer.finish()
        let volume = try VolumeLocation(path: folder.file("v.mrc")).open()
        for z in [2, -1, Int.max, Int.min] { #expect(throws: VolumeError.self) { try volume.readSlice(z: z) } }
    }
}
