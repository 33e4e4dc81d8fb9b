import Basics
public import CatalogSchema
import GRDB

/// A slab that is suggested because its tomogram differs from the others.
public struct SlabSuggestion: Sendable, Hashable {
    public var tomogramID: Int64
    /// `dataset/name`
    public var tomogram: String
    public var z: Range<Int>
    /// Why it was chosen, in words.
    public var reason: String
}

extension Catalog.Collection {
    /// Adds a slab, or gives the one that covers the same slices already.
    ///
    /// - Parameter z: slices of the tomogram, 0-based.
    /// - Throws: ``CatalogError`` where the range is empty or leaves the tomogram.
    @discardableResult
    public func addSlab(tomogramID: Int64, z: Range<Int>) throws -> SlabRecord {
        try database.write { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT dataset || '/' || name AS name, size_z FROM v_tomogram WHERE id = ?", arguments: [tomogramID]
                )
            else {
                throw CatalogError(.notFound, "there is no tomogram \(tomogramID); `cellar list tomograms` shows what there is")
            }
            let (name, depth): (String, Int) = (row["name"], row["size_z"])
            guard !z.isEmpty, z.lowerBound >= 0, z.upperBound <= depth else {
                throw CatalogError(
                    .invalid,
                    "\(z.lowerBound)..<\(z.upperBound) is no range of slices of \(name); give one inside of 0..<\(depth)")
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

    /// The slabs of a tomogram, in the order in which they were added.
    public func slabs(ofTomogram id: Int64) throws -> [SlabRecord] {
        try database.read {
            try SlabRecord.fetchAll($0, sql: "SELECT * FROM slab WHERE tomogram_id = ? ORDER BY id", arguments: [id])
        }
    }

    /// Suggests slabs in the middle of those tomograms that differ most from one another, by size and by the densities that
    /// `describe` measured. Tomograms that have a slab already are left out.
    ///
    /// - Parameters:
    ///   - count: the number of slabs at most.
    ///   - slices: the number of slices in each; fewer where the tomogram is thinner.
    ///   - selection: the ids of the tomograms to choose from; nil for all.
    public func suggestSlabs(count: Int, slices: Int, selection: [Int64]? = nil) throws -> [SlabSuggestion] {
        try database.read { db in
            let selected = selection.map(Set.init)
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, dataset || '/' || name AS name, size_x, size_y, size_z, density_mean, density_std, density_min, density_max
                    FROM v_tomogram WHERE density_std IS NOT NULL AND slabs = 0 ORDER BY id
                    """
            ).filter { selected?.contains($0["id"]) ?? true }
            let points = rows.map { row -> [Double] in
                // The extremes in units of the standard deviation do not change when a tomogram's values are scaled.
                let (mean, std): (Double, Double) = (row["density_mean"], max(row["density_std"], .leastNormalMagnitude))
                return [
                    mean, std, ((row["density_max"] as Double) - mean) / std, (mean - (row["density_min"] as Double)) / std,
                    row["size_x"], row["size_y"], row["size_z"],
                ]
            }
            return FarthestPoints.choose(count, among: points).enumerated().map { order, index in
                let depth: Int = rows[index]["size_z"]
                let thickness = min(slices, depth)
                let first = (depth - thickness) / 2
                return SlabSuggestion(
                    tomogramID: rows[index]["id"], tomogram: rows[index]["name"], z: first..<first + thickness,
                    reason: order == 0 ? "the most typical of \(rows.count)" : "the least like those above")
            }
        }
    }
}

/// Farthest-point sampling: chooses the point nearest to the mean first, then each time the point farthest from those chosen, so
/// that few points cover all (Gonzalez, *Clustering to minimize the maximum intercluster distance*, Theoretical Computer Science
/// 38, 1985).
struct FarthestPoints {
    /// - Parameter points: rows of equal length. Columns are scaled to mean 0 and variance 1, so that all weigh the same.
    /// - Returns: the positions of the chosen points, in the order of choice.
    static func choose(_ count: Int, among points: [[Double]]) -> [Int] {
        guard let width = points.first?.count, count > 0 else { return [] }
        let standardised = standardise(points, width: width)
        func distance(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
        // After standardising, the mean is the origin.
        let origin = [Double](repeating: 0, count: width)
        guard var next = standardised.indices.min(by: { distance(standardised[$0], origin) < distance(standardised[$1], origin) })
        else { return [] }
        var chosen: [Int] = []
        var nearest = [Double](repeating: .infinity, count: points.count)
        while chosen.count < min(count, points.count) {
            chosen.append(next)
            for index in nearest.indices {
                nearest[index] = min(nearest[index], distance(standardised[index], standardised[next]))
            }
            nearest[next] = -1
            next = nearest.indices.max { nearest[$0] < nearest[$1] } ?? next
        }
        return chosen
    }

    private static func standardise(_ points: [[Double]], width: Int) -> [[Double]] {
        let count = Double(points.count)
        var result = points
        for column in 0..<width {
            let mean = points.reduce(0) { $0 + $1[column] } / count
            let variance = points.reduce(0) { $0 + ($1[column] - mean) * ($1[column] - mean) } / count
            let scale = variance > 0 ? 1 / variance.squareRoot() : 0
            for row in result.indices { result[row][column] = (points[row][column] - mean) * scale }
        }
        return result
    }
}
