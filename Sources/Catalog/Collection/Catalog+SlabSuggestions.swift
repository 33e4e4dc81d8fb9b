import GRDB

extension Catalog {
    /// Slabs in the middle of tomograms that differ most from one another, by what `describe` measured. Tomograms that
    /// have a slab already are passed over.
    ///
    /// - Parameters:
    ///   - count: how many at most.
    ///   - slices: how many slices each; fewer where the tomogram is thinner.
    ///   - selection: ids of the tomograms to choose from; nil for all.
    public func suggestSlabs(count: Int, slices: Int, selection: [Int64]? = nil) throws -> [SlabSuggestion] {
        try read { db in
            let selected = selection.map(Set.init)
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, dataset || '/' || name AS name, size_x, size_y, size_z, density_mean, density_std, density_min, density_max
                    FROM v_tomogram WHERE density_std IS NOT NULL AND slabs = 0 ORDER BY id
                    """
            ).filter { selected?.contains($0["id"]) ?? true }
            let points = rows.map { row -> [Double] in
                // What is measured in units of the spread does not change when a tomogram is scaled.
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
