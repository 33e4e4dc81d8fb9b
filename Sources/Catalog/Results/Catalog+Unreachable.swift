public import Basics
import GRDB
internal import Volumes

/// What nothing needs any more: results of things that were removed, and of runs long ago.
///
/// A result is needed where it stands, and where a needed one was computed from it: a number leads back to the network that gave it, as
/// long as the number stands. All others are kept so that parameters, or slabs, that return find them; for how long, people say.
extension Catalog {
    /// What may be dropped.
    public struct Unneeded: Sendable, Hashable {
        /// Drops results of tomograms, annotations, slabs and training sets that were removed.
        public var ofRemoved: Bool
        /// Drops results of runs that are older than this many, and those runs; nil to keep all.
        public var keptRuns: Int?

        public init(ofRemoved: Bool = false, keptRuns: Int? = nil) {
            self.ofRemoved = ofRemoved
            self.keptRuns = keptRuns
        }
    }

    /// How much that is.
    public struct UnneededCount: Sendable, Hashable {
        /// Executions, with their metrics, objects and inputs.
        public var results = 0
        /// Artifacts that no other execution gave.
        public var artifacts = 0
        /// Bytes of those that are at hand.
        public var bytes = 0
        /// Runs of which nothing is left.
        public var runs = 0
    }

    /// Counts what may be dropped; nothing is changed.
    ///
    /// - Complexity: reads all executions, and the inputs of those that stand where there is anything to drop: some tens of microseconds
    ///   for each.
    public func count(_ unneeded: Unneeded) throws -> UnneededCount {
        try read { db in
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
            guard let row else { return UnneededCount() }
            return UnneededCount(results: row[0], artifacts: row[1], bytes: row[2], runs: row[3])
        }
    }

    /// Drops it, in one transaction, and gives the room back to the disk. Nobody may run while this goes on.
    ///
    /// - Returns: the digests of artifacts that the catalog knows no longer; their files are strays from here on.
    public func drop(_ unneeded: Unneeded) throws -> [Digest] {
        let digests = try write { db -> [Digest] in
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
        try vacuum()
        return digests
    }

    /// Runs of which nothing is left, and what only those had.
    private static func dropLeftovers(_ unneeded: Unneeded, _ db: Database) throws {
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

    /// Whether a run is older than those that are kept.
    private static func isOld(_ unneeded: Unneeded) -> String {
        guard let kept = unneeded.keptRuns else { return "0" }
        return "run.id <= ifnull((SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET \(max(0, kept))), 0)"
    }

    /// Common table expressions, of which the last one, `unneeded`, has the ids of executions that may be dropped.
    private static func unneededTraces(_ unneeded: Unneeded) -> String {
        let isCandidate = [
            unneeded.ofRemoved ? "NOT (\(isThere))" : nil,
            unneeded.keptRuns.map { _ in "EXISTS (SELECT 1 FROM run WHERE run.id = trace.run_id AND \(isOld(unneeded)))" },
        ].compactMap(\.self)
        return """
            needed (id) AS (
                SELECT trace_id FROM head
                UNION
                -- Whoever gave an artifact that a needed one was computed from.
                SELECT giver.trace_id FROM needed
                CROSS JOIN trace_input AS given ON given.trace_id = needed.id
                CROSS JOIN artifact ON artifact.digest = given.digest
                CROSS JOIN trace_output AS giver ON giver.artifact_id = artifact.id
                UNION
                -- The same of a value, by the name of the step: of the tomogram, slab or slice itself, or of its tomogram.
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
                    -- The last word on an item that fails is no history.
                    AND NOT (
                        trace.status IN ('failed', 'skipped') AND \(isThere) AND NOT EXISTS (
                            SELECT 1 FROM trace AS later
                            WHERE later.step_id = trace.step_id AND later.scope_id = trace.scope_id AND later.id > trace.id))
            ),
            -- Where there is no candidate, nobody looks for what is needed.
            unneeded (id) AS MATERIALIZED (SELECT id FROM candidate WHERE id NOT IN (SELECT id FROM needed))
            """
    }

    /// Whether the scope of `trace`, whose step is `step`, is there.
    private static let isThere =
        "EXISTS (SELECT 1 FROM v_scope WHERE v_scope.scope = step.scope AND v_scope.scope_id = trace.scope_id)"
}
