public import CatalogSchema
import GRDB
public import Volumes

extension Catalog {
    /// The slabs of a tomogram, the one that was added first before others.
    public func slabs(ofTomogram id: Int64) throws -> [SlabRecord] {
        try read { try SlabRecord.fetchAll($0, sql: "SELECT * FROM slab WHERE tomogram_id = ? ORDER BY id", arguments: [id]) }
    }

    /// What a step gave for a slab.
    public struct SlabArtifact: Sendable, Hashable {
        public var z: Range<Int>
        public var digest: Digest
    }

    /// The artifacts that stand as outputs of a step on the slabs of a tomogram, the slabs added first before others.
    public func slabArtifacts(ofTomogram id: Int64, step: String, output: String) throws -> [SlabArtifact] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT z_first, z_end, artifact.digest FROM slab
                    JOIN head ON head.scope_id = slab.id
                    JOIN step ON step.id = head.step_id AND step.scope = 'slab' AND step.name = ?2
                    JOIN trace_output ON trace_output.trace_id = head.trace_id AND trace_output.name = ?3
                    JOIN artifact ON artifact.id = trace_output.artifact_id AND state = 'present'
                    WHERE tomogram_id = ?1 ORDER BY slab.id
                    """, arguments: [id, step, output]
            ).map { row in
                let (first, end): (Int, Int) = (row[0], row[1])
                return SlabArtifact(z: first..<end, digest: row[2])
            }
        }
    }

    /// The objects that stand as found in the slabs of a tomogram, each once: where slabs overlap, those of the slab that was
    /// added first count, as for volumes.
    ///
    /// - Parameters:
    ///   - voxelSize: of the tomogram; an object is in the slice that holds its centroid.
    ///   - class: of one class only.
    public func distinctObjects(
        ofTomogram id: Int64, voxelSize: VoxelSize, class: String? = nil
    ) throws -> [FoundObject] {
        var covered: [Range<Int>] = []
        return try slabs(ofTomogram: id).flatMap { slab in
            defer { covered.append(slab.zFirst..<slab.zEnd) }
            return try objects(ofTomogram: id, slab: slab.id, class: `class`).filter { object in
                let slice = Int((object.centroidInAngstroms.z / voxelSize.zInAngstroms).rounded())
                return !covered.contains { $0.contains(slice) }
            }
        }
    }

    /// The objects that stand as found in a tomogram, by step, scope and number.
    ///
    /// - Parameters:
    ///   - step: of one step only.
    ///   - slab: of those found in one slab only.
    ///   - class: of one class only.
    public func objects(ofTomogram id: Int64, step: String? = nil, slab: Int64? = nil, class: String? = nil) throws
        -> [FoundObject]
    {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT number, class, x, y, z, radius, voxels, volume_nm3, confidence, x_min, y_min, z_min, x_max, y_max, z_max
                    FROM v_object
                    WHERE tomogram_id = ?1 AND (?2 IS NULL OR step = ?2) AND (?3 IS NULL OR class = ?3)
                        AND (?4 IS NULL OR (scope = 'slab' AND scope_id = ?4))
                    ORDER BY step, scope_id, number
                    """, arguments: [id, step, `class`, slab]
            ).map { row in
                FoundObject(
                    number: row[0], class: row[1], centroidInAngstroms: SIMD3(row[2], row[3], row[4]), radiusInAngstroms: row[5],
                    voxels: row[6], volumeInCubicNanometers: row[7], confidence: row[8],
                    boxMinimumInAngstroms: SIMD3(row[9], row[10], row[11]),
                    boxMaximumInAngstroms: SIMD3(row[12], row[13], row[14]))
            }
        }
    }
}
