internal import Basics
internal import BlobStore
internal import Catalog
internal import CatalogSchema
internal import Foundation
internal import Volumes

/// Computes a task of a bundle. It opens no catalog: all that it reads is in the bundle, in the blob store, and in the files of
/// tomograms.
///
/// Several may compute one task at the same time, one may be killed at any moment, and each may begin again: an item with a result is
/// left out, and of several results of an item the run takes one.
public struct Worker: Sendable {
    /// How a worker ended.
    public enum End: Sendable, Hashable {
        /// All items of the task have results.
        case finished
        /// It was asked to stop: it begins again where it was.
        case stopped
    }

    private let graph: StepGraph
    private let version: String
    private let note: @Sendable (String) -> Void

    /// - Parameters:
    ///   - graph: all steps of the program.
    ///   - version: of the program.
    ///   - note: told what it does and what fails, as lines for a log.
    public init(graph: StepGraph, version: String, note: @escaping @Sendable (String) -> Void = { _ in }) {
        self.graph = graph
        self.version = version
        self.note = note
    }

    /// Computes the items of a task that have no result yet, and writes a result file for each.
    ///
    /// - Parameters:
    ///   - bundle: the folder of the bundle.
    ///   - task: its number, from 0.
    ///   - cancellation: a request to stop: the item in progress is asked to save what it has, and no further one begins.
    /// - Throws: ``EngineError`` where this program cannot compute the bundle, or the spool cannot be written; `BlobError` where
    ///   the disk is full. Failures of items are results.
    public func work(bundle: String, task: Int, cancellation: Cancellation = Cancellation()) throws -> End {
        let worked = try WorkedTask(
            graph: graph, version: version, folder: BundleFolder(path: bundle), number: task, cancellation, note: note)
        return try worked.work()
    }
}

/// A task in progress.
private struct WorkedTask {
    private let folder: BundleFolder
    private let number: Int
    private let header: BundleHeader
    private let task: BundleTask
    private let setups: [StepSetup?]
    private let store: BlobStore
    private let volumes = VolumeCache(capacity: 4)
    private let cancellation: Cancellation
    private let host = ProcessInfo.processInfo.hostName
    private let note: (String) -> Void

    /// - Throws: ``EngineError`` where this program cannot compute the bundle, which the progress file says too.
    init(
        graph: StepGraph, version: String, folder: BundleFolder, number: Int, _ cancellation: Cancellation,
        note: @escaping (String) -> Void
    ) throws {
        self.note = note
        self.folder = folder
        self.number = number
        self.cancellation = cancellation
        do {
            header = try SealedFile.read(at: folder.header)
            guard header.version == version else {
                throw EngineError(
                    .spool,
                    "was written by Cellar \(header.version), and this is Cellar \(version); workers and `cellar run` have to be of "
                        + "one installation", path: folder.path)
            }
            guard header.tasks.indices.contains(number) else {
                throw EngineError(
                    .spool, "has no task \(number); give 0 to \(header.tasks.count - 1)", path: folder.path)
            }
            task = try SealedFile.read(at: folder.task(number))
            guard task.bundle == folder.id, task.number == number, task.items.count == header.tasks[number].items else {
                throw EngineError(.spool, "belongs to another bundle; run again", path: folder.task(number))
            }
            setups = try Self.setups(header, graph: graph, path: folder.path, used: Set(task.items.map(\.step)))
            guard FilePath.exists(header.blobs) else {
                throw EngineError(
                    .spool,
                    "is not there on \(ProcessInfo.processInfo.hostName): the folder of results has to be on a disk that "
                        + "all workers see", path: header.blobs)
            }
            store = try BlobStore(directory: header.blobs, stagingOwner: folder.id)
        } catch {
            Self.refuse(error, folder, number)
            throw error
        }
    }

    /// Tells the run why nothing is computed.
    private static func refuse(_ error: any Error, _ folder: BundleFolder, _ number: Int) {
        // Not where there is no such task.
        guard FilePath.exists(folder.results(of: number)) else { return }
        let progress = TaskProgress(
            host: ProcessInfo.processInfo.hostName, process: getpid(), key: nil, refusal: "\(error)")
        try? SealedFile.write(progress, to: folder.progress(of: number), durable: false)
    }

    /// The steps of the bundle as the run has them, by their numbers; nil for those that the task does not need.
    private static func setups(
        _ header: BundleHeader, graph: StepGraph, path: String, used: Set<Int>
    ) throws(EngineError) -> [StepSetup?] {
        func refusal(_ what: String) -> EngineError {
            EngineError(.spool, "was written by another build of Cellar: \(what); use the one that wrote it", path: path)
        }
        guard used.allSatisfy(header.steps.indices.contains) else { throw BundleTask.contradiction }
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in header.recipe.sorted(by: { $0.key < $1.key }) {
            do { try recipe.set(key, to: value) } catch { throw refusal(error.message) }
        }
        let models = Dictionary(
            header.models.map {
                ($0.name, ModelRecord(name: $0.name, kind: $0.kind, path: $0.path, digest: $0.digest, addedAt: ""))
            }, uniquingKeysWith: { $1 })
        return try header.steps.enumerated().map { number, entry throws(EngineError) in
            guard used.contains(number) else { return nil }
            guard let step = graph.step(named: entry.name, reading: entry.inputs) else {
                throw refusal("here is no step \(entry.name) with these inputs")
            }
            guard step.version == entry.version else {
                throw refusal("the step \(entry.name) has version \(entry.version) there, and \(step.version) here")
            }
            let setup = try StepSetup(step, recipe: recipe, models: models)
            guard setup.configuration.digest == entry.configuration else {
                throw refusal("the step \(entry.name) is configured otherwise here")
            }
            return setup
        }
    }

