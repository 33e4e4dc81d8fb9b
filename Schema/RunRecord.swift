public import GRDB

/// One call of `cellar run`.
public struct RunRecord: CatalogRecord {
    public static let databaseTableName = "run"

    public enum Status: String, Codable, Sendable, Hashable, DatabaseValueConvertible {
        case running, done, failed, interrupted
    }

    public var id: Int64?
    public var startedAt: String
    public var endedAt: String?
    public var status: Status
    public var host: String
    public var pid: Int32
    public var version: String
    public var command: String
    public var recipeId: Int64

    public init(
        id: Int64? = nil, startedAt: String, endedAt: String? = nil, status: Status, host: String, pid: Int32, version: String,
        command: String, recipeId: Int64
    ) {
        self.id = id
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.status = status
        self.host = host
        self.pid = pid
        self.version = version
        self.command = command
        self.recipeId = recipeId
    }
}
