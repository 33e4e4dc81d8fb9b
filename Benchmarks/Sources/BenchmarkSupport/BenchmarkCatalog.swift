public import BlobStore
public import Catalog
public import Engine
internal import Foundation
internal import Volumes

/// A catalog of tomograms that are empty files, each of its own: what the planner asks the file system about them is
/// what it asks about real ones.
public struct BenchmarkCatalog {
    public let catalog: Catalog
    public let store: BlobStore
    public let graph: StepGraph
    public let recipe: Recipe

    private init(_ catalog: Catalog, steps: [any Step]) throws {
        self.catalog = catalog
        store = try BlobStore(directory: catalog.directory.blobs)
        graph = try StepGraph(steps)
        recipe = Recipe(steps: graph.steps)
    }

    private static func directory(in folder: String) -> CatalogDirectory { CatalogDirectory(path: "\(folder)/.cellar") }

    public static func open(in folder: String, steps: [any Step]) throws -> BenchmarkCatalog {
        try BenchmarkCatalog(Catalog.open(at: directory(in: folder)), steps: steps)
    }

    /// Makes the catalog, the files beside it, a thousand in a folder, and adds them.
    public static func make(in folder: String, tomograms: Int, steps: [any Step]) throws -> BenchmarkCatalog {
        let made = try BenchmarkCatalog(Catalog.create(at: directory(in: folder)), steps: steps)
        guard let shape = VolumeShape(z: 1, y: 1, x: 1) else { return made }
        for first in stride(from: 0, to: tomograms, by: 1000) {
            let subfolder = "\(folder)/tomograms/\(first / 1000)"
            try FileManager.default.createDirectory(atPath: subfolder, withIntermediateDirectories: true)
            let batch = try (first..<min(first + 1000, tomograms)).map { number in
                let path = "\(subfolder)/tomogram_\(number).mrc"
                try Data().write(to: URL(fileURLWithPath: path))
                return NewTomogram(
                    name: "tomogram_\(number)", location: VolumeLocation(path: path), format: "MRC", scalarType: .float32,
                    shape: shape, headerVoxelSize: VoxelSize(cubicInAngstroms: 10))
            }
            try made.catalog.collection.add(batch, dataset: "benchmark")
        }
        return made
    }

    /// Runs what is stale.
    @discardableResult
    public func run(jobs: Int) throws -> RunReport? {
        let options = Runner.Options(jobs: jobs, command: "benchmark", version: "0")
        return try Runner(catalog, store: store, graph: graph, recipe: recipe, options: options).run()
    }
}
