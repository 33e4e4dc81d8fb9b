public import GRDB

/// What a step works on, one item at a time.
public enum ScopeKind: String, Codable, Sendable, Hashable, CaseIterable, DatabaseValueConvertible {
    case tomogram, annotation, slab, slice
}
