public import Basics
import GRDB
internal import Volumes

/// An input of a trace, beside its configuration.
public struct TraceInputRecord: CatalogRecord {
    public static let databaseTableName = "trace_input"

    public var traceId: Int64
    public var name: String
    public var digest: Digest
    /// The value, where it is short.
    public var value: String?

    public init(traceId: Int64, name: String, digest: Digest, value: String?) {
        self.traceId = traceId
        self.name = name
        self.digest = digest
        self.value = value
    }
}
