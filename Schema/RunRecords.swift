public import Basics
public import GRDB

/// One call of `cellar run`.
public struct RunRecord: CatalogRecord {
    public static let databaseTableName = "run"

    public enum Status: String, Codable, Sendable, Hashable, DatabaseValueConvertible {
        case running, done, failed
        /// A person stopped it, or its process was killed.
        case interrupted
    }

    public var id: Int64?
    public var startedAt: String
    /// nil while it runs.
    public var endedAt: String?
    public var status: Status
    public var host: String
    public var pid: Int32
    /// Of Cellar.
    public var version: String
    /// The command line.
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

/// The process that runs in the catalog now, or was killed while it ran: the one row of `run_lock`.
public struct RunLockRecord: CatalogRecord {
    public static let databaseTableName = "run_lock"

    /// Always 1: at most one process runs.
    public var id: Int64
    public var runId: Int64
    /// The name of the user.
    public var owner: String
    public var host: String
    public var pid: Int32
    /// When the process last said that it is alive.
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

/// An artifact that the blob store has, or had until its bytes were dropped.
public struct ArtifactRecord: CatalogRecord {
    public static let databaseTableName = "artifact"

    /// Whether the blob store has the bytes; evicted ones come back when a step that needs them runs.
    public enum State: String, Codable, Sendable, Hashable, DatabaseValueConvertible { case present, evicted }

    public var id: Int64?
    public var digest: Digest
    public var kind: String
    public var bytes: Int
    /// Whether `gc` may drop the bytes, because they can be computed again.
    public var evictable: Bool
    public var state: State
    public var createdAt: String
}

/// How one execution of a step on a scope ended: the column `status` of `trace`.
public enum TraceStatus: String, Codable, Sendable, Hashable, DatabaseValueConvertible {
    /// Its outputs are the result under its key.
    case done
    /// It was done, and a later execution under the same key gave other outputs.
    case superseded
    /// It ended with an error.
    case failed
    /// It did not run, because something that it depends on failed.
    case skipped
}
