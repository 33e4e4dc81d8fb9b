import Basics
public import CatalogSchema
import GRDB
public import Volumes

extension Catalog {
    /// What people brought: datasets, tomograms, voxel sizes, slabs, annotations, training sets and models.
    ///
    /// ``Catalog/collection`` gives it. An operation that writes is one transaction. All operations throw ``CatalogError`` where
    /// the database cannot be read or written. The type is nested because of Swift's protocol of the same name.
    public struct Collection: Sendable {
        let database: CatalogDatabase
    }
}

extension Catalog.Collection {
    // MARK: Tomograms

    /// The tomogram that a person names: by its name, if only one dataset has it, by `dataset/name`, or by `id:2`.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one, with a list of these.
    public func tomogram(named text: String) throws -> TomogramRecord {
        try database.read { db in
            let id = try id(of: .tomogram, text, db)
            guard let record = try TomogramRecord.fetchOne(db, key: id) else {
                throw CatalogError(.notFound, "there is no tomogram \(text); `cellar list tomograms` shows what there is")
            }
            return record
        }
    }

    /// The tomograms of a dataset, by name; none where there is no such dataset.
    public func tomograms(inDataset name: String) throws -> [TomogramRecord] {
        try database.read { db in
            try TomogramRecord.fetchAll(
                db,
                sql: """
                    SELECT tomogram.* FROM tomogram JOIN dataset ON dataset.id = dataset_id
                    WHERE dataset.name = ? ORDER BY tomogram.name
                    """, arguments: [name])
        }
    }

    /// All tomograms, by dataset and name.
    public func tomograms() throws -> [TomogramRecord] {
        try database.read { db in
            try TomogramRecord.fetchAll(
                db,
                sql:
                    "SELECT tomogram.* FROM tomogram JOIN dataset ON dataset.id = dataset_id ORDER BY dataset.name, tomogram.name"
            )
        }
    }

    /// The shape of a tomogram as `describe` found it, or else as its header gave it; nil where there is no such tomogram.
    public func shape(ofTomogram id: Int64) throws -> VolumeShape? {
        try database.read { db -> VolumeShape? in
            try Row.fetchOne(db, sql: "SELECT size_z, size_y, size_x FROM v_tomogram WHERE id = ?", arguments: [id])
                .flatMap { VolumeShape(z: $0[0], y: $0[1], x: $0[2]) }
        }
    }

    /// The voxel size that counts for a tomogram: the user's, or else the header's, that of metadata, that of a folder's name, or the
    /// dataset's; nil where none is known.
    public func effectiveVoxelSize(ofTomogram id: Int64) throws -> VoxelSize? {
        try database.read { db -> VoxelSize? in
            // Kept, since the view has many tables, and a page asks for each part of a tomogram.
            let statement = try db.cachedStatement(
                sql: "SELECT voxel_size, voxel_size_y, voxel_size_z FROM v_tomogram WHERE id = ? AND voxel_size IS NOT NULL")
            let row = try Row.fetchOne(statement, arguments: [id])
            return row.flatMap { VoxelSize(xInAngstroms: $0[0], yInAngstroms: $0[1], zInAngstroms: $0[2]) }
        }
    }

    /// The location of the label volume that annotates a tomogram, the one added last of several; nil where there is none.
    public func labelLocation(ofTomogram id: Int64) throws -> VolumeLocation? {
        try database.read { db -> VolumeLocation? in
            try AnnotationRecord.fetchOne(
                db, sql: "SELECT * FROM annotation WHERE tomogram_id = ? AND kind = 'labels' ORDER BY id DESC LIMIT 1",
                arguments: [id]
            ).map { VolumeLocation(path: $0.path, member: $0.member) }
        }
    }

    /// The id of a slice that a slab covers or covered; nil where no slab ever did.
    public func sliceID(ofTomogram id: Int64, z: Int) throws -> Int64? {
        try database.read { db in
            try Int64.fetchOne(db, sql: "SELECT id FROM slice WHERE tomogram_id = ? AND z = ?", arguments: [id, z])
        }
    }

    /// The lowest slice of a tomogram that a slab covers; nil where it has no slab.
    public func firstSlice(ofTomogram id: Int64) throws -> Int? {
        try database.read { db in
            try Int.fetchOne(db, sql: "SELECT min(z_first) FROM slab WHERE tomogram_id = ?", arguments: [id])
        }
    }

    /// The metadata of a tomogram by their keys.
    public func metadata(ofTomogram id: Int64) throws -> [String: String] {
        try database.read { db in
            try Dictionary(
                uniqueKeysWithValues: Row.fetchAll(
                    db, sql: "SELECT key, value FROM tomogram_meta WHERE tomogram_id = ?", arguments: [id]
                ).map { ($0[0] as String, $0[1] as String) })
        }
    }

