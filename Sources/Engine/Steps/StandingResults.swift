public import Basics
public import BlobStore
public import Catalog
import Foundation

/// Reads the results that stand, by the declarations of the steps that gave them:
///
/// ```swift
/// let labels = try results.content(SegmentStep.self, \.labels, scopeID: tomogram)
/// ```
///
/// A result stands where it is the one that counts for a step on a scope now. Errors are those of the catalog, the store, and the
/// types that read artifacts.
public struct StandingResults: Sendable {
    private let catalog: Catalog
    private let store: @Sendable () throws -> BlobStore

    /// - Parameter store: of the catalog. It is opened only where an artifact is read: opening it makes its folders, and values
    ///   need none.
    public init(_ catalog: Catalog, store: @autoclosure @escaping @Sendable () throws -> BlobStore) {
        self.catalog = catalog
        self.store = store
    }

    /// The digest of an artifact; nil where none stands, or its bytes were dropped.
    ///
    /// - Complexity: one query; opens no file.
    public func digest<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, scopeID: Int64
    ) throws -> Digest? {
        try catalog.results.standingArtifact(step: S.name, scopeID: scopeID, output: S.outputs[keyPath: output].output.name)
    }

    /// The content of an artifact; nil where none stands, or its bytes were dropped.
    public func content<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, scopeID: Int64
    ) throws -> Content? {
        try digest(step, output, scopeID: scopeID).map { try Content(store().open($0)) }
    }

    /// The artifacts of a step on slices of a tomogram, by z; slices without one are left out.
    ///
    /// - Complexity: one query; opens no file.
    public func sliceArtifacts<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, ofTomogram id: Int64
    ) throws -> [Catalog.SliceArtifact] {
        try catalog.results.sliceArtifacts(ofTomogram: id, step: S.name, output: S.outputs[keyPath: output].output.name)
    }

    /// The artifacts of a step on the slabs of a tomogram, in the order in which the slabs were added; slabs without one are left
    /// out.
    ///
    /// - Complexity: one query; opens no file.
    public func slabArtifacts<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, ofTomogram id: Int64
    ) throws -> [Catalog.SlabArtifact] {
        try catalog.results.slabArtifacts(ofTomogram: id, step: S.name, output: S.outputs[keyPath: output].output.name)
    }

    /// The content of an artifact by its digest, as the listings above give it.
    public func content<Content: ArtifactContent>(_ type: Content.Type, _ digest: Digest) throws -> Content {
        try Content(store().open(digest))
    }

    /// The contents of artifacts on the slabs of a tomogram, in the order in which the slabs were added; slabs without one are left
    /// out.
    public func slabContents<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, ofTomogram id: Int64
    ) throws -> [(z: Range<Int>, content: Content)] {
        let name = S.outputs[keyPath: output].output.name
        return try catalog.results.slabArtifacts(ofTomogram: id, step: S.name, output: name).map { slab in
            (slab.z, try Content(store().open(slab.digest)))
        }
    }

    /// The content of an artifact on a slab that has a slice, and the index of the slice in the slab, from 0; nil where there is
    /// none. Where slabs overlap, it is that of the slab that was added first.
    ///
    /// - Complexity: opens one file.
    public func slabContent<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, ofTomogram id: Int64, z: Int
    ) throws -> (slice: Int, content: Content)? {
        let name = S.outputs[keyPath: output].output.name
        return try catalog.results.slabArtifacts(ofTomogram: id, step: S.name, output: name).first { $0.z.contains(z) }.map {
            slab in
            (z - slab.z.lowerBound, try Content(store().open(slab.digest)))
        }
    }

    /// A value that the catalog keeps; nil where none stands.
    public func value<S: TypedStep, Value>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ValueOutput<Value>>, scopeID: Int64
    ) throws -> Value? {
        let name = S.outputs[keyPath: output].output.name
        return try catalog.results.standingValue(step: S.name, scopeID: scopeID, output: name).map { value in
            try JSONDecoder().decode(Value.self, from: Data(value.text.utf8))
        }
    }

    /// Whether a step has a result on a scope, also where the bytes of its artifacts were dropped.
    public func has<S: TypedStep>(_ step: S.Type, scopeID: Int64) throws -> Bool {
        try catalog.results.hasResult(step: S.name, scopeID: scopeID)
    }
}
