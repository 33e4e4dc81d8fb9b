internal import Basics
public import BlobStore
public import Catalog
import CatalogSchema
public import Engine
import Foundation
import Synchronization
import Volumes

/// A catalog of toy tomograms in a folder: text files of a few lines.
public final class ToyCollection {
    /// The folder: `.cellar` and `data` are in it.
    public let folder: String
    public let catalog: Catalog
    public var store: BlobStore
    public var steps = ToySteps()
    /// What differs from the defaults of the recipe.
    public var settings: [String: String] = [:]

    /// The depth of every toy tomogram.
    public static let depth = 40

    private let owner: (any Sendable)?

    /// Opens the collection in a folder, or makes it.
    ///
    /// - Parameters:
    ///   - owner: what the folder lives as long as.
    ///   - probe: is told of every point of publishing, as `BlobStore` says.
    public init(
        folder: String, owner: (any Sendable)? = nil, probe: (@Sendable (StorePoint) throws -> Void)? = nil
    ) throws {
        self.folder = folder
        self.owner = owner
        let place = CatalogDirectory(path: "\(folder)/.cellar")
        catalog = try place.exists ? Catalog.open(at: place) : Catalog.create(at: place)
        store = try BlobStore(directory: place.blobs, probe: probe)
    }

    // MARK: Tomograms

    public func path(_ file: String) -> String { "\(folder)/data/\(file).txt" }

    /// Writes a tomogram's file.
    public func write(_ file: String, _ text: String) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(file)))
        try touch(file)
    }

    /// Gives a file a time of change that no other has: the clock of a file system ticks too seldom for tests.
    public func touch(_ file: String) throws {
        let tick = Self.ticks.wrappingAdd(1, ordering: .relaxed).newValue
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 + Double(tick))], ofItemAtPath: path(file))
    }

    private static let ticks = Atomic<Int>(0)

    /// Adds a tomogram, or changes what is known of it.
    ///
    /// - Parameter file: the name of its file, where that is another than its own.
    @discardableResult
    public func add(
        _ name: String, file: String? = nil, text: String? = nil, voxelSize: Double? = nil, dataset: String = "toys",
        defaultVoxelSize: Double? = nil
    ) throws -> Int64 {
        if let text { try write(file ?? name, text) }
        guard let shape = VolumeShape(z: Self.depth, y: 4, x: 4) else { throw ToyError(description: "no shape") }
        let tomogram = NewTomogram(
            name: name, location: VolumeLocation(path: path(file ?? name)), format: "text", scalarType: .uint8, shape: shape,
            userVoxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) })
        return try catalog.collection.add([tomogram], dataset: dataset, defaultVoxelSizeInAngstroms: defaultVoxelSize)[0].id
    }

    /// Adds an annotation whose content is a word, or replaces the one of that name.
    @discardableResult
    public func annotate(_ tomogramID: Int64, name: String, content: String) throws -> Int64 {
        try catalog.collection.annotate(
            tomogramID: tomogramID,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: path(name)), classes: [.init(name: content, value: 1)],
                contentDigest: Digest(of: content.utf8)))
    }

    // MARK: Training

    /// Makes a training set of slabs and annotations, and the current one.
    public func train(_ name: String, slabs: [Int64], annotations: [Int64] = []) throws {
        try catalog.collection.addTrainingSet(named: name, slabs: slabs, annotations: annotations)
        try catalog.collection.useTrainingSet(named: name)
    }

    // MARK: Running

    public func graph() throws -> StepGraph { try StepGraph(steps.all) }

    public func recipe() throws -> Recipe {
        var recipe = Recipe(steps: try graph().steps)
        for (key, value) in settings { try recipe.set(key, to: value) }
        return recipe
    }

    public func plan(selection: [Int64]? = nil) throws -> Plan {
        try Planner(catalog, graph: graph(), recipe: recipe()).plan(selection: selection)
    }

    /// Runs what is stale, and says which items ran.
    @discardableResult
    public func run(
        selection: [Int64]? = nil, jobs: Int = 2, failsFast: Bool = false, place: ExecutionPlace = .threads,
        cancellation: Cancellation = Cancellation(),
        progress: (RunProgress) -> Void = { _ in }
    ) throws -> (report: RunReport?, ran: [String]) {
        let runner = Runner(
            catalog, store: store, graph: try graph(), recipe: try recipe(),
            options: .init(jobs: jobs, failsFast: failsFast, place: place, command: "test", version: "0"))
        let report = try runner.run(selection: selection, cancellation: cancellation, progress: progress)
        return (report, steps.log.take())
    }

    public func explain(_ tomogramID: Int64) throws -> Explanation {
        try Explainer(catalog, graph: graph(), recipe: recipe()).explain(tomogramID: tomogramID)
    }
}
