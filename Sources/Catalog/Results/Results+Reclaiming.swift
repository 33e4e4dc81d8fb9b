public import Basics
public import CatalogSchema
import GRDB

extension Catalog {
    /// An artifact whose bytes `gc` may drop.
    public struct Reclaimable: Sendable, Hashable {
        public var digest: Digest
        public var kind: String
        public var bytes: Int
        /// Whether it is an output of a standing result; else it belongs to earlier parameters or removed scopes.
        public var isCurrent: Bool
    }

    /// Which results may be deleted: those that nothing needs any more, of things that were removed or of runs long ago.
    ///
    /// A result is needed where it stands, and where a needed result was computed from it: a standing number needs the network
    /// that gave it. All others are kept, so that parameters or slabs that return find them; people say for how long.
    public struct Unneeded: Sendable, Hashable {
        /// Whether to delete unneeded results of tomograms, annotations, slabs and training sets that were removed.
        public var ofRemoved: Bool
        /// The number of newest runs to keep, where unneeded results of older ones are deleted with their runs; nil to keep all.
        public var keptRuns: Int?

        public init(ofRemoved: Bool = false, keptRuns: Int? = nil) {
            self.ofRemoved = ofRemoved
            self.keptRuns = keptRuns
        }
    }

    /// How much a deletion of unneeded results takes out.
    public struct UnneededCount: Sendable, Hashable {
        /// Executions, with their metrics, objects and inputs.
        public var results = 0
        /// Artifacts that only these executions gave.
        public var artifacts = 0
        /// The bytes of those artifacts that are present.
        public var bytes = 0
        /// Runs without any result that stays.
        public var runs = 0
    }
}

extension Catalog.Results {
    // MARK: Artifacts

