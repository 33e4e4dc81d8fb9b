internal import Basics
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
}
