public import CatalogSchema
import GRDB
public import Volumes

extension Catalog.Results {
    /// The objects in the standing results on the slabs of a tomogram, each once: where slabs overlap, those of the slab that was
    /// added first count, as for volumes.
    ///
    /// - Parameters:
    ///   - voxelSize: the voxel size of the tomogram. An object is in the slice that holds its centroid.
    ///   - class: one class; nil for all.
    public func distinctObjects(
        ofTomogram id: Int64, voxelSize: VoxelSize, class: String? = nil
    ) throws -> [FoundObject] {
        var covered: [Range<Int>] = []
        return try Catalog.Collection(database: database).slabs(ofTomogram: id).flatMap { slab in
            defer { covered.append(slab.zFirst..<slab.zEnd) }
            return try objects(ofTomogram: id, slab: slab.id, class: `class`).filter { object in
                let slice = Int((object.centroidInAngstroms.z / voxelSize.zInAngstroms).rounded())
                return !covered.contains { $0.contains(slice) }
            }
        }
    }

    /// The objects in the standing results on a tomogram and its parts, ordered by step, scope and number. What compartments and
    /// pieces of membrane are more than other objects is not read (`v_compartment`, `v_membrane`).
    ///
    /// - Parameters:
    ///   - step: one step; nil for all.
    ///   - slab: the id of one slab; nil for all scopes.
    ///   - class: one class; nil for all.
    public func objects(ofTomogram id: Int64, step: String? = nil, slab: Int64? = nil, class: String? = nil) throws
        -> [FoundObject]
    {
        let (condition, arguments): (String, StatementArguments) = (
            """
            tomogram_id = ?1 AND (?2 IS NULL OR step = ?2) AND (?3 IS NULL OR class = ?3)
                AND (?4 IS NULL OR (scope = 'slab' AND scope_id = ?4))
            """, [id, step, `class`, slab]
        )
        struct Key: Hashable {
            let step: String
            let scopeID: Int64
            let number: Int
        }
        return try database.read { db in
            var neighbours: [Key: [FoundObject.Neighbour]] = [:]
            let pairs = try Row.fetchCursor(
                db,
                sql: """
                    SELECT step, scope_id, number, neighbour_class, neighbour, distance FROM v_neighbour
                    WHERE \(condition) ORDER BY neighbour_class
                    """, arguments: arguments)
            while let row = try pairs.next() {
                neighbours[Key(step: row[0], scopeID: row[1], number: row[2]), default: []]
                    .append(FoundObject.Neighbour(class: row[3], number: row[4], distanceInAngstroms: row[5]))
            }
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT step, scope_id, number, class, x, y, z, radius, voxels, volume_nm3, surface_nm2, elongation, density_mean,
                        membrane_distance, confidence, uncertainty, x_min, y_min, z_min, x_max, y_max, z_max, compartment,
                        kind, kind_certainty
                    FROM v_object WHERE \(condition) ORDER BY step, scope_id, number
                    """, arguments: arguments
            ).map { row in
                FoundObject(
                    number: row["number"], class: row["class"], centroidInAngstroms: SIMD3(row["x"], row["y"], row["z"]),
                    radiusInAngstroms: row["radius"], voxels: row["voxels"], volumeInCubicNanometers: row["volume_nm3"],
                    surfaceInSquareNanometers: row["surface_nm2"], elongation: row["elongation"],
                    meanDensity: row["density_mean"], membraneDistanceInAngstroms: row["membrane_distance"],
                    confidence: row["confidence"], uncertainty: row["uncertainty"],
                    boxMinimumInAngstroms: SIMD3(row["x_min"], row["y_min"], row["z_min"]),
                    boxMaximumInAngstroms: SIMD3(row["x_max"], row["y_max"], row["z_max"]),
                    neighbours: neighbours[Key(step: row[0], scopeID: row[1], number: row["number"])] ?? [],
                    compartment: row["compartment"],
                    kind: (row["kind"] as Int?).flatMap { number in
                        (row["kind_certainty"] as Double?).map { .init(number: number, certainty: $0) }
                    })
            }
        }
    }
}
