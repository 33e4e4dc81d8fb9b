public import CatalogSchema
import GRDB
public import Volumes

extension Catalog {
    /// The shape of a tomogram, as `describe` or its header gave it.
    public func tomogramShape(id: Int64) throws -> VolumeShape? {
        try read { db -> VolumeShape? in
            try Row.fetchOne(db, sql: "SELECT size_z, size_y, size_x FROM v_tomogram WHERE id = ?", arguments: [id])
                .flatMap { VolumeShape(z: $0[0], y: $0[1], x: $0[2]) }
        }
    }

    /// The voxel size that counts for a tomogram; nil where nobody says.
    public func effectiveVoxelSize(id: Int64) throws -> VoxelSize? {
        try read { db -> VoxelSize? in
            let row = try Row.fetchOne(
                db, sql: "SELECT voxel_size, voxel_size_y, voxel_size_z FROM v_tomogram WHERE id = ? AND voxel_size IS NOT NULL",
                arguments: [id])
            return row.flatMap { VoxelSize(xInAngstroms: $0[0], yInAngstroms: $0[1], zInAngstroms: $0[2]) }
        }
    }

    /// Where the label volume is that annotates a tomogram; the one added last, of several.
    public func labelLocation(ofTomogram id: Int64) throws -> VolumeLocation? {
        try read { db -> VolumeLocation? in
            try AnnotationRecord.fetchOne(
                db, sql: "SELECT * FROM annotation WHERE tomogram_id = ? AND kind = 'labels' ORDER BY id DESC LIMIT 1",
                arguments: [id]
            ).map { VolumeLocation(path: $0.path, member: $0.member) }
        }
    }

    /// The id of a slice that a slab covers, or covered.
    public func sliceID(tomogramID: Int64, z: Int) throws -> Int64? {
        try read { db in
            try Int64.fetchOne(db, sql: "SELECT id FROM slice WHERE tomogram_id = ? AND z = ?", arguments: [tomogramID, z])
        }
    }

    /// The first slice of a tomogram that a slab covers.
    public func firstSlice(ofTomogram id: Int64) throws -> Int? {
        try read { db in
            try Int.fetchOne(db, sql: "SELECT min(z_first) FROM slab WHERE tomogram_id = ?", arguments: [id])
        }
    }

    /// The slab that was added first.
    public func firstSlab() throws -> SlabRecord? {
        try read { try SlabRecord.fetchOne($0, sql: "SELECT * FROM slab ORDER BY id LIMIT 1") }
    }
}
