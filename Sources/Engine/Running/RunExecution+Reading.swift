import Basics
import Catalog
import CatalogSchema
import Synchronization
import Volumes

/// The reading of items' inputs, on worker threads.
extension RunExecution: ItemReader {
    /// The positions of the tomograms of scopes, ascending.
    func positions(of sources: Set<StepItem.Scope>) -> [Int] {
        Set(sources.compactMap { $0.tomogramID.flatMap(scopes.tomogramPosition) }).sorted()
    }

    /// Checks that a tomogram's file is the one that was planned with.
    ///
    /// - Throws: ``EngineError`` where it is missing, or another one.
    func checkSource(at position: Int) throws(EngineError) {
        let location = scopes.tomograms[position].location
        guard let planned = signatures[position] else {
            throw EngineError(.source, "the file \(location) is not there; put it back or add the tomogram again")
        }
        guard SourceSignature(location) == planned else {
            volumes.close(location)
            throw EngineError(.source, "the file \(location) changed during the run; run again")
        }
    }

    func declaredVoxelSize(of scope: StepItem.Scope) throws -> PlanningSnapshot.DeclaredVoxelSize {
        guard let position = scope.tomogramID.flatMap(scopes.tomogramPosition) else {
            throw EngineError(mistake: .brokenPromise, "there is no one tomogram of \(scope.tomogram) in this run")
        }
        return scopes.tomograms[position].declaredVoxelSize
    }

    func value(of step: String, named name: String, for scope: StepItem.Scope) throws -> String {
        let given = try given(by: step, named: name, for: scope)
        guard let only = given.first, given.count == 1 else { throw Self.missingValue(of: step, named: name, for: scope) }
        return try standingValue(of: step, named: name, for: only.scope, digest: only.digest)
    }

    /// The text of a value by the scope that it was given for.
    ///
    /// - Throws: ``EngineError`` where it is no longer the one with that digest.
    func standingValue(of step: String, named name: String, for scope: StepItem.Scope, digest: Digest) throws -> String {
        guard let value = try catalog.results.standingValue(step: step, scopeID: scope.id, output: name), value.digest == digest
        else { throw Self.missingValue(of: step, named: name, for: scope) }
        return value.text
    }

    private static func missingValue(of step: String, named name: String, for scope: StepItem.Scope) -> EngineError {
        EngineError(
            .source,
            "\(step).\(name) has no value for \(scope.tomogram) \(scope.label) any more: it was removed during the run; run again"
        )
    }

    func artifacts(
        of step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)] {
        try given(by: step, named: name, for: scope)
    }

    func members(_ kind: ScopeKind, of scope: StepItem.Scope) -> [StepItem.Scope] {
        guard scope.kind == .trainingSet else { return scope.kind == kind ? [scope] : [] }
        return (scopes.training?.members(kind) ?? []).map { itemScope(Scope(kind, Int($0))) }
    }

    func annotation(of scope: StepItem.Scope) throws -> StepItem.Annotation {
        guard let known = scopes.scope(.annotation, id: scope.id, tomogramID: scope.tomogramID), let part = scopes.part(of: known)
        else { throw EngineError(mistake: .brokenPromise, "there is no annotation \(scope.id) in this run") }
        guard let content = try catalog.collection.annotationContent(id: scope.id), content.record.digest == part.contentDigest
        else {
            throw EngineError(
                .source, "\(scope.label) of \(scope.tomogram) was replaced during the run; run again")
        }
        return try StepItem.Annotation(content, grid: part.grid, of: scope)
    }

    /// Those of the plan: people may judge particles while a training goes on, which is stale afterwards.
    func curation(of scope: StepItem.Scope) -> [CurationMember.Verdict] {
        guard let position = scope.tomogramID.flatMap(scopes.tomogramPosition), let planned = scopes.curations[position] else {
            return []
        }
        return planned.records.map {
            CurationMember.Verdict(className: $0.class, positionInVoxels: $0.positionInVoxels, verdict: $0.verdict)
        }
    }

    /// What other items gave for one input of an item, with their scopes.
    func given(by link: StepGraph.Link, for node: ItemNode) -> [(scope: StepItem.Scope, digest: Digest)] {
        state.read { $0.members(of: link, for: node) }.map { (itemScope(graph.scope(of: $0.item)), $0.digest) }
    }

    private func given(
        by step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)] {
        guard let producer = stepIndex[step], let output = setups[producer].outputNames.firstIndex(of: name),
            let reader = scopes.scope(scope.kind, id: scope.id, tomogramID: scope.tomogramID)
        else { throw EngineError(mistake: .brokenPromise, "no step gives \(step).\(name)") }
        var sources: [Scope] = []
        scopes.forEachSource(of: reader, in: graph.steps[producer].scope) { sources.append($0) }
        let width = setups[producer].outputNames.count
        let digests = state.read { state in sources.map { state.outputs[producer][$0.position * width + output] } }
        return zip(sources, digests).map { (itemScope($0), $1) }
    }
}

/// The open volumes of a run, so that the slices of a slab share one header, and one index of a compressed file.
final class VolumeCache: Sendable {
    private struct Entry {
        let volume: any Volume
        var lastUse: UInt64
    }

    private let capacity: Int
    private let entries = Mutex<(byLocation: [VolumeLocation: Entry], clock: UInt64)>(([:], 0))

    /// - Parameter capacity: the number of volumes that stay open; the least recently used one is closed first.
    init(capacity: Int) { self.capacity = capacity }

    func open(_ location: VolumeLocation) throws -> any Volume {
        if let volume = use(location) { return volume }
        // Opened outside of the lock: two workers may open the same file, and the first result is kept.
        let volume = try location.open()
        entries.withLock { state in
            if state.byLocation.count >= capacity,
                let oldest = state.byLocation.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                state.byLocation[oldest] = nil
            }
            if state.byLocation[location] == nil { state.byLocation[location] = Entry(volume: volume, lastUse: state.clock) }
        }
        return use(location) ?? volume
    }

    /// Closes a volume whose file changed.
    func close(_ location: VolumeLocation) { entries.withLock { $0.byLocation[location] = nil } }

    private func use(_ location: VolumeLocation) -> (any Volume)? {
        entries.withLock { state in
            state.clock += 1
            state.byLocation[location]?.lastUse = state.clock
            return state.byLocation[location]?.volume
        }
    }
}
