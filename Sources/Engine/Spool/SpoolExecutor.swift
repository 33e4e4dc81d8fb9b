import Basics
import BlobStore
import Catalog
import Foundation
import Synchronization

/// Computes items by workers over a spool: writes bundles, submits their tasks to a scheduler, and takes result files.
///
/// One thread does all of it, at intervals. Items of steps that take next to no time run on threads of this process.
final class SpoolExecutor: Executor, @unchecked Sendable {
    // Unchecked, because the compiler cannot see that the coordinator is used by its thread only, and after that by `join`.
    private let coordinator: SpoolCoordinator
    private let run: RunExecution
    private let local: LocalExecutor
    /// The items that were published and of which the coordinator does not know it yet.
    private let published = Mutex<[ItemNode]>([])
    private let thread = Mutex<StartedThreads?>(nil)

    init(_ run: RunExecution, scheduler: any JobScheduler, options: SpoolOptions) {
        let costs = StepCosts(run.summaries)
        self.run = run
        coordinator = SpoolCoordinator(run, scheduler: scheduler, options: options, costs: costs)
        local = LocalExecutor(run) { costs.isLocal($0, options) }
    }

    func start() throws {
        try SealedFile.makeFolder(coordinator.spool)
        try SpoolFolders(run.catalog.directory).add(coordinator.spool)
        let started = try StartedThreads(count: 1, stackSize: 8 << 20) { self.coordinate() }
        thread.withLock { $0 = started }
        do { try local.start() } catch {
            run.stop(because: error)
            join()
            throw error
        }
    }

    private func coordinate() {
        do {
            try coordinator.takeOver()
            while try coordinator.turn(published: takePublished()) { Thread.sleep(forTimeInterval: coordinator.pause) }
        } catch {
            coordinator.abandonAll(leavingBundles: true)
            run.stop(because: error)
        }
    }

    private func takePublished() -> [ItemNode] {
        published.withLock {
            let all = $0
            $0 = []
            return all
        }
    }

    func published(_ items: [ItemNode]) { published.withLock { $0 += items } }

    func join() {
        thread.withLock { $0 }?.join()
        local.join()
        coordinator.end(published: takePublished())
    }
}
