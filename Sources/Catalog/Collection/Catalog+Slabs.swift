public import CatalogSchema
import GRDB

extension Catalog {
    /// Adds a slab. One that is there already stays as it is.
    ///
    /// - Parameter z: slices of the tomogram, 0-based.
    /// - Throws: ``CatalogError`` where the range is empty or leaves the tomogram.
    @discardableResult
    public func addSlab(tomogramID: Int64, z: Range<Int>) throws -> SlabRecord {
        try write { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT dataset || '/' || name AS name, size_z FROM v_tomogram WHERE id = ?", arguments: [tomogramID]
                )
            else { throw CatalogError(.notFound, "there is no tomogram \(tomogramID)") }
            let (name, depth): (String, Int) = (row["name"], row["size_z"])
            guard !z.isEmpty, z.lowerBound >= 0, z.upperBound <= depth else {
                throw CatalogError(
                    .invalid, "\(z.lowerBound)..<\(z.upperBound) is no range of slices of \(name), which has slices 0..<\(depth)")
            }
            let arguments: StatementArguments = [tomogramID, z.lowerBound, z.upperBound]
            let known = try SlabRecord.fetchOne(
                db, sql: "SELECT * FROM slab WHERE tomogram_id = ? AND z_first = ? AND z_end = ?", arguments: arguments)
            if let known { return known }
            var slab = SlabRecord(tomogramId: tomogramID, z: z, createdAt: Timestamp.now)
            try slab.insert(db)
            slab.id = db.lastInsertedRowID
            try db.execute(
                sql: """
                    WITH RECURSIVE position (z) AS (SELECT ?2 UNION ALL SELECT z + 1 FROM position WHERE z + 1 < ?3)
                    INSERT OR IGNORE INTO slice (tomogram_id, z) SELECT ?1, z FROM position
                    """, arguments: arguments)
            return slab
        }
    }

    /// Removes slabs. What was computed for them, and for slices that no other slab covers, no longer stands; it stays,
    /// and is found again should they come back.
    ///
    /// - Throws: ``CatalogError`` where there is no such slab, or it is a member of a training set; then none is removed.
    public func removeSlabs(ids: [Int64]) throws {
        try write { db in
            for id in ids {
                guard let slab = try SlabRecord.fetchOne(db, key: id) else {
                    throw CatalogError(.notFound, "there is no slab \(id); `cellar slab list` shows what there is")
                }
                let set = try String.fetchOne(
                    db,
                    sql: """
                        SELECT name FROM training_set JOIN training_set_slab ON training_set_id = training_set.id
                        WHERE slab_id = ? ORDER BY training_set.id LIMIT 1
                        """, arguments: [id])
                if let set {
                    throw CatalogError(
                        .invalid,
                        "slab \(id) is a member of the training set \(set), whose members never change; remove the set first, with "
                            + "`cellar training remove \(set)`")
                }
                try db.execute(sql: "DELETE FROM slab WHERE id = ?", arguments: [id])
                try db.execute(
                    sql: """
                        DELETE FROM head
                        WHERE scope_id = ? AND step_id IN (SELECT id FROM step WHERE scope = 'slab')
                        """, arguments: [id])
                try db.execute(
                    sql: """
                        DELETE FROM head
                        WHERE step_id IN (SELECT id FROM step WHERE scope = 'slice') AND scope_id IN (
                            SELECT id FROM slice WHERE tomogram_id = ? AND z >= ? AND z < ? AND NOT EXISTS (
                                SELECT 1 FROM slab WHERE slab.tomogram_id = slice.tomogram_id AND z >= z_first AND z < z_end))
                        """, arguments: [slab.tomogramId, slab.zFirst, slab.zEnd])
            }
        }
    }
}
