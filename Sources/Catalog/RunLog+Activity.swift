import Basics
import CatalogSchema
import GRDB

/// A run that goes on, as far as the catalog knows: what was published, not what is under way.
public struct RunActivity: Hashable, Sendable {
    public let runID: Int64
    /// The command line, as it was typed.
    public let command: String
    /// The name of the user.
    public let owner: String
    public let host: String
    public let pid: Int32
    public let heartbeatAt: String
    /// Items that it computed. Items that it found again are not among them: they leave no trace of their own.
    public let done: Int
    public let failed: Int
    public let skipped: Int
    /// The step of the item that was published last; nil where none was yet.
    public let step: String?
    /// Its tomogram as `dataset/name`; nil where it is of a training set.
    public let tomogram: String?
}

extension Catalog.RunLog {
    /// The run of the process that holds the lock; nil where the lock's row is not there. A process that was killed leaves its row:
    /// ``RunLock/isHeld(in:)`` says whether it lives.
    ///
    /// - Complexity: counts the items of the run by an index.
    public func activity() throws -> RunActivity? {
        try database.read { db in
            guard let lock = try RunLockRecord.fetchOne(db),
                let run = try RunRecord.fetchOne(db, sql: "SELECT * FROM run WHERE id = ?", arguments: [lock.runId])
            else { return nil }
            var counts: [String: Int] = [:]
            let rows = try Row.fetchAll(
                db, sql: "SELECT status, count(*) AS count FROM trace WHERE run_id = ? GROUP BY status", arguments: [lock.runId])
            for row in rows { counts[row["status"]] = row["count"] }
            let latest = try Row.fetchOne(
                db,
                sql: """
                    SELECT step.name AS step, dataset.name || '/' || tomogram.name AS tomogram
                    FROM (SELECT step_id, scope_id, run_id FROM trace ORDER BY id DESC LIMIT 1) AS trace
                    JOIN step ON step.id = trace.step_id
                    LEFT JOIN tomogram ON tomogram.id = CASE step.scope
                        WHEN 'tomogram' THEN trace.scope_id
                        WHEN 'annotation' THEN (SELECT tomogram_id FROM annotation WHERE id = trace.scope_id)
                        WHEN 'slab' THEN (SELECT tomogram_id FROM slab WHERE id = trace.scope_id)
                        WHEN 'slice' THEN (SELECT tomogram_id FROM slice WHERE id = trace.scope_id)
                    END
                    LEFT JOIN dataset ON dataset.id = tomogram.dataset_id
                    WHERE trace.run_id = ?
                    """, arguments: [lock.runId])
            return RunActivity(
                runID: lock.runId, command: run.command, owner: lock.owner, host: lock.host, pid: lock.pid,
                heartbeatAt: lock.heartbeatAt, done: (counts["done"] ?? 0) + (counts["superseded"] ?? 0),
                failed: counts["failed"] ?? 0, skipped: counts["skipped"] ?? 0, step: latest?["step"],
                tomogram: latest?["tomogram"])
        }
    }
}
