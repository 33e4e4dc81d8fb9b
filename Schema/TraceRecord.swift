public import Basics
public import GRDB
internal import Volumes

/// One execution of a step on a scope.
public struct TraceRecord: CatalogRecord {
    public static let databaseTableName = "trace"

    public enum Status: String, Codable, Sendable, Hashable, DatabaseValueConvertible {
        /// Its outputs are what its key stands for.
        case done
        /// It was done, and a later execution under the same key gave another output.
        case superseded
        case failed
        /// It could not run because something before it failed.
        case skipped
    }

    public var id: Int64?
    public var runId: Int64
    public var stepId: Int64
    public var scopeId: Int64
    public var configurationId: Int64
    public var status: Status
    /// nil where an input was not known.
    public var key: Digest?
    public var startedAt: String
    public var seconds: Double
    public var error: String?

    public init(
        id: Int64? = nil, runId: Int64, stepId: Int64, scopeId: Int64, configurationId: Int64, status: Status, key: Digest?,
        startedAt: String, seconds: Double, error: String? = nil
    ) {
        self.id = id
        self.runId = runId
        self.stepId = stepId
        self.scopeId = scopeId
        self.configurationId = configurationId
        self.status = status
        self.key = key
        self.startedAt = startedAt
        self.seconds = seconds
        self.error = error
    }
}
