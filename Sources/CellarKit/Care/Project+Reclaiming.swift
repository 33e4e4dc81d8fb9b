import Basics
import BlobStore
public import Catalog
import CatalogSchema
public import Engine

/// What is to be dropped to save disk.
public struct ReclaimingRequest: Sendable, Hashable {
    /// How many bytes of artifacts may stay; nil for all that are needed.
    public var budget: Int?
    /// Whether results of what was removed go.
    public var dropsRemoved: Bool
    /// The number of newest runs whose results stay though they do not stand; nil for all.
    public var keptRuns: Int?

    /// A request; by its defaults only stray files go.
    public init(budget: Int? = nil, dropsRemoved: Bool = false, keptRuns: Int? = nil) {
        self.budget = budget
        self.dropsRemoved = dropsRemoved
        self.keptRuns = keptRuns
    }

    fileprivate var unneeded: Catalog.Unneeded { Catalog.Unneeded(ofRemoved: dropsRemoved, keptRuns: keptRuns) }
}

/// What can be dropped, and how much disk that saves.
public struct Reclamation: Sendable {
    /// Files without a result: written by a run that was killed, or known to no row.
    public fileprivate(set) var strays: (count: Int, byteCount: Int) = (0, 0)
    /// Folders of items that were stopped, and under whose key nothing is to run.
    public fileprivate(set) var abandoned: [WorkFolder.Workspace] = []
    /// Folders of items from which a run would go on: they stay.
    public fileprivate(set) var continued: [WorkFolder.Workspace] = []
    /// Results of tomograms, annotations, slabs and training sets that were removed, whether or not they are to go.
    public let ofRemoved: Catalog.UnneededCount
    /// Results of older runs; nil where all runs are kept.
    public fileprivate(set) var ofOlderRuns: Catalog.UnneededCount?
    /// Evictable artifacts that go for the budget, the least useful first.
    public fileprivate(set) var evicted: [Catalog.Reclaimable] = []
    /// The bytes of artifacts that stay.
    public fileprivate(set) var keptByteCount = 0

    fileprivate var orphans: [Digest] = []

    fileprivate init(ofRemoved: Catalog.UnneededCount) { self.ofRemoved = ofRemoved }
}

extension Project {
    /// What can be dropped. Nothing is changed.
    ///
    /// - Throws: `CatalogError`, `EngineError` or `BlobError` where the catalog, the recipe or the folders cannot be read.
    public func reclaimable(_ request: ReclaimingRequest) throws -> Reclamation {
        var found = Reclamation(ofRemoved: try catalog.results.count(Catalog.Unneeded(ofRemoved: true)))
        let workspaces = try WorkFolder(directory).workspaces()
        let wanted = Set(workspaces.map(\.key))
        var keys = try planner().continuedKeys(among: wanted)
        // What somebody asked for by name, and nothing reads, goes on when it is asked for again.
        for step in graph.steps where step.runsOnlyWhereRead && keys.count < wanted.count {
            keys.formUnion(try planner(until: step.name).continuedKeys(among: wanted))
        }
        found.abandoned = workspaces.filter { !keys.contains($0.key) }
        found.continued = workspaces.filter { keys.contains($0.key) }

        let store = try store()
        let inventory = try store.inventory()
        // What workers of a cluster staged is published by the next run there.
        let owners = SpooledBundle.owners(of: directory)
        let staged = inventory.strays.filter { $0.isStaged && !$0.isOwned(by: owners) }
        let known = Set(try catalog.results.artifacts().filter { $0.state == .present }.map(\.digest))
        found.orphans = inventory.digests.filter { !known.contains($0) }
        found.strays.count = staged.count + found.orphans.count
        found.strays.byteCount =
            found.orphans.reduce(0) { $0 + (store.byteCount(of: $1) ?? 0) } + staged.reduce(0) { $0 + $1.byteCount }

        found.ofOlderRuns = try request.keptRuns.map { try catalog.results.count(Catalog.Unneeded(keptRuns: $0)) }
        found.keptByteCount = try catalog.results.artifactBytes()
        if request.unneeded != Catalog.Unneeded() { found.keptByteCount -= try catalog.results.count(request.unneeded).bytes }
        if let budget = request.budget {
            for candidate in try catalog.results.reclaimableArtifacts() where found.keptByteCount > budget {
                found.evicted.append(candidate)
                found.keptByteCount -= candidate.bytes
            }
        }
        return found
    }

    /// Drops what can be dropped, while nobody else may write.
    ///
    /// - Parameters:
    ///   - report: called with what is going to be dropped, before anything is.
    ///   - progress: called while files are removed.
    /// - Throws: `CatalogError` where another process runs.
    public func reclaim(
        _ request: ReclaimingRequest, report: (Reclamation) -> Void = { _ in },
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        // Nobody may write blobs while files without a row are taken for strays.
        let lock = try RunLock(catalog)
        defer { withExtendedLifetime(lock) {} }
        let found = try reclaimable(request)
        report(found)
        // The rows first: a row without its file would be trusted, a file without its row is only a stray.
        if request.unneeded != Catalog.Unneeded() { _ = try catalog.results.drop(request.unneeded) }
        try catalog.results.setState(.evicted, of: found.evicted.map(\.digest))
        // What these rows named is an orphan now.
        let leftovers = try reclaimable(ReclaimingRequest())
        try WorkFolder(directory).remove(leftovers.abandoned)
        let store = try store()
        _ = try store.removeStrays(olderThan: .zero, keepingThoseOf: SpooledBundle.owners(of: directory))
        // So many at a time that somebody sees them go.
        for start in stride(from: 0, to: leftovers.orphans.count, by: 100) {
            let end = min(start + 100, leftovers.orphans.count)
            try store.remove(Array(leftovers.orphans[start..<end]))
            progress(end, leftovers.orphans.count)
        }
    }
}
