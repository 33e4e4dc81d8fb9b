internal import Basics
public import BlobStore
public import Catalog
internal import CatalogSchema
public import Foundation
internal import Synchronization
internal import Volumes

/// Makes fresh what is stale, and only that.
///
/// Items run on as many threads as asked for, each when all that it reads from is done. What they give is published in
/// batches: bytes synced to disk first, then rows in one transaction, so that at no moment does the catalog name what
/// is not there. A run that is killed loses what was not yet published, and the next one goes on from there.
public struct Runner: Sendable {
    /// What a run may be told.
    public struct Options: Sendable {
        /// How many items run at a time.
        public var jobs: Int
        /// Whether to begin nothing new once an item has failed.
        public var failsFast: Bool
        /// Whether steps are to take less memory where that costs time; it never changes a result.
        public var prefersLittleMemory: Bool
        /// The command line, for the record.
        public var command: String
        /// The version of the program, for the record.
        public var version: String

        public init(
            jobs: Int = ProcessInfo.processInfo.activeProcessorCount, failsFast: Bool = false,
            prefersLittleMemory: Bool = false, command: String = "", version: String = ""
        ) {
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

    /// Plans, and runs what is stale.
    ///
    /// - Parameters:
    ///   - selection: ids of the tomograms to work on; nil for all.
    ///   - cancellation: a request to stop: items under way end, nothing new begins.
    ///   - progress: called a few times a second on the calling thread.
    /// - Returns: what was done; nil where nothing was stale, and then nothing was written but the end of a killed run.
    /// - Throws: ``CatalogError`` where another process runs, or the catalog cannot be written; ``BlobError`` where the
    ///   disk is full: what was published before stays. An item that fails does not throw: it is in the report.
    public func run(
        selection: [Int64]? = nil, cancellation: Cancellation = Cancellation(),
        progress: (RunProgress) -> Void = { _ in }
    ) throws -> RunReport? {
        let lock = try RunLock(catalog)
        defer { withExtendedLifetime(lock) {} }
        try catalog.runs.closeKilled()
        let plan = try Planner(catalog, graph: graph, recipe: recipe).plan(selection: selection)
        guard plan.hasWork else { return nil }
        let owner = RunOwner.current
        let (runID, ids) = try catalog.runs.begin(
            command: options.command, version: options.version, owner: owner.user, host: owner.host, pid: owner.pid,
            recipe: (recipe.digest, recipe.json), configurations: plan.setups.map(\.configuration))
        let heartbeat = Heartbeat(catalog, runID: runID)
        defer { heartbeat.stop() }
        let execution = RunExecution(
            plan: plan, catalog: catalog, store: store, runID: runID, ids: ids, options: options, cancellation: cancellation)
        let report: RunReport
        do {
            report = try execution.run(progress: progress)
            // Asked to stop too late, when all was done, it was not interrupted.
            let isInterrupted = cancellation.isCancelled && report.wasStopped
            try catalog.runs.end(runID, status: isInterrupted ? .interrupted : report.progress.failed > 0 ? .failed : .done)
        } catch {
            // The disk may be full: what can still be noted is noted, and the first error is the one that matters.
            try? catalog.runs.end(runID, status: .failed)
            throw error
        }
        try RunReceipt(report: report, plan: plan, options: options, owner: owner, recipe: recipe).write(in: catalog.directory)
        return report
    }
}

/// Who runs.
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

/// A request to stop that any thread, or a signal handler's thread, can make and every worker sees.
public final class Cancellation: Sendable {
    private let isRequested = Atomic<Bool>(false)
    private let parent: Cancellation?

    public init() { parent = nil }

    /// A request of its own, which another one makes as well: a run that cannot go on stops its items, and not whoever started it.
    init(under parent: Cancellation) { self.parent = parent }

    /// Asks to stop.
    public func cancel() { isRequested.store(true, ordering: .relaxed) }

    public var isCancelled: Bool { isRequested.load(ordering: .relaxed) || parent?.isCancelled ?? false }

    /// - Throws: ``EngineError`` where a stop was asked for.
    func check() throws(EngineError) {
        if isCancelled { throw EngineError(.cancelled, "the run was asked to stop") }
    }
}
