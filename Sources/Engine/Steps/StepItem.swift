public import Basics
public import BlobStore
internal import Catalog
public import CatalogSchema
internal import Foundation
public import Volumes

/// One item of a step in progress: reads its inputs and takes its outputs.
///
/// Reading anything that the step did not declare throws, since it is not in the key.
public final class StepItem {
    /// The tomogram, slab, slice, annotation or training set of an item.
    public struct Scope: Sendable, Hashable {
        public let kind: ScopeKind
        public let id: Int64
        /// `dataset/name`; of a training set, the set's name.
        public let tomogram: String
        /// nil for a training set, which has several tomograms.
        public let tomogramID: Int64?
        /// The file of the tomogram; nil for a training set.
        public let location: VolumeLocation?
        /// The slices of a slab, or the one slice; nil for all others.
        public let z: Range<Int>?
        /// Its label within its tomogram: `z 120`; empty for the tomogram itself, and for a training set.
        public let label: String
    }

    /// One of several artifacts of an input: of a slice of the slab, or of a member of the training set.
    package struct RelatedArtifact {
        package let scope: Scope
        package let artifact: Artifact
    }

    public let scope: Scope
    /// The digest of everything that the item's result depends on.
    public let key: Digest

    let setup: StepSetup
    let reader: any ItemReader
    let recorder: ItemRecorder
    var lastReport: ContinuousClock.Instant?
    private let store: BlobStore
    private let volumes: VolumeCache
    private let cancellation: Cancellation
    /// Whether to use less memory at the cost of time. It never changes a result.
    public let prefersLittleMemory: Bool
    private(set) var outputs: [ItemOutcome.Output] = []
    private(set) var staged: [StagedArtifact] = []
    private(set) var metrics: [(name: String, value: Double)] = []
    private(set) var objects: [FoundObject] = []
    private var openedSources: Set<Scope> = []

    init(
        scope: Scope, key: Digest, setup: StepSetup, reader: any ItemReader, recorder: ItemRecorder, store: BlobStore,
        volumes: VolumeCache,
        cancellation: Cancellation,
        prefersLittleMemory: Bool = false
    ) {
        self.scope = scope
        self.key = key
        self.setup = setup
        self.reader = reader
        self.recorder = recorder
        self.store = store
        self.volumes = volumes
        self.cancellation = cancellation
        self.prefersLittleMemory = prefersLittleMemory
    }

    // MARK: Parameters

    /// The value of a flag.
    ///
    /// - Throws: ``EngineError`` where the step declared no such parameter of that type; so do the next ones.
    public func flag(_ name: String) throws -> Bool {
        guard case .flag(let flag)? = setup.parameters[name] else { throw undeclared("parameter", name) }
        return flag
    }

    public func integer(_ name: String) throws -> Int {
        guard case .integer(let integer)? = setup.parameters[name] else { throw undeclared("parameter", name) }
        return integer
    }

    public func real(_ name: String) throws -> Double {
        guard case .real(let real)? = setup.parameters[name] else { throw undeclared("parameter", name) }
        return real
    }

    public func text(_ name: String) throws -> String {
        guard case .text(let text)? = setup.parameters[name] else { throw undeclared("parameter", name) }
        return text
    }

    /// The value of a typed step's parameter.
    func value<Value>(of parameter: Parameter<Value>) throws -> Value {
        let name = parameter.declaration.name
        guard let value = setup.parameters[name], let value = parameter.read(value, setup.models) else {
            throw undeclared("parameter", name)
        }
        return value
    }

    // MARK: Inputs

    /// Whether the item has an input: one with a condition may be left out.
    func reads(_ input: StepInput) -> Bool { setup.step.inputs.contains(input) }

    /// The tomogram's voxels, for steps that declare ``StepInput/voxels``. If the file is no longer the one that was planned with, the item fails
    /// when it ends.
    public func openVolume() throws -> any Volume { try openVolume(of: scope) }

    /// The voxels of a related scope's tomogram, with the same check.
    ///
    /// - Parameter related: the scope of a member of the training set; or the item's own.
    public func openVolume(of related: Scope) throws -> any Volume {
        guard setup.step.readsFile else { throw undeclared("input", StepInput.voxels.name) }
        try checkRelated(related)
        guard let location = related.location else {
            throw EngineError(
                .brokenPromise, "the training set \(related.tomogram) has no file of its own; open those of its members")
        }
        openedSources.insert(related)
        return try volumes.open(location)
    }

