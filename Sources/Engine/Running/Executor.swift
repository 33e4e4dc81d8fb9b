import Basics
import BlobStore
import Catalog
import CatalogSchema

/// What computes the items of a run: threads of this process, or workers that read a spool.
///
/// An executor takes items that are ready from the run (``RunExecution/next(of:)``, ``RunExecution/take(upTo:of:)``), and brings each
/// back computed (``RunExecution/finish(_:with:)``). The run prepares and publishes them, so that the catalog has one owner, whatever
/// computes; and steps do not know where they run.
protocol Executor: Sendable {
    /// Begins to take items; returns at once.
    ///
    /// - Throws: ``EngineError`` where it cannot compute anything.
    func start() throws

    /// Is told, on the thread that publishes, that items were published, those included that it did not bring.
    func published(_ items: [ItemNode])

    /// Waits until it has ended, which it does when the run is over or is to stop.
    func join()
}

/// Where the items of a run are computed.
public enum ExecutionPlace: Sendable {
    /// Threads of this process.
    case threads
    /// Workers that a scheduler starts, over a spool.
    case spool(any JobScheduler, SpoolOptions)

    func executor(of run: RunExecution) -> any Executor {
        switch self {
        case .threads: LocalExecutor(run)
        case .spool(let scheduler, let options): SpoolExecutor(run, scheduler: scheduler, options: options)
        }
    }
}

/// An item that is ready to be computed: its key is known and claimed, nothing was found under it, and the bytes that it reads are
/// there.
struct PreparedItem: Sendable {
    let node: ItemNode
    let scope: StepItem.Scope
    let key: Digest
    /// The rows of its trace.
    let inputs: TraceInputs
    /// Whether it runs only to restore evicted bytes.
    let isRestore: Bool
}

/// An item that was computed, or failed.
struct ComputedItem: Sendable {
    enum Outcome: Sendable {
        case done(Result)
        /// The error in one sentence, and the end of what the worker printed.
        case failed(String, log: String? = nil)
    }

    struct Result: Sendable {
        var outputs: [ItemOutcome.Output]
        var metrics: [(name: String, value: Double)]
        var objects: [FoundObject]
        var staged: [StagedArtifact]
        /// The ids of the tomograms whose files it read.
        var sources: [Int64]
    }

    var outcome: Outcome
    var startedAt: String
    var seconds: Double
    var place = ItemOutcome.Place()
}
