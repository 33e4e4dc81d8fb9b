import GRDB

/// What networks are trained on: slabs or annotations that were chosen once and stay.
public struct TrainingSetRecord: CatalogRecord {
    public static let databaseTableName = "training_set"

    public var id: Int64?
    public var name: String
    /// Whether networks are trained on it now; at most one set is.
    public var isCurrent: Bool
    /// The expression by which its members were chosen; nil where all were taken.
    public var selection: String?
    public var createdAt: String

    public init(id: Int64? = nil, name: String, isCurrent: Bool, selection: String?, createdAt: String) {
        self.id = id
        self.name = name
        self.isCurrent = isCurrent
        self.selection = selection
        self.createdAt = createdAt
    }
}
