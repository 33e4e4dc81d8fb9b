public import Basics
public import Catalog
import Foundation

// The outputs that stand in a catalog, read by the declarations of the steps that give them: code outside of a run names no step
// and no output by a text.

extension Catalog.Results {
    /// The digest of the artifact that stands as an output of a step on a scope; nil where none does, or its bytes were evicted.
    ///
    /// ```swift
    /// let digest = try catalog.results.artifact(of: MaskStep.self, \.mask, scopeID: slice)
    /// ```
    ///
    /// - Complexity: one query.
    public func artifact<S: TypedStep, Content>(
        of step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, scopeID: Int64
    ) throws -> Digest? {
        try standingArtifact(step: S.name, scopeID: scopeID, output: S.outputs[keyPath: output].output.name)
    }

    /// The value that stands as an output of a step on a scope; nil where none does.
    ///
    /// - Throws: `DecodingError` where an earlier version of the step gave a value of another form.
    /// - Complexity: one query.
    public func value<S: TypedStep, Value>(
        of step: S.Type, _ output: KeyPath<S.Outputs, ValueOutput<Value>>, scopeID: Int64
    ) throws -> Value? {
        let name = S.outputs[keyPath: output].output.name
        return try standingValue(step: S.name, scopeID: scopeID, output: name).map {
            try JSONDecoder().decode(Value.self, from: Data($0.text.utf8))
        }
    }

    /// The artifacts that stand as an output of a step on the slabs of a tomogram, in the order in which the slabs were added.
    ///
    /// - Complexity: one query.
    public func slabArtifacts<S: TypedStep, Content>(
        ofTomogram id: Int64, of step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>
    ) throws -> [Catalog.SlabArtifact] {
        try slabArtifacts(ofTomogram: id, step: S.name, output: S.outputs[keyPath: output].output.name)
    }
}
