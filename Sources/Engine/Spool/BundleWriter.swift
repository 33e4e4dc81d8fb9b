import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import Volumes

/// Writes bundles: items with all that they read from the catalog, which workers do not open.
struct BundleWriter {
    private let run: RunExecution
    private let spool: String
    /// The number of bundles that this run wrote.
    private var count = 0

    init(_ run: RunExecution, spool: String) {
        self.run = run
        self.spool = spool
    }

    /// Writes a bundle. It appears complete, or not at all.
    ///
    /// - Parameter tasks: the items of each task, which are of one step.
    /// - Returns: its folder, and the items that cannot be computed, each with the reason: what they read was changed during the run.
    /// - Throws: ``EngineError`` where it cannot be written, ``CatalogError`` where the catalog cannot be read.
    mutating func write(_ tasks: [[PreparedItem]]) throws -> (folder: BundleFolder, failed: [(item: PreparedItem, error: String)])
    {
        count += 1
        let random = String(UInt32.random(in: .min ... .max), radix: 36)
        let folder = BundleFolder(path: "\(spool)/run-\(run.runID)-\(count)-\(random)")
        let draft = BundleFolder(path: "\(spool)/.\(folder.id)")
        var failed: [(item: PreparedItem, error: String)] = []
        do {
            try SealedFile.makeFolder("\(draft.path)/tasks")
            for name in ["progress", "logs"] { try SealedFile.makeFolder("\(draft.path)/\(name)") }
            var used: Set<Int> = []
            var entries: [BundleHeader.Task] = []
            for (number, task) in tasks.enumerated() {
                var draftTask = TaskDraft(run, bundle: folder.id, number: number)
                for item in task {
                    do {
                        try draftTask.add(item)
                        used.insert(item.node.step)
                    } catch let error as CatalogError {
                        throw error
                    } catch {
                        failed.append((item, "\(error)"))
                    }
                }
                try SealedFile.write(draftTask.content, to: draft.task(number))
                try SealedFile.makeFolder(draft.results(of: number))
                let step = task.first.map { run.graph.steps[$0.node.step].name } ?? ""
                entries.append(BundleHeader.Task(step: step, items: draftTask.content.items.count))
            }
            try SealedFile.write(header(steps: used, tasks: entries), to: draft.header)
            try SealedFile.sync(folder: "\(draft.path)/tasks")
            try SealedFile.sync(folder: draft.path)
            guard rename(draft.path, folder.path) == 0 else {
                throw EngineError(
                    .spool, "cannot be made: \(SystemError.last.reason); check disk and permissions", path: folder.path)
            }
            try SealedFile.sync(folder: spool)
        } catch {
            try? FileManager.default.removeItem(atPath: draft.path)
            throw error
        }
        return (folder, failed)
    }

    private func header(steps used: Set<Int>, tasks: [BundleHeader.Task]) -> BundleHeader {
        var models: [String: BundleHeader.Model] = [:]
        for step in used {
            for (name, model) in run.setups[step].models {
                models[name] = BundleHeader.Model(name: name, kind: model.kind, path: model.path, digest: model.digest)
            }
        }
        return BundleHeader(
            version: run.options.version, catalog: run.catalog.directory.path, runID: run.runID, blobs: run.store.directory,
            workFolder: run.catalog.directory.work, prefersLittleMemory: run.options.prefersLittleMemory,
            recipe: run.recipe.texts,
            // All steps, so that items have the numbers that they have in the run.
            steps: run.setups.map { setup in
                BundleHeader.Step(
                    name: setup.step.name, version: setup.step.version, inputs: setup.step.inputs.map(\.name),
                    configuration: setup.configuration.digest)
            },
            models: models.values.sorted { $0.name < $1.name }, tasks: tasks)
    }
}

/// The file of a task, to which items are added.
private struct TaskDraft {
    private struct ValueKey: Hashable {
        let producer: Int
        let output: String
        let scope: Int64
    }

    private(set) var content: BundleTask
    private let run: RunExecution
    private var tomogramNumbers: [Int64: Int] = [:]
    private var scopeNumbers: [StepItem.Scope: Int] = [:]
    /// The items of a task read the same values of their tomogram.
    private var values: [ValueKey: (digest: Digest, text: String)] = [:]

    init(_ run: RunExecution, bundle: String, number: Int) {
        self.run = run
        content = BundleTask(bundle: bundle, number: number, tomograms: [], scopes: [], items: [])
    }