    /// The voxel sizes that are known beside the header's; see ``DeclaredVoxelSize``.
    public func declaredVoxelSize() throws -> DeclaredVoxelSize {
        guard setup.step.inputs.contains(.fact(.declaredVoxelSize)) else { throw undeclared("input", "declared-voxel-size") }
        let declared = try reader.declaredVoxelSize(of: scope)
        return DeclaredVoxelSize(
            user: declared.user, metadata: declared.metadata, folder: declared.folder, dataset: declared.dataset)
    }

    /// A value that another step gave: of the item's own scope, of its tomogram, or of the current training set.
    public func value<Value: Decodable>(_ type: Value.Type = Value.self, of step: String, named name: String) throws -> Value {
        try checkDeclared(step, name)
        let text = try reader.value(of: step, named: name, for: scope)
        return try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// A value that another step gave for one related scope, or for its tomogram: a slice of the item's slab, or a member of its training set.
    ///
    /// ```swift
    /// try item.forEachArtifact(of: "pseudo-labels", named: "volume") { related in
    ///     let size = try item.value([Double].self, of: "calibrate", named: "voxel-size", for: related.scope)
    /// ```
    public func value<Value: Decodable>(
        _ type: Value.Type = Value.self, of step: String, named name: String, for related: Scope
    ) throws -> Value {
        try checkDeclared(step, name)
        try checkRelated(related)
        let text = try reader.value(of: step, named: name, for: related)
        return try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// An artifact that another step gave: of the item's own scope, of its tomogram, or of the current training set.
    public func artifact(of step: String, named name: String) throws -> Artifact {
        try checkDeclared(step, name)
        return try onlyArtifact(of: step, named: name, for: scope)
    }

    /// An artifact that another step gave for one related scope, or for its tomogram.
    ///
    /// - Parameter related: a slice of the slab, or a member of the training set; or the item's own scope.
    public func artifact(of step: String, named name: String, for related: Scope) throws -> Artifact {
        try checkDeclared(step, name)
        try checkRelated(related)
        return try onlyArtifact(of: step, named: name, for: related)
    }

    /// Calls the closure for each artifact that another step gave for the related scopes, in order of z; for the members of a training set,
    /// tomogram by tomogram.
    ///
    /// - Complexity: opens one file after the other.
    package func forEachArtifact(of step: String, named name: String, _ body: (RelatedArtifact) throws -> Void) throws {
        try checkDeclared(step, name)
        for related in try reader.artifacts(of: step, named: name, for: scope) {
            try checkCancellation()
            try body(RelatedArtifact(scope: related.scope, artifact: try store.open(related.digest)))
        }
    }

    // MARK: Outputs

    /// Gives an output that is a value: kept in the catalog as JSON with sorted keys.
    ///
    /// - Parameter digest: the digest of the data that the value describes, such as voxels; nil for the digest of the value itself.
    public func give(_ name: String, value: some Encodable, digest: Digest? = nil) throws {
        try checkPromised(name) { $0 == .value || $0 == .voxels }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        outputs.append(
            ItemOutcome.Output(
                name: name, digest: digest ?? Digest(of: "cellar value 1\n\(text)".utf8), content: .value(text)))
    }

    /// Gives an output that is an artifact, which the closure writes.
    ///
    /// - Parameter kind: the kind of the artifact, in the file and for people: `prepared-slice` (Schema/blobs.md).
    public func give(_ name: String, artifact kind: String, _ write: (ArtifactWriter) throws -> Void) throws {
        var isEvictable = false
        try checkPromised(name) { promise in
            if case .artifact(let evictable) = promise { isEvictable = evictable } else { return false }
            return true
        }
        let artifact = try store.stage(kind: kind, write)
        staged.append(artifact)
        outputs.append(
            ItemOutcome.Output(
                name: name, digest: artifact.digest,
                content: .artifact(kind: kind, bytes: artifact.byteCount, evictable: isEvictable)))
    }

    /// Records a metric of the item, which `v_metric` shows. Values that are not finite are left out. A later value replaces an earlier one of the
    /// same name.
    public func record(_ metric: String, _ value: Double) {
        metrics.removeAll { $0.name == metric }
        if value.isFinite { metrics.append((metric, value)) }
    }

    /// Records the objects that were found, which `v_object` shows, each with its own number.
    ///
    /// - Throws: ``EngineError`` where an object is not ``FoundObject/isValid``, two have the same number, or a neighbour is none of them.
    public func record(_ found: [FoundObject]) throws {
        objects += found
        guard objects.areOneResult else {
            throw EngineError(
                mistake: .brokenPromise,
                "the step \(setup.step.name) found objects that cannot be, two under one number, or neighbours that are not there"
            )
        }
    }

    /// Throws where the run was asked to stop. Call it between parts of long work.
    public func checkCancellation() throws { try cancellation.check() }

    // MARK: Checks

    /// - Throws: ``EngineError`` where the step did not give an output that it declared.
    func checkComplete() throws {
        for name in setup.outputNames where !outputs.contains(where: { $0.name == name }) {
            throw EngineError(mistake: .brokenPromise, "the step \(setup.step.name) ended without its output \(name)")
        }
    }

    /// The tomograms whose files the item depends on.
    var sources: Set<Scope> {
        guard setup.step.inputs.contains(.fact(.source)) else { return openedSources }
        return openedSources.union(reader.members(.tomogram, of: scope))
    }

    /// The path of the key's work folder, whether it exists or not.
    var workspacePath: String { Self.workspacePath(of: key, in: recorder.workFolder) }

    static func workspacePath(of key: Digest, in workFolder: String) -> String { "\(workFolder)/\(key.hexadecimal)" }

    /// Removes what it staged.
    func discardStaged() { for artifact in staged { store.discard(artifact) } }

    private func onlyArtifact(of step: String, named name: String, for scope: Scope) throws -> Artifact {
        let artifacts = try reader.artifacts(of: step, named: name, for: scope)
        guard let artifact = artifacts.first, artifacts.count == 1 else {
            throw EngineError(
                mistake: .brokenPromise, "\(step).\(name) is not one artifact for \(scope.tomogram) \(scope.label)")
        }
        return try store.open(artifact.digest)
    }

    /// Checks that a scope is among those of the item's key: of the same tomogram, and sharing slices where both have some; or of a tomogram of the
    /// training set.
    private func checkRelated(_ related: Scope) throws {
        if related.tomogramID == scope.tomogramID {
            guard let z = scope.z, let other = related.z, !z.overlaps(other) else { return }
            throw undeclared("member", "\(related.tomogram) \(related.label)")
        }
        guard reader.members(.tomogram, of: scope).contains(where: { $0.tomogramID == related.tomogramID }) else {
            throw undeclared("member", "\(related.tomogram) \(related.label)")
        }
    }

    private func checkDeclared(_ step: String, _ name: String) throws {
        guard setup.step.inputs.contains(.output(of: step, named: name)) else { throw undeclared("input", "\(step).\(name)") }
    }

    private func checkPromised(_ name: String, _ accepts: (StepOutput.Kind) -> Bool) throws {
        guard let promise = setup.step.outputs.first(where: { $0.name == name }), accepts(promise.kind),
            !outputs.contains(where: { $0.name == name })
        else { throw undeclared("output", name) }
    }

    func undeclared(_ what: String, _ name: String) -> EngineError {
        EngineError(
            mistake: .brokenPromise, "the step \(setup.step.name) declares no \(what) \(name) of that type, or used it twice")
    }
}

/// How an item finds its inputs among what other items gave.
protocol ItemReader: Sendable {
    func declaredVoxelSize(of scope: StepItem.Scope) throws -> PlanningSnapshot.DeclaredVoxelSize
    func value(of step: String, named name: String, for scope: StepItem.Scope) throws -> String
    func artifacts(
        of step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)]
    /// The members of a training set of one kind; of another scope, itself where it is of that kind.
    func members(_ kind: ScopeKind, of scope: StepItem.Scope) -> [StepItem.Scope]
    func annotation(of scope: StepItem.Scope) throws -> StepItem.Annotation
    /// The verdicts on particles of a tomogram that counted at the time of the plan.
    func curation(of scope: StepItem.Scope) -> [CurationMember.Verdict]
}
