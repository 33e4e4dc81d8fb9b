internal import Basics
public import BlobStore
public import Catalog
internal import CatalogSchema
public import Foundation
internal import Synchronization
internal import Volumes

/// Computes the items that are stale, and only those.
///
/// Each item runs after all items that it reads from are done, where ``Options/place`` says. Results are published in batches: bytes are synced to the disk
/// first, then rows are committed in one transaction, so that the catalog never names a missing file. A run that is killed loses only results that
/// were not published yet, and the next run continues from there.
public struct Runner: Sendable {
    /// The options of a run.
    public struct Options: Sendable {
        /// The number of items that run at a time.
        public var jobs: Int
        /// Whether no further item begins after one has failed.
        public var failsFast: Bool
        /// Whether steps use less memory at the cost of time. It never changes a result.
        public var prefersLittleMemory: Bool
        /// Where items are computed.
        public var place: ExecutionPlace
        /// The command line, for the record.
        public var command: String
        /// The version of the program, for the record.
        public var version: String

        public init(
            jobs: Int = ProcessInfo.processInfo.activeProcessorCount, failsFast: Bool = false,
            prefersLittleMemory: Bool = false, place: ExecutionPlace = .threads, command: String = "", version: String = ""
        ) {
            self.place = place
            self.jobs = max(1, jobs)
            self.failsFast = failsFast
            self.prefersLittleMemory = prefersLittleMemory
            self.command = command
            self.version = version
        }
    }

    private let catalog: Catalog
    private let store: BlobStore
    private let graph: StepGraph
    private let recipe: Recipe
    private let options: Options

    public init(_ catalog: Catalog, store: BlobStore, graph: StepGraph, recipe: Recipe, options: Options = Options()) {
        self.catalog = catalog
        self.store = store
        self.graph = graph
        self.recipe = recipe
        self.options = options
    }

    /// Plans, and computes the stale items.
    ///
    /// - Parameters:
    ///   - selection: ids of the tomograms to work on; nil for all.
    ///   - cancellation: a request to stop: items in progress end, and no further item begins.
    ///   - progress: called a few times a second on the calling thread.
    /// - Returns: the outcome; nil where nothing was stale. Then nothing is written, except the end of a run that was killed before.
    /// - Throws: ``CatalogError`` where another process runs, or the catalog cannot be written; ``BlobError`` where the
    ///   disk is full; results that were published before stay. A failing item does not throw; it is in the report.
    public func run(
        selection: [Int64]? = nil, cancellation: Cancellation = Cancellation(),
        progress: (RunProgress) -> Void = { _ in }
    ) throws -> RunReport? {
        let lock = try RunLock(catalog)
        defer { withExtendedLifetime(lock) {} }
        try catalog.runs.closeKilled()
        let plan = try Planner(catalog, graph: graph, recipe: recipe).plan(selection: selection)
        guard plan.hasWork else {
            if selection == nil { SpoolFolders(catalog.directory).clear() }
            return nil
        }
        let owner = RunOwner.current
        let (runID, ids) = try catalog.runs.begin(
            command: options.command, version: options.version, owner: owner.user, host: owner.host, pid: owner.pid,
            recipe: (recipe.digest, recipe.json), configurations: plan.setups.map(\.configuration))
        let heartbeat = Heartbeat(catalog, runID: runID)
        defer { heartbeat.stop() }
        let execution = RunExecution(
            plan: plan, recipe: recipe, catalog: catalog, store: store, runID: runID, ids: ids, options: options,
            cancellation: cancellation)
        let report: RunReport
        do {
            report = try execution.run(progress: progress)
            // A request to stop that came after the last item does not count as an interruption.
            // Without these sums questions take longer and have the same answers: a run that is done is no failure for them.
            try? catalog.results.sumObjects()
            let isInterrupted = cancellation.isCancelled && report.wasStopped
            try catalog.runs.end(runID, status: isInterrupted ? .interrupted : report.progress.failed > 0 ? .failed : .done)
        } catch {
            // The disk may be full: these writes may fail as well, and the first error is the one to throw.
            try? catalog.runs.end(runID, status: .failed)
            throw error
        }
        try RunReceipt(report: report, plan: plan, options: options, owner: owner, recipe: recipe).write(in: catalog.directory)
        return report
    }
}

/// The process of a run.
struct RunOwner: Sendable {
    let user: String
    let host: String
    let pid: Int32

    static var current: RunOwner {
        let process = ProcessInfo.processInfo
        return RunOwner(
            user: process.userName.isEmpty ? "somebody" : process.userName, host: process.hostName,
            pid: process.processIdentifier)
    }
}

/// A request to stop, which any thread can make, such as that of a signal handler, and which every worker checks.
public final class Cancellation: Sendable {
    private let isRequested = Atomic<Bool>(false)
    private let parent: Cancellation?

    public init() { parent = nil }

    /// A request of its own that is also made when its parent's is: a run that cannot continue stops its own items only.
    init(under parent: Cancellation) { self.parent = parent }

    /// Makes the request.
    public func cancel() { isRequested.store(true, ordering: .relaxed) }

    public var isCancelled: Bool { isRequested.load(ordering: .relaxed) || parent?.isCancelled ?? false }

    /// - Throws: ``EngineError`` where the request was made.
    func check() throws(EngineError) {
        if isCancelled { throw EngineError(.cancelled, "the run was asked to stop; run again to go on") }
    }
}
