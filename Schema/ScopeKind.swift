public import GRDB

/// What a step works on, one item at a time.
public enum ScopeKind: String, Codable, Sendable, Hashable, CaseIterable, DatabaseValueConvertible {
    case tomogram, annotation, slab, slice
    /// What networks are trained on: members of several tomograms together.
    case trainingSet = "training-set"
}
