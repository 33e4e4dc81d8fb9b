public import BlobStore
public import Catalog
import Foundation

/// Reads the results that stand, by the declarations of the steps that gave them:
///
/// ```swift
/// let labels = try results.content(SegmentStep.self, \.labels, scopeID: tomogram)
/// ```
///
/// A result stands where it is the one that counts for a step on a scope now. Errors are those of the catalog, the store, and the types
/// that read artifacts.
public struct StandingResults: Sendable {
    private let catalog: Catalog
    private let store: BlobStore

    public init(_ catalog: Catalog, store: BlobStore) {
        self.catalog = catalog
        self.store = store
    }

    /// The content of an artifact; nil where none stands, or its bytes were dropped.
    public func content<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, scopeID: Int64
    ) throws -> Content? {
        let name = S.outputs[keyPath: output].output.name
        return try catalog.results.standingArtifact(step: S.name, scopeID: scopeID, output: name).map {
            try Content(store.open($0))
        }
    }

    /// The contents of artifacts on the slabs of a tomogram, in the order in which the slabs were added; slabs without one are left out.
    public func slabContents<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, ofTomogram id: Int64
    ) throws -> [(z: Range<Int>, content: Content)] {
        let name = S.outputs[keyPath: output].output.name
        return try catalog.results.slabArtifacts(ofTomogram: id, step: S.name, output: name).map { slab in
            (slab.z, try Content(store.open(slab.digest)))
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