    /// - Throws: ``EngineError`` where something that the item reads was changed or removed during the run.
    mutating func add(_ item: PreparedItem) throws {
        let step = run.graph.steps[item.node.step]
        var (inputs, links) = ([BundleItem.Input](), run.graph.links[item.node.step].makeIterator())
        for (position, input) in step.inputs.enumerated() {
            guard case .fact = input else {
                guard let link = links.next() else { throw BundleTask.contradiction }
                inputs.append(try self.input(input, link, of: item))
                continue
            }
            inputs.append(BundleItem.Input(digest: item.inputs.digests[position], members: nil))
        }
        var entry = BundleItem(step: item.node.step, scope: number(of: item.scope), key: item.key, inputs: inputs)
        if item.scope.kind == .trainingSet {
            entry.members = [ScopeKind.tomogram, .annotation, .slab].flatMap { run.members($0, of: item.scope) }.map {
                number(of: $0)
            }
        }
        if step.inputs.contains(.fact(.annotation)) {
            entry.annotations = try run.members(.annotation, of: item.scope).map {
                BundleItem.Annotation(scope: number(of: $0), try run.annotation(of: $0))
            }
        }
        if step.inputs.contains(.fact(.curation)) {
            entry.curation = run.members(.tomogram, of: item.scope).map {
                BundleItem.Curation(scope: number(of: $0), verdicts: run.curation(of: $0))
            }
        }
        content.items.append(entry)
    }

    private mutating func input(_ input: StepInput, _ link: StepGraph.Link, of item: PreparedItem) throws -> BundleItem.Input {
        let producer = run.graph.steps[link.producer]
        let given = run.given(by: link, for: item.node)
        let output = run.setups[link.producer].outputNames[link.output]
        let isValue = producer.outputs.first { $0.name == output }.map { $0.kind == .value || $0.kind == .voxels } ?? false
        let members = try given.map { scope, digest in
            var member = BundleItem.Member(scope: number(of: scope), digest: digest, value: nil)
            // The digest of the voxels is all that is read of the input `voxels`.
            if isValue, input != .voxels {
                member.value = try value(of: output, link.producer, for: scope, digest: digest)
            }
            return member
        }
        return BundleItem.Input(digest: nil, members: members)
    }

    private mutating func value(of output: String, _ producer: Int, for scope: StepItem.Scope, digest: Digest) throws -> String {
        let key = ValueKey(producer: producer, output: output, scope: scope.id)
        if let known = values[key], known.digest == digest { return known.text }
        let text = try run.standingValue(of: run.graph.steps[producer].name, named: output, for: scope, digest: digest)
        values[key] = (digest, text)
        return text
    }

    private mutating func number(of scope: StepItem.Scope) -> Int {
        if let known = scopeNumbers[scope] { return known }
        let tomogram = scope.tomogramID.flatMap(run.scopes.tomogramPosition).map { number(ofTomogram: $0) }
        content.scopes.append(
            BundleScope(
                kind: scope.kind, id: scope.id, tomogram: tomogram, owner: tomogram == nil ? scope.tomogram : nil,
                z: scope.z.map { [$0.lowerBound, $0.upperBound] }, label: scope.label))
        scopeNumbers[scope] = content.scopes.count - 1
        return content.scopes.count - 1
    }

    private mutating func number(ofTomogram position: Int) -> Int {
        let tomogram = run.scopes.tomograms[position]
        if let known = tomogramNumbers[tomogram.id] { return known }
        content.tomograms.append(
            BundleTomogram(
                id: tomogram.id, name: tomogram.name, location: BundleLocation(tomogram.location),
                signature: run.signatures[position]?.digest,
                voxelSizes: tomogram.declaredVoxelSize.edges))
        tomogramNumbers[tomogram.id] = content.tomograms.count - 1
        return content.tomograms.count - 1
    }
}

extension PlanningSnapshot.DeclaredVoxelSize {
    /// The edges x, y, z in Å by source.
    fileprivate var edges: [String: [Double]] {
        [("user", user), ("metadata", metadata), ("folder", folder), ("dataset", dataset)].reduce(into: [:]) { edges, entry in
            edges[entry.0] = entry.1.map { [$0.xInAngstroms, $0.yInAngstroms, $0.zInAngstroms] }
        }
    }

    init(edges: [String: [Double]]) {
        func size(_ source: String) -> VoxelSize? {
            guard let edges = edges[source], edges.count == 3 else { return nil }
            return VoxelSize(xInAngstroms: edges[0], yInAngstroms: edges[1], zInAngstroms: edges[2])
        }
        self.init(user: size("user"), metadata: size("metadata"), folder: size("folder"), dataset: size("dataset"))
    }
}
