public import Basics
public import CatalogSchema
import GRDB
internal import Volumes

extension Catalog {
    /// Artifacts that `gc` could drop, least useful first: those that no standing result uses, then evictable ones by
    /// ascending id of the run that last used them.
    public struct Reclaimable: Sendable, Hashable {
        public var digest: Digest
        public var kind: String
        public var bytes: Int
        /// Whether a result that stands has it as output. One that has not belongs to earlier parameters.
        public var isCurrent: Bool
    }

    /// Every artifact that may be dropped: evictable ones, wherever they stand.
    public func reclaimableArtifacts() throws -> [Reclaimable] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT digest, kind, bytes, EXISTS (
                        SELECT 1 FROM trace_output JOIN head ON head.trace_id = trace_output.trace_id
                        WHERE trace_output.artifact_id = artifact.id) AS is_current
                    FROM artifact WHERE state = 'present' AND evictable = 1
                    ORDER BY is_current, artifact.id
                    """
            ).map { Reclaimable(digest: $0[0], kind: $0[1], bytes: $0[2], isCurrent: $0[3]) }
        }
    }

    /// Every artifact, by ascending digest.
    public func artifacts() throws -> [ArtifactRecord] {
        try read { try ArtifactRecord.fetchAll($0, sql: "SELECT * FROM artifact ORDER BY digest") }
    }

    /// Notes that the bytes of artifacts are there, or not.
    public func setState(_ state: ArtifactRecord.State, of digests: [Digest]) throws {
        try write { db in
            let statement = try db.cachedStatement(sql: "UPDATE artifact SET state = ? WHERE digest = ?")
            for digest in digests { try statement.execute(arguments: [state, digest]) }
        }
    }

    /// The sum of the bytes of all artifacts that are present.
    public func artifactBytes() throws -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT ifnull(sum(bytes), 0) FROM artifact WHERE state = 'present'") ?? 0 }
    }
}