    /// All present artifacts that are evictable, least useful first: those that no standing result has as output, then the
    /// others; the oldest first of each.
    public func reclaimableArtifacts() throws -> [Catalog.Reclaimable] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT digest, kind, bytes, EXISTS (
                        SELECT 1 FROM trace_output JOIN head ON head.trace_id = trace_output.trace_id
                        WHERE trace_output.artifact_id = artifact.id) AS is_current
                    FROM artifact WHERE state = 'present' AND evictable = 1
                    ORDER BY is_current, artifact.id
                    """
            ).map { Catalog.Reclaimable(digest: $0[0], kind: $0[1], bytes: $0[2], isCurrent: $0[3]) }
        }
    }

    /// The bytes of those of some artifacts that are present and evictable, in the order given.
    package func evictableBytes(of digests: [Digest]) throws -> [(digest: Digest, bytes: Int)] {
        try database.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT bytes FROM artifact WHERE digest = ? AND state = 'present' AND evictable = 1")
            return try digests.compactMap { digest in
                try Int.fetchOne(statement, arguments: [digest]).map { (digest, $0) }
            }
        }
    }

    /// All artifacts, by ascending digest.
    public func artifacts() throws -> [ArtifactRecord] {
        try database.read { try ArtifactRecord.fetchAll($0, sql: "SELECT * FROM artifact ORDER BY digest") }
    }

    /// Notes whether the blob store has the bytes of some artifacts.
    public func setState(_ state: ArtifactRecord.State, of digests: [Digest]) throws {
        try database.write { db in
            let statement = try db.cachedStatement(sql: "UPDATE artifact SET state = ? WHERE digest = ?")
            for digest in digests { try statement.execute(arguments: [state, digest]) }
        }
    }

    /// The sum of the bytes of all artifacts that are present.
    public func artifactBytes() throws -> Int {
        try database.read { try Int.fetchOne($0, sql: "SELECT ifnull(sum(bytes), 0) FROM artifact WHERE state = 'present'") ?? 0 }
    }

    // MARK: Unneeded results

    /// Counts the unneeded results; nothing is changed.
    ///
    /// - Complexity: reads all executions and, if any may be deleted, the inputs of the needed ones: some tens of microseconds
    ///   for each.
    public func count(_ unneeded: Catalog.Unneeded) throws -> Catalog.UnneededCount {
        try database.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    WITH RECURSIVE \(Self.unneededTraces(unneeded))
                    SELECT (SELECT count(*) FROM unneeded), count(*), ifnull(sum(CASE state WHEN 'present' THEN bytes END), 0),
                        (SELECT count(*) FROM run WHERE \(Self.isOld(unneeded)) AND NOT EXISTS (
                            SELECT 1 FROM trace WHERE trace.run_id = run.id AND trace.id NOT IN (SELECT id FROM unneeded))
                            AND NOT EXISTS (SELECT 1 FROM head WHERE head.run_id = run.id))
                    FROM artifact
                    WHERE EXISTS (SELECT 1 FROM trace_output WHERE artifact_id = artifact.id AND trace_id IN (SELECT id FROM unneeded))
                        AND NOT EXISTS (
                            SELECT 1 FROM trace_output WHERE artifact_id = artifact.id AND trace_id NOT IN (SELECT id FROM unneeded))
                    """)
            guard let row else { return Catalog.UnneededCount() }
            return Catalog.UnneededCount(results: row[0], artifacts: row[1], bytes: row[2], runs: row[3])
        }
    }

    /// Deletes the unneeded results in one transaction, and gives the room back to the disk. The caller holds the ``RunLock``.
    ///
    /// - Returns: the digests of artifacts that the catalog knows no longer, whose files the caller may delete.
    public func drop(_ unneeded: Catalog.Unneeded) throws -> [Digest] {
        let digests = try database.write { db -> [Digest] in
            try db.execute(
                sql: "CREATE TEMP TABLE dropped AS WITH RECURSIVE \(Self.unneededTraces(unneeded)) SELECT id FROM unneeded")
            defer { try? db.execute(sql: "DROP TABLE temp.dropped") }
            try db.execute(sql: "DELETE FROM trace WHERE id IN (SELECT id FROM temp.dropped)")
            let noOutput = "NOT EXISTS (SELECT 1 FROM trace_output WHERE artifact_id = artifact.id)"
            let digests = try Digest.fetchAll(db, sql: "SELECT digest FROM artifact WHERE \(noOutput)")
            try db.execute(sql: "DELETE FROM artifact WHERE \(noOutput)")
            try Self.dropLeftovers(unneeded, db)
            return digests
        }
        try database.vacuum()
        return digests
    }

    /// Deletes runs without results, and the recipes, configurations, curves and events that only those had.
    private static func dropLeftovers(_ unneeded: Catalog.Unneeded, _ db: Database) throws {
        let isUnused = """
            NOT EXISTS (SELECT 1 FROM trace WHERE trace.run_id = run.id) AND NOT EXISTS (SELECT 1 FROM head WHERE head.run_id = run.id)
            AND NOT EXISTS (SELECT 1 FROM run_lock WHERE run_lock.run_id = run.id)
            """
        let runs = "SELECT id FROM run WHERE \(isOld(unneeded)) AND \(isUnused)"
        try db.execute(
            sql: """
                DELETE FROM curve WHERE run_id IN (\(runs)) AND NOT EXISTS (SELECT 1 FROM trace WHERE trace.key = curve.key);
                DELETE FROM event WHERE run_id IN (\(runs));
                DELETE FROM run WHERE id IN (\(runs)) AND NOT EXISTS (SELECT 1 FROM curve WHERE curve.run_id = run.id);
                DELETE FROM recipe WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.recipe_id = recipe.id);
                DELETE FROM configuration_value WHERE NOT EXISTS (
                    SELECT 1 FROM trace WHERE trace.configuration_id = configuration_value.configuration_id);
                DELETE FROM configuration WHERE NOT EXISTS (SELECT 1 FROM trace WHERE trace.configuration_id = configuration.id);
                """)
    }

    /// The SQL condition that a run is older than those that are kept.
    private static func isOld(_ unneeded: Catalog.Unneeded) -> String {
        guard let kept = unneeded.keptRuns else { return "0" }
        return "run.id <= ifnull((SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET \(max(0, kept))), 0)"
    }

    /// Common table expressions. The last one, `unneeded`, has the ids of the executions that may be deleted.
    private static func unneededTraces(_ unneeded: Catalog.Unneeded) -> String {
        let isCandidate = [
            unneeded.ofRemoved ? "NOT (\(isThere))" : nil,
            unneeded.keptRuns.map { _ in "EXISTS (SELECT 1 FROM run WHERE run.id = trace.run_id AND \(isOld(unneeded)))" },
        ].compactMap(\.self)
        return """
            needed (id) AS (
                SELECT trace_id FROM head
                UNION
                -- The executions that gave an artifact from which a needed one was computed.
                SELECT giver.trace_id FROM needed
                CROSS JOIN trace_input AS given ON given.trace_id = needed.id
                CROSS JOIN artifact ON artifact.digest = given.digest
                CROSS JOIN trace_output AS giver ON giver.artifact_id = artifact.id
                UNION
                -- The same for values, by the name of the step, on the same scope or on its tomogram.
                SELECT source.id FROM needed
                CROSS JOIN trace AS mine ON mine.id = needed.id
                CROSS JOIN step AS my_step ON my_step.id = mine.step_id
                CROSS JOIN trace_input AS given ON given.trace_id = needed.id AND instr(given.name, '.') > 0
                CROSS JOIN step ON step.name = substr(given.name, 1, instr(given.name, '.') - 1)
                CROSS JOIN v_scope ON v_scope.scope = my_step.scope AND v_scope.scope_id = mine.scope_id
                CROSS JOIN trace AS source ON source.step_id = step.id
                    AND source.scope_id = CASE step.scope WHEN 'tomogram' THEN v_scope.tomogram_id ELSE mine.scope_id END
                CROSS JOIN trace_output AS giver
                    ON giver.trace_id = source.id AND giver.digest = given.digest AND giver.artifact_id IS NULL
            ),
            candidate (id) AS MATERIALIZED (
                SELECT trace.id FROM trace JOIN step ON step.id = trace.step_id
                WHERE (\(isCandidate.isEmpty ? "0" : isCandidate.joined(separator: " OR ")))
                    -- The last failure of an item that is there is its state now, not history.
                    AND NOT (
                        trace.status IN ('failed', 'skipped') AND \(isThere) AND NOT EXISTS (
                            SELECT 1 FROM trace AS later
                            WHERE later.step_id = trace.step_id AND later.scope_id = trace.scope_id AND later.id > trace.id))
            ),
            -- Without a candidate, SQLite does not compute what is needed.
            unneeded (id) AS MATERIALIZED (SELECT id FROM candidate WHERE id NOT IN (SELECT id FROM needed))
            """
    }

    /// The SQL condition that the scope of the row `trace`, whose step is the row `step`, is there.
    private static let isThere =
        "EXISTS (SELECT 1 FROM v_scope WHERE v_scope.scope = step.scope AND v_scope.scope_id = trace.scope_id)"
}
