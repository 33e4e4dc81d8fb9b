import BlobStore
import Catalog
import Engine
import TestSupport
import ToySteps

extension ToyCollection {
    /// A new collection in a temporary directory that lives as long as it.
    convenience init(probe: (@Sendable (StorePoint) throws -> Void)? = nil) throws {
        let directory = try TemporaryDirectory()
        try self.init(folder: directory.path, owner: directory, probe: probe)
    }

    /// Three tomograms, two of which hold the same, with slabs that overlap and an annotation.
    func fill() throws {
        let first = try add("a", text: "alpha", voxelSize: 10)
        try catalog.collection.addSlab(tomogramID: first, z: 0..<3)
        try catalog.collection.addSlab(tomogramID: first, z: 2..<5)
        try annotate(first, name: "membranes", content: "drawn")
        try catalog.collection.addSlab(tomogramID: add("b", text: "alpha"), z: 1..<4)
        try catalog.collection.addSlab(tomogramID: add("c", text: "gamma"), z: 7..<9)
    }

    /// What a new catalog gives for the tomograms of `fill` under the same settings.
    func cleanResults() throws -> [String: String] {
        let clean = try ToyCollection()
        try clean.fill()
        clean.settings = settings
        clean.steps.versions = steps.versions
        guard try clean.run().report?.isComplete == true else { throw ToyError(description: "the clean run failed") }
        return try clean.results()
    }
}
