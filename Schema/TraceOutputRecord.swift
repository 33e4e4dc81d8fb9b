public import Basics
import GRDB
internal import Volumes

/// An output of a trace: a value, or an artifact.
public struct TraceOutputRecord: CatalogRecord {
    public static let databaseTableName = "trace_output"

    public var traceId: Int64
    public var name: String
    public var digest: Digest
    public var artifactId: Int64?
    public var value: String?

    public init(traceId: Int64, name: String, digest: Digest, artifactId: Int64?, value: String?) {
        self.traceId = traceId
        self.name = name
        self.digest = digest
        self.artifactId = artifactId
        self.value = value
    }
}
