import Basics
import Foundation
import TestSupport
import Testing

@testable import Catalog

@Suite("A folder of artifacts elsewhere") struct BlobsFolderTests {
    private let folder: TemporaryDirectory
    private let directory: CatalogDirectory
    private let blobs: String

    init() throws {
        folder = try TemporaryDirectory()
        directory = CatalogDirectory(path: folder.file("project/.cellar"))
        blobs = folder.file("scratch/blobs")
        _ = try Catalog.create(at: directory, blobs: blobs)
    }

    @Test("is found by every later process, and none is made in the catalog's folder")
    func recorded() throws {
        #expect(try directory.checkedBlobs() == blobs)
        #expect(directory.blobs == blobs)
        #expect(!FileManager.default.fileExists(atPath: "\(directory.path)/blobs"))
        let other = CatalogDirectory(path: folder.file("other/.cellar"))
        _ = try Catalog.create(at: other)
        #expect(try other.checkedBlobs() == "\(other.path)/blobs")
    }

    @Test("that is not empty is refused")
    func full() throws {
        try folder.write("full/file", [1])
        for place in ["full", "scratch/blobs"] {
            let other = CatalogDirectory(path: folder.file("\(place)-project/.cellar"))
            let error = #expect(throws: CatalogError.self) { try Catalog.create(at: other, blobs: folder.file(place)) }
            #expect(error?.message.contains("is not empty") == true)
        }
    }

    @Test("that is gone, unmounted, or that of another catalog is a sentence")
    func gone() throws {
        func sentence() -> String {
            let error = #expect(throws: CatalogError.self) { try directory.checkedBlobs() }
            #expect(error?.code == .blobsFolder)
            return error?.message ?? ""
        }
        let files = FileManager.default
        try files.moveItem(atPath: blobs, toPath: folder.file("away"))
        #expect(sentence().contains("is gone; mount its disk"))
        try files.createDirectory(atPath: blobs, withIntermediateDirectories: true)
        #expect(sentence().contains("mount the right disk"))
        try files.removeItem(atPath: blobs)
        let other = CatalogDirectory(path: folder.file("other/.cellar"))
        _ = try Catalog.create(at: other, blobs: blobs)
        #expect(sentence().contains("belongs to the catalog \(other.path)"))
        try files.removeItem(atPath: blobs)
        try files.moveItem(atPath: folder.file("away"), toPath: blobs)
        #expect(try directory.checkedBlobs() == blobs)
        try folder.write("project/.cellar/blobs.json", Array("{".utf8))
        #expect(sentence().contains("is not understood"))
    }

    @Test("goes along with a catalog that is moved, and is refused to a copy of one that is still there")
    func moved() throws {
        let files = FileManager.default
        let copy = CatalogDirectory(path: folder.file("copy"))
        try files.copyItem(atPath: directory.path, toPath: copy.path)
        let error = #expect(throws: CatalogError.self) { try copy.checkedBlobs() }
        #expect(error?.message.contains("is a copy of \(directory.path)") == true)
        #expect(try directory.checkedBlobs() == blobs)
        try files.removeItem(atPath: copy.path)
        try files.moveItem(atPath: directory.path, toPath: copy.path)
        #expect(try copy.checkedBlobs() == blobs)
    }
}
