import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import Volumes

/// Taking result files.
extension SpoolCoordinator {
    private static let spoiledLimit = 3
    /// What the catalog keeps of the log of an item that failed.
    private static let logByteCount = 8192

    /// Takes the results that are there.
    ///
    /// - Returns: whether there was any.
    func collectAll() throws -> Bool {
        var isAny = false
        for task in tasks where !task.items.isEmpty {
            if try collect(task) { isAny = true }
        }
        return isAny
    }

    /// Takes the results of a task that are there.
    ///
    /// - Returns: whether there was any.
    func collect(_ task: SpoolTask) throws -> Bool {
        let folder = task.folder.results(of: task.number)
        var names: [String] = []
        do throws(SystemError) {
            let status = try FileStatus(of: folder)
            // Two changes may have one time where both are recent.
            if let listed = task.listed, listed == status.modified, status.age > .seconds(3) { return false }
            try FilePath.forEachEntry(ofFolder: folder) { name, _ in
                if !name.hasPrefix("."), !task.seen.contains(name) { names.append(name) }
            }
            task.listed = status.modified
        } catch {
            guard !error.isAbsence || FilePath.exists(task.folder.header) else { throw task.folder.gone }
            throw EngineError(.spool, "cannot be listed: \(error.reason); check disk and permissions", path: folder)
        }
        var isAny = false
        for name in names {
            task.seen.insert(name)
            guard let key = Digest(hexadecimal: name), let item = task.items[key] else { continue }
            if try take("\(folder)/\(name)", for: item, ofTask: task.number, bundle(of: task)) {
                task.items[key] = nil
                (task.hasNewResults, task.fruitlessEnds) = (true, 0)
                isAny = true
            } else {
                task.seen.remove(name)
                task.listed = nil
            }
        }
        return isAny
    }

    /// Takes a result, to be published, where it is whole and what it names is there. Another one is removed, so that the item is computed again.
    ///
    /// - Returns: whether the item has ended.
    /// - Throws: ``CatalogError`` where the catalog cannot be written.
    func take(_ path: String, for item: PreparedItem, ofTask number: Int, _ bundle: SpoolBundle) throws -> Bool {
        do {
            guard let result: ItemResult = try SealedFile.readIfThere(at: path) else { return false }
            var computed = try computed(result, of: item)
            computed.place = place(of: result.host, ofTask: number, bundle)
            computed.place.memoryBytes = result.memoryBytes
            if case .failed(let error, _) = computed.outcome {
                computed.outcome = .failed(error, log: log(ofTask: number, bundle))
            }
            try log(result.curve, of: item)
            bring(item, computed, of: bundle)
            return true
        } catch let error as CatalogError {
            throw error
        } catch {
            // Network file systems show a file later than another one that was written after it.
            let since = missing[item.key] ?? ContinuousClock.now
            missing[item.key] = since
            if (ContinuousClock.now - since).inSeconds < options.graceSeconds { return false }
            missing[item.key] = nil
            unlink(path)
            spoiled[item.key, default: 0] += 1
            guard spoiled[item.key, default: 0] >= Self.spoiledLimit else { return false }
            bring(
                item,
                ComputedItem(
                    outcome: .failed("its result could not be used \(Self.spoiledLimit) times: \(error)"),
                    startedAt: Timestamp.now,
                    seconds: 0), of: bundle)
            return true
        }
    }

    /// Hands an item to the run, to be published.
    func bring(_ item: PreparedItem, _ computed: ComputedItem, of bundle: SpoolBundle) {
        if case .done = computed.outcome {
            costs.add(computed.seconds, memoryBytes: computed.place.memoryBytes, step: item.node.step)
        }
        logged[item.key] = nil
        bundle.unpublished.insert(item.node)
        unpublished[item.node] = bundle
        run.waitForBacklog()
        run.finish(item, with: computed)
    }

    /// - Throws: where the result is not that of the item, or the artifacts that it names are not there.
    private func computed(_ result: ItemResult, of item: PreparedItem) throws -> ComputedItem {
        guard result.key == item.key else { throw EngineError(mistake: .spool, "a result has the key of another item") }
        if let failure = result.failure {
            return ComputedItem(outcome: .failed(failure), startedAt: result.startedAt, seconds: result.seconds)
        }
        let setup = run.setups[item.node.step]
        guard result.outputs.map(\.name).sorted() == setup.outputNames, result.objects.areOneResult else {
            throw EngineError(mistake: .spool, "a result has other outputs than the step \(setup.step.name)")
        }
        var staged: [StagedArtifact] = []
        let outputs = try result.outputs.map { output in
            if let text = output.value {
                return ItemOutcome.Output(name: output.name, digest: output.digest, content: .value(text))
            }
            guard let kind = output.kind, let bytes = output.bytes, let evictable = output.evictable, let name = output.staged
            else {
                throw EngineError(mistake: .spool, "the output \(output.name) of a result is incomplete")
            }
            if let artifact = try run.store.adopt(name: name, digest: output.digest, kind: kind) { staged.append(artifact) }
            return ItemOutcome.Output(
                name: output.name, digest: output.digest, content: .artifact(kind: kind, bytes: bytes, evictable: evictable))
        }
        return ComputedItem(
            outcome: .done(
                ComputedItem.Result(
                    outputs: outputs, metrics: result.metrics.map { ($0.name, $0.value) }, objects: result.objects,
                    staged: staged,
                    sources: result.sources)),
            startedAt: result.startedAt, seconds: result.seconds)
    }

    /// Where a worker of a task was, for the catalog.
    func place(of host: String?, ofTask number: Int, _ bundle: SpoolBundle) -> ItemOutcome.Place {
        let job = bundle.jobs.last(ofTask: number).flatMap { scheduler.name(ofTask: number, job: $0) }
        return ItemOutcome.Place(host: host.flatMap { $0.isEmpty ? nil : $0 }, job: job)
    }

    /// The end of what the last worker of a task printed; nil where that is nothing.
    func log(ofTask number: Int, _ bundle: SpoolBundle) -> String? {
        guard let job = bundle.jobs.last(ofTask: number),
            let path = scheduler.logs(ofTask: number, job: job, in: bundle.folder.logs).last
        else { return nil }
        let text = String(decoding: SmallFile.end(of: path, limit: Self.logByteCount), as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    /// Writes the points of a curve that are new to the catalog.
    private func log(_ curve: [CurvePoint], of item: PreparedItem) throws {
        guard !curve.isEmpty else { return }
        let owner = run.curveOwner(of: item)
        for point in curve where logged[item.key]?.contains(point) != true {
            try run.catalog.results.log(point.name, at: point.x, point.value, for: owner)
            logged[item.key, default: []].insert(point)
        }
    }

    /// Reads what the worker of a task says of the item in progress.
    func readProgress(of task: SpoolTask) throws {
        guard !task.items.isEmpty,
            let progress = try? SealedFile.readIfThere(TaskProgress.self, at: task.folder.progress(of: task.number))
        else { return }
        if task.beat?.count != progress.beat || task.beat?.process != progress.process {
            task.beat = (progress.process, progress.beat)
            task.lastSign = ContinuousClock.now
        }
        guard let key = progress.key, let item = task.items[key] else { return }
        if progress.fraction > 0 || !progress.note.isEmpty {
            run.state.update { $0.report(progress.fraction, progress.note, on: item.node) }
        }
        try log(progress.curve, of: item)
    }
}