    // MARK: Voxel sizes

    /// The voxel sizes that are missing, contradict one another, or differ from those of the rest of the dataset, by tomogram.
    public func voxelSizeFindings() throws -> [Catalog.VoxelSizeFinding] {
        try database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    WITH usual AS (
                        SELECT dataset, voxel_size, count(*) AS tomograms FROM v_tomogram
                        WHERE voxel_size IS NOT NULL GROUP BY dataset, voxel_size),
                    majority AS (
                        SELECT dataset, voxel_size FROM usual AS u
                        WHERE 2 * tomograms > (SELECT sum(tomograms) FROM usual WHERE usual.dataset = u.dataset))
                    SELECT t.dataset || '/' || t.name AS name, t.voxel_size, t.voxel_size_source AS source,
                        t.header_voxel_size AS header, t.metadata_voxel_size AS metadata, t.folder_voxel_size AS folder,
                        majority.voxel_size AS usual
                    FROM v_tomogram AS t LEFT JOIN majority ON majority.dataset = t.dataset
                    ORDER BY t.id
                    """)
            return rows.flatMap { row -> [Catalog.VoxelSizeFinding] in
                let name: String = row["name"]
                guard let size: Double = row["voxel_size"] else { return [.unknown(tomogram: name)] }
                let source: String = row["source"]
                let others = [VoxelSizeEvidenceRecord.Source.header, .metadata, .folder].compactMap { other in
                    (row[other.rawValue] as Double?).map { (source: other.rawValue, size: $0) }
                }
                let conflicts = others.filter { $0.source != source && Catalog.VoxelSizeFinding.contradicts($0.size, size) }
                if !conflicts.isEmpty {
                    return conflicts.map {
                        .conflict(tomogram: name, voxelSize: size, source: source, other: $0.size, otherSource: $0.source)
                    }
                }
                if let usual: Double = row["usual"], abs(size - usual) > 0.01 * usual {
                    return [.outlier(tomogram: name, voxelSize: size, usual: usual)]
                }
                return []
            }
        }
    }

    // MARK: Files

    /// The files that no command writes over: tomograms, annotations, models, and the catalog's own folder.
    ///
    /// - Parameter others: the files that other catalogs know.
    /// - Returns: the files of all of them.
    /// - Complexity: one stat(2) for each file.
    public func protectedFiles(addingTo others: ProtectedFiles = .none) throws -> ProtectedFiles {
        let rows = try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    WITH named AS (
                        SELECT tomogram.id AS id, path, 'the tomogram ' || dataset.name || '/' || tomogram.name AS title
                        FROM tomogram JOIN dataset ON dataset.id = dataset_id)
                    SELECT 'an annotation of ' || title, annotation.path FROM annotation JOIN named ON named.id = tomogram_id
                    UNION ALL
                    SELECT title, path FROM named
                    UNION ALL
                    SELECT 'the model ' || name, path FROM model
                    """)
        }
        var protected = others
        for row in rows {
            let (title, path): (String, String) = (row[0], row[1])
            protected.add(database.directory.absolutePath(ofStored: path), as: title)
        }
        // Added last: a message about a model in the catalog's folder names the catalog.
        for path in [database.directory.blobs, database.directory.path] {
            protected.add(path, as: "the catalog \(database.directory.path)")
        }
        return protected
    }
}

extension Catalog {
    /// A voxel size that a person should look at.
    public enum VoxelSizeFinding: Sendable, Hashable, CustomStringConvertible {
        /// No voxel size is known.
        case unknown(tomogram: String)
        /// The one that counts differs by more than 1 % from what another source says: user, header, metadata or folder.
        case conflict(tomogram: String, voxelSize: Double, source: String, other: Double, otherSource: String)
        /// It differs by more than 1 % from the one that more than half of the dataset's tomograms have.
        case outlier(tomogram: String, voxelSize: Double, usual: Double)

        /// Whether two voxel sizes in Å differ by more than 1 %: more than headers and people round.
        public static func contradicts(_ one: Double, _ other: Double) -> Bool { abs(one - other) > 0.01 * max(one, other) }

        public var description: String {
            switch self {
            case .unknown(let tomogram):
                "\(tomogram) has no voxel size; add it again with --voxel-size, or give the dataset one with --dataset-voxel-size"
            case .conflict(let tomogram, let size, let source, let other, let otherSource):
                "\(tomogram): the \(source) says \(size) Å, the \(otherSource) \(other) Å; the \(source)'s is used"
            case .outlier(let tomogram, let size, let usual):
                "\(tomogram) has a voxel size of \(size) Å, where its dataset has \(usual) Å; if that is wrong, add it again with --voxel-size"
            }
        }
    }
}
