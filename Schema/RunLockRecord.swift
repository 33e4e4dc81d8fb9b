import GRDB

/// Who holds the right to run.
public struct RunLockRecord: CatalogRecord {
    public static let databaseTableName = "run_lock"

    public var id: Int64
    public var runId: Int64
    public var owner: String
    public var host: String
    public var pid: Int32
    public var heartbeatAt: String

    public init(runId: Int64, owner: String, host: String, pid: Int32, heartbeatAt: String) {
        self.id = 1
        self.runId = runId
        self.owner = owner
        self.host = host
        self.pid = pid
        self.heartbeatAt = heartbeatAt
    }
}
