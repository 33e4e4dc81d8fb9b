package import Basics
import CatalogSchema
import GRDB
internal import Volumes

extension Catalog {
    /// Which item a curve belongs to: what it runs for, and in which run.
    package struct CurveOwner: Sendable, Hashable {
        package var stepID: Int64
        package var scopeID: Int64
        package var key: Digest
        package var runID: Int64

        package init(stepID: Int64, scopeID: Int64, key: Digest, runID: Int64) {
            self.stepID = stepID
            self.scopeID = scopeID
            self.key = key
            self.runID = runID
        }
    }

    /// Writes a point of a curve in a transaction of its own, so that others see it while the item runs. It replaces the
    /// one that was logged for the same key, name and x before. Of a scope that was removed meanwhile nothing is kept.
    package func log(_ name: String, at x: Int, _ value: Double, for owner: CurveOwner) throws {
        try write { db in
            let curve = try db.cachedStatement(
                sql: """
                    INSERT INTO curve (step_id, scope_id, key, run_id)
                    SELECT ?1, ?2, ?3, ?4 WHERE \(Catalog.isScopeThere)
                    ON CONFLICT DO UPDATE SET run_id = excluded.run_id
                    RETURNING id
                    """)
            guard let id = try Int64.fetchOne(curve, arguments: [owner.stepID, owner.scopeID, owner.key, owner.runID])
            else { return }
            try db.cachedStatement(
                sql: """
                    INSERT INTO curve_point (curve_id, name, x, value) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value
                    """
            ).execute(arguments: [id, name, x, value])
        }
    }
}
