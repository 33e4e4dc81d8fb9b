import Basics
import BlobStore
import Catalog
import CatalogSchema
import Synchronization

/// Computes items on threads of this process.
final class LocalExecutor: Executor {
    private let run: RunExecution
    private let isTaken: @Sendable (_ step: Int) -> Bool
    private let threads = Mutex<StartedThreads?>(nil)

    /// - Parameter isTaken: the steps whose items it computes.
    init(_ run: RunExecution, of isTaken: @escaping @Sendable (_ step: Int) -> Bool = { _ in true }) {
        self.run = run
        self.isTaken = isTaken
    }

    func start() throws {
        // Large stacks: numeric code keeps small arrays on the stack.
        let started = try StartedThreads(count: run.options.jobs, stackSize: 8 << 20) { [run, isTaken] in
            while let item = run.next(of: isTaken) {
                do { run.finish(item, with: try Self.compute(item, of: run)) } catch { run.abandon(item.node, because: error) }
            }
        }
        threads.withLock { $0 = started }
    }

    func published(_ items: [ItemNode]) {}

    func join() {
        threads.withLock { $0 }?.join()
    }

    /// - Throws: an error that stops the whole run.
    private static func compute(_ item: PreparedItem, of run: RunExecution) throws -> ComputedItem {
        let owner = run.curveOwner(of: item)
        let recorder = ItemRecorder(
            workFolder: run.catalog.directory.work,
            log: { [catalog = run.catalog] name, x, value in try catalog.results.log(name, at: x, value, for: owner) },
            report: { [state = run.state] fraction, note in state.update { $0.report(fraction, note, on: item.node) } })
        let stepItem = StepItem(
            scope: item.scope, key: item.key, setup: run.setups[item.node.step], reader: run, recorder: recorder,
            store: run.store,
            volumes: run.volumes, cancellation: run.cancellation, prefersLittleMemory: run.options.prefersLittleMemory)
        return try stepItem.compute { sources in
            for position in run.positions(of: sources) { try run.checkSource(at: position) }
        }
    }
}

extension StepItem {
    /// Runs the step on the item.
    ///
    /// - Parameter checkSources: throws where the files of some scopes are not those that were planned with.
    /// - Returns: what it gave, or the sentence of its failure.
    /// - Throws: an error that stops the whole run: the disk is full, the catalog cannot be written, it was asked to stop.
    func compute(checkingSources checkSources: (Set<Scope>) throws -> Void) throws -> ComputedItem {
        let begin = ContinuousClock.now
        let startedAt = Timestamp.now
        func computed(_ outcome: ComputedItem.Outcome) -> ComputedItem {
            ComputedItem(outcome: outcome, startedAt: startedAt, seconds: (ContinuousClock.now - begin).inSeconds)
        }
        do {
            do {
                try setup.step.run(self)
                try checkComplete()
            } catch {
                discardStaged()
                // If a file was replaced while it was read, report that instead of the error it led to.
                try checkSources(sources)
                throw error
            }
        } catch {
            if (error as? BlobError)?.code == .diskFull || (error as? EngineError)?.code == .cancelled || error is CatalogError {
                throw error
            }
            return computed(.failed("\(error)"))
        }
        return computed(
            .done(
                ComputedItem.Result(
                    outputs: outputs, metrics: metrics, objects: objects, staged: staged,
                    sources: Set(sources.compactMap(\.tomogramID)).sorted())))
    }
}