    func work() throws -> Worker.End {
        let progress = ProgressWriter(folder.progress(of: number), host: host)
        defer { progress.stop() }
        let left = task.items.count { !FilePath.exists(folder.result(of: $0.key, task: number)) }
        note(
            "task \(number) of \(folder.id) on \(host): \(left) of \(task.items.count) items of \(header.tasks[number].step) to compute"
        )
        do {
            for item in task.items {
                guard !FilePath.exists(folder.result(of: item.key, task: number)) else { continue }
                if cancellation.isCancelled { return stopped() }
                try work(on: item, progress)
            }
        } catch let error as EngineError where error.code == .cancelled {
            return stopped()
        } catch {
            progress.stop()
            Self.refuse(error, folder, number)
            throw error
        }
        note("task \(number) is done")
        return .finished
    }

    private func stopped() -> Worker.End {
        note("task \(number) was asked to stop; started again, it goes on from there")
        return .stopped
    }

    private func work(on item: BundleItem, _ progress: ProgressWriter) throws {
        guard setups.indices.contains(item.step), let setup = setups[item.step] else { throw BundleTask.contradiction }
        let reader = try BundleReader(item, of: task, step: setup.step)
        guard try reader.key(under: setup) == item.key else {
            throw EngineError(
                .spool,
                "was written by another build of Cellar: the key of \(setup.step.name) of \(reader.scope.tomogram) "
                    + "\(reader.scope.label) is another one here; use the one that wrote it", path: folder.path)
        }
        progress.begin(item.key)
        PeakMemory.restart()
        let stepItem = StepItem(
            scope: reader.scope, key: item.key, setup: setup, reader: reader,
            recorder: ItemRecorder(
                workFolder: header.workFolder,
                log: { name, x, value in progress.log(CurvePoint(name: name, x: x, value: value)) },
                report: { fraction, note in progress.report(fraction, note) }),
            store: store, volumes: volumes, cancellation: cancellation, prefersLittleMemory: header.prefersLittleMemory)
        let computed: ComputedItem
        do {
            try reader.checkSources(reader.sources, host: host)
            computed = try stepItem.compute { try reader.checkSources($0, host: host) }
        } catch let error as EngineError where error.code == .source {
            computed = ComputedItem(outcome: .failed("\(error)"), startedAt: Timestamp.now, seconds: 0)
        }
        if case .failed(let error, _) = computed.outcome {
            note("\(setup.step.name) of \(reader.scope.tomogram) \(reader.scope.label) failed: \(error)")
        }
        try write(result(of: item.key, computed, curve: progress.curve), staged: stepItem.staged)
    }

    /// Makes the result of an item durable. Where another worker was first, this one's is dropped.
    private func write(_ result: ItemResult, staged: [StagedArtifact]) throws {
        let path = folder.result(of: result.key, task: number)
        do {
            guard !FilePath.exists(path) else { return drop(staged) }
            // The bytes first: what a result names is there, whatever happens to this machine.
            for artifact in staged { try store.sync(artifact) }
            try SealedFile.write(result, to: path)
        } catch {
            drop(staged)
            guard FilePath.exists(folder.header) else {
                throw EngineError(.spool, "is gone, as its run is over; `cellar run` begins another", path: folder.path)
            }
            throw error
        }
    }

    private func drop(_ staged: [StagedArtifact]) {
        for artifact in staged { store.discard(artifact) }
    }

    private func result(of key: Digest, _ computed: ComputedItem, curve: [CurvePoint]) -> ItemResult {
        var result = ItemResult(
            key: key, host: host, process: getpid(), memoryBytes: PeakMemory.byteCount, startedAt: computed.startedAt,
            seconds: computed.seconds, curve: curve)
        switch computed.outcome {
        case .failed(let error, _): result.failure = error
        case .done(let done):
            // Artifacts were staged in the order in which they were given.
            var staged = done.staged.makeIterator()
            result.outputs = done.outputs.map { output in
                var entry = ItemResult.Output(name: output.name, digest: output.digest)
                switch output.content {
                case .value(let text): entry.value = text
                case .artifact(let kind, let bytes, let evictable):
                    (entry.kind, entry.bytes, entry.evictable) = (kind, bytes, evictable)
                    entry.staged = staged.next()?.name
                }
                return entry
            }
            result.metrics = done.metrics.map { ItemResult.Metric(name: $0.name, value: $0.value) }
            (result.objects, result.sources) = (done.objects, done.sources)
        }
        return result
    }
}
