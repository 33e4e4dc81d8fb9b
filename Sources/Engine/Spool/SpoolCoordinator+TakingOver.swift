import Basics
import Catalog
import Foundation
import Volumes

/// What earlier runs left in the spool: a coordinator that was killed, or that left the jobs of a cluster alone.
extension SpoolCoordinator {
    /// Results that no run wants stay for so long, since another selection of tomograms may want them.
    private static let leftoverDays = 14

    /// Looks at the bundles of earlier runs of this catalog: their results are taken when their items are ready, and tasks that go on are
    /// waited for. The caller holds the lock of the catalog, so that no other run is at work on them.
    func takeOver() throws {
        SpoolFolders(run.catalog.directory).removeHalves()
        var names: [String] = []
        do throws(SystemError) { try FilePath.forEachEntry(ofFolder: spool) { name, _ in names.append(name) } } catch {
            throw EngineError(.spool, "cannot be listed: \(error.reason); check disk and permissions", path: spool)
        }
        // A spool of its own holds nothing of other catalogs.
        let isOwn = options.folder == nil
        for name in names.sorted() {
            let folder = BundleFolder(path: "\(spool)/\(name)")
            guard name.hasPrefix("run-") else { continue }
            let header = try? SealedFile.read(BundleHeader.self, at: folder.header)
            guard let header, header.catalog == run.catalog.directory.path, header.version == run.options.version else {
                // It is damaged, of another version, or of where the catalog was before.
                if isOwn { folder.remove() }
                continue
            }
            try takeOver(folder, header)
        }
        removeStaged()
    }

    private func takeOver(_ folder: BundleFolder, _ header: BundleHeader) throws {
        let jobs = (try? SealedFile.readIfThere(BundleJobs.self, at: folder.jobs)) ?? BundleJobs(scheduler: "")
        let bundle = SpoolBundle(folder: folder, scheduler: scheduler.name, isOld: true)
        bundle.jobs = jobs
        bundles.append(bundle)
        // Before results are listed: the results of a task that has ended by now are all there, and those of others are waited for.
        let known = jobs.scheduler == scheduler.name ? try knownJobs(of: bundle) : []
        let states = known.isEmpty ? [:] : try scheduler.states(of: known.map(\.id))
        for number in header.tasks.indices {
            try? FilePath.forEachEntry(ofFolder: folder.results(of: number)) { name, _ in
                guard let key = Digest(hexadecimal: name) else { return }
                bundle.leftovers.insert(key)
                leftovers[key] = (bundle, number)
            }
        }
        // Of several submissions of a task, the last.
        for (id, job) in known.reversed() {
            for number in job.first..<max(job.first, job.end) where Self.isGoingOn(states[id]?[number]) {
                guard header.tasks.indices.contains(number), !bundle.tasks.contains(where: { $0.number == number }),
                    let content = try? SealedFile.read(BundleTask.self, at: folder.task(number))
                else { continue }
                let task = SpoolTask(
                    folder: folder, number: number, step: header.tasks[number].step, job: id, attempt: job.attempt)
                bundle.tasks.append(task)
                for item in content.items where !bundle.leftovers.contains(item.key) { continued[item.key] = task }
            }
        }
    }

    /// The jobs of a bundle that have ids, in the order in which they were submitted. For others the scheduler is asked.
    private func knownJobs(of bundle: SpoolBundle) throws -> [(id: String, job: BundleJobs.Job)] {
        for index in bundle.jobs.jobs.indices where bundle.jobs.jobs[index].id == nil {
            bundle.jobs.jobs[index].id = try scheduler.job(of: bundle.jobs.jobs[index].submission(of: bundle.folder))
        }
        return bundle.jobs.jobs.compactMap { job in job.id.map { (id: $0, job: job) } }
    }

    /// Takes the result of an earlier run for an item, or waits for a task of it that goes on.
    ///
    /// - Returns: false where the item has to be submitted.
    func continueEarlier(_ item: PreparedItem) throws -> Bool {
        if let (bundle, number) = leftovers.removeValue(forKey: item.key) {
            bundle.leftovers.remove(item.key)
            let path = bundle.folder.result(of: item.key, task: number)
            if let result = try? SealedFile.readIfThere(ItemResult.self, at: path), result.failure == nil {
                if try take(path, for: item, ofTask: number, bundle) { return true }
            }
            // Failures are tried again.
            unlink(path)
        }
        guard let task = continued.removeValue(forKey: item.key) else { return false }
        task.items[item.key] = item
        if !tasks.contains(where: { $0 === task }) { tasks.append(task) }
        return true
    }

    /// Forgets results of an earlier run that nobody will want: failures, those that are in the catalog, and old ones.
    func forgetLeftovers(of bundle: SpoolBundle) {
        if let status = try? FileStatus(of: bundle.folder.header), status.age > .seconds(Self.leftoverDays * 86_400) {
            bundle.leftovers = []
        }
        guard !bundle.leftovers.isEmpty else { return }
        let wanted = try? run.catalog.results.withPlanningSnapshot { snapshot in
            try bundle.leftovers.filter { try snapshot.trace(withKey: $0) == nil }
        }
        bundle.leftovers = (wanted ?? bundle.leftovers).filter { key in
            guard let number = leftovers[key]?.task else { return false }
            let path = bundle.folder.result(of: key, task: number)
            return (try? SealedFile.readIfThere(ItemResult.self, at: path)).map { $0.failure == nil } ?? false
        }
    }
}
