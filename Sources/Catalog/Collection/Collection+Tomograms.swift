public import Basics
import CatalogSchema
import Foundation
import GRDB
public import Volumes

/// A tomogram to be added: its file, what the header says, and what the user says.
public struct NewTomogram: Sendable, Hashable {
    public var name: String
    /// Its file or folder, by an absolute path.
    public var location: VolumeLocation
    public var format: String
    public var scalarType: ScalarType
    public var shape: VolumeShape
    public var headerVoxelSize: VoxelSize?
    /// nil where the user gives none; one that was given earlier stays then.
    public var userVoxelSize: VoxelSize?
    /// What a document about the file says; nil where there is none at hand, and one that was given earlier stays then.
    public var metadataVoxelSize: VoxelSize?
    /// What the name of a folder above the file says.
    public var folderVoxelSize: VoxelSize?
    public var metadata: [String: String]

    public init(
        name: String, location: VolumeLocation, format: String, scalarType: ScalarType, shape: VolumeShape,
        headerVoxelSize: VoxelSize? = nil, userVoxelSize: VoxelSize? = nil, metadataVoxelSize: VoxelSize? = nil,
        folderVoxelSize: VoxelSize? = nil, metadata: [String: String] = [:]
    ) {
        self.name = name
        self.location = location
        self.format = format
        self.scalarType = scalarType
        self.shape = shape
        self.headerVoxelSize = headerVoxelSize
        self.userVoxelSize = userVoxelSize
        self.metadataVoxelSize = metadataVoxelSize
        self.folderVoxelSize = folderVoxelSize
        self.metadata = metadata
    }

    /// What adding it did.
    public enum Outcome: Sendable, Hashable { case added, updated, relocated, unchanged }

    /// Its id in the catalog, and what adding it did.
    public typealias Added = (id: Int64, outcome: Outcome)
}

extension Catalog.Collection {
    /// Adds tomograms to a dataset, which is made where there is none of that name: all of them, or none.
    ///
    /// A file that is added again gets the name, voxel size and metadata given now. Where a tomogram of the same name has a file
    /// that no longer exists, that file counts as moved here.
    ///
    /// - Parameter defaultVoxelSizeInAngstroms: the voxel size of the dataset's tomograms that have no other.
    /// - Throws: ``CatalogError`` where a name is empty, holds a slash, or belongs to another file that still exists, or
    ///   the default is no voxel size.
    /// - Returns: for each, in order, its id and what adding it did.
    @discardableResult
    public func add(
        _ tomograms: [NewTomogram], dataset: String, defaultVoxelSizeInAngstroms: Double? = nil
    ) throws -> [NewTomogram.Added] {
        // The dataset is made, or its voxel size changed, also where no tomogram is given.
        try addEach(
            tomograms.map { (dataset, $0) }, makingDatasets: [dataset], defaultVoxelSizeInAngstroms: defaultVoxelSizeInAngstroms,
            mode: .allOrNone
        ).map { try $0.get() }
    }

    /// What is written of tomograms of which some are refused.
    public enum AdditionMode: Sendable {
        /// Nothing.
        case allOrNone
        /// The others.
        case keepingGoing
        /// Nothing in any case: what adding them would do is found out, and taken back.
        case trying
    }

    /// Adds tomograms to datasets as ``add(_:dataset:defaultVoxelSizeInAngstroms:)`` does, in one transaction, and gives an error for each
    /// that is refused.
    ///
    /// - Parameters:
    ///   - defaultVoxelSizeInAngstroms: the voxel size of the tomograms of these datasets that have no other.
    ///   - mode: what is written where one is refused.
    /// - Throws: ``CatalogError`` where a dataset's name or voxel size is none, or the catalog cannot be written.
    /// - Returns: for each, in order, its id and what adding it did, or why it is refused.
    /// - Complexity: a few rows that are looked up by indices, for each tomogram.
    public func addEach(
        _ tomograms: [(dataset: String, tomogram: NewTomogram)], defaultVoxelSizeInAngstroms: Double? = nil, mode: AdditionMode
    ) throws -> [Result<NewTomogram.Added, CatalogError>] {
        try addEach(
            tomograms, makingDatasets: [], defaultVoxelSizeInAngstroms: defaultVoxelSizeInAngstroms, mode: mode)
    }

    private func addEach(
        _ tomograms: [(dataset: String, tomogram: NewTomogram)], makingDatasets names: [String],
        defaultVoxelSizeInAngstroms: Double?, mode: AdditionMode
    ) throws -> [Result<NewTomogram.Added, CatalogError>] {
        let datasets = Set(tomograms.map(\.dataset) + names).sorted()
        for name in datasets {
            try checkName(name, of: "dataset")
            if let edge = defaultVoxelSizeInAngstroms, VoxelSize(cubicInAngstroms: edge) == nil {
                throw CatalogError(
                    .invalid, "\(edge) cannot be the voxel size of the dataset \(name): it is a length in Å, from 0.01 to 10000")
            }
        }
        return try database.write { db in
            var results: [Result<NewTomogram.Added, CatalogError>] = []
            try db.inSavepoint {
                var ids: [String: Int64] = [:]
                for name in datasets {
                    ids[name] = try self.dataset(named: name, defaultVoxelSize: defaultVoxelSizeInAngstroms, db)
                }
                for (dataset, tomogram) in tomograms {
                    do {
                        try checkName(tomogram.name, of: "tomogram")
                        guard let id = ids[dataset] else {
                            throw CatalogError(mistake: .notFound, "there is no dataset \(dataset)")
                        }
                        results.append(.success(try add(tomogram, datasetID: id, datasetName: dataset, db)))
                    } catch let error as CatalogError {
                        results.append(.failure(error))
                    }
                }
                let isAnyRefused = results.contains { if case .failure = $0 { true } else { false } }
                let isAnyAdded = results.contains { if case .success = $0 { true } else { false } }
                return switch mode {
                case .trying: .rollback
                case .allOrNone: isAnyRefused ? .rollback : .commit
                case .keepingGoing: isAnyRefused && !isAnyAdded ? .rollback : .commit
                }
            }
            return results
        }
    }

    private func checkName(_ name: String, of noun: String) throws {
        guard !name.isEmpty, !name.contains("/") else {
            throw CatalogError(.invalid, "\"\(name)\" cannot be the name of a \(noun): a name is not empty and holds no slash")
        }
        guard !CatalogReference.isReserved(name) else {
            throw CatalogError(
                .invalid,
                "\"\(name)\" cannot be the name of a \(noun), as it would be taken for an id or a digest; begin it otherwise")
        }
    }

    /// The id of a dataset, which is made where there is none of that name.
    private func dataset(named name: String, defaultVoxelSize: Double?, _ db: Database) throws -> Int64 {
        if let id = try Int64.fetchOne(db, sql: "SELECT id FROM dataset WHERE name = ?", arguments: [name]) {
            if let defaultVoxelSize {
                try db.execute(sql: "UPDATE dataset SET voxel_size_angstrom = ? WHERE id = ?", arguments: [defaultVoxelSize, id])
            }
            return id
        }
        try DatasetRecord(name: name, voxelSizeAngstrom: defaultVoxelSize, createdAt: Timestamp.now).insert(db)
        return db.lastInsertedRowID
    }

    private func add(
        _ new: NewTomogram, datasetID: Int64, datasetName: String, _ db: Database
    ) throws -> NewTomogram.Added {
        for key in new.metadata.keys where key.isEmpty {
            throw CatalogError(.invalid, "a metadata key is empty; write --meta key=value")
        }
        // Statements are kept by the connection: thousands of tomograms in one call are the usual case.
        let bySource = try TomogramRecord.fetchOne(
            db.cachedStatement(sql: "SELECT * FROM tomogram WHERE dataset_id = ? AND path = ? AND ifnull(member, '') = ?"),
            arguments: [datasetID, new.location.path, new.location.member ?? ""])
        let byName = try TomogramRecord.fetchOne(
            db.cachedStatement(sql: "SELECT * FROM tomogram WHERE dataset_id = ? AND name = ?"),
            arguments: [datasetID, new.name])
        var outcome: NewTomogram.Outcome
        let id: Int64
        if let known = bySource ?? byName, let knownID = known.id {
            if bySource == nil {
                guard !FileManager.default.fileExists(atPath: known.path) else {
                    throw CatalogError(
                        .alreadyExists,
                        "the dataset \(datasetName) has a tomogram \(new.name) already, at \(known.path); give this one "
                            + "another name with --name or --name-from, or add it to another dataset")
                }
            } else if known.name != new.name, byName != nil {
                throw CatalogError(
                    .alreadyExists,
                    "the dataset \(datasetName) has another tomogram named \(new.name) already; choose another name")
            }
            id = knownID
            var record = TomogramRecord(
                id: id, datasetId: datasetID, name: new.name, location: new.location, format: new.format,
                scalarType: new.scalarType, shape: new.shape, addedAt: known.addedAt)
            outcome = bySource == nil ? .relocated : record == known ? .unchanged : .updated
            if outcome != .unchanged {
                record.addedAt = known.addedAt
                try record.update(db)
            }
        } else {
            try TomogramRecord(
                datasetId: datasetID, name: new.name, location: new.location, format: new.format, scalarType: new.scalarType,
                shape: new.shape, addedAt: Timestamp.now
            ).insert(db)
            id = db.lastInsertedRowID
            outcome = .added
        }
        // Header and folder belong to the file, and say what they say today. Of the others, saying nothing takes nothing back.
        let isNew = outcome == .added
        var changed = try setEvidence(new.headerVoxelSize, source: .header, tomogramID: id, isNew: isNew, db)
        changed = try setEvidence(new.folderVoxelSize, source: .folder, tomogramID: id, isNew: isNew, db) || changed
        if let size = new.userVoxelSize {
            changed = try setEvidence(size, source: .user, tomogramID: id, isNew: isNew, db) || changed
        }
        if let size = new.metadataVoxelSize {
            changed = try setEvidence(size, source: .metadata, tomogramID: id, isNew: isNew, db) || changed
        }
        if !new.metadata.isEmpty {
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO tomogram_meta (tomogram_id, key, value) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value WHERE value <> excluded.value
                    """)
            for (key, value) in new.metadata {
                let before = db.totalChangesCount
                try statement.execute(arguments: [id, key, value])
                changed = changed || db.totalChangesCount > before
            }
        }
        if changed, outcome == .unchanged { outcome = .updated }
        return (id, outcome)
    }

    /// Replaces or deletes what one source says about a voxel size.
    ///
    /// - Parameter isNew: whether the tomogram was made just now, so that nothing is known of it.
    /// - Returns: whether that changed anything.
    private func setEvidence(
        _ size: VoxelSize?, source: VoxelSizeEvidenceRecord.Source, tomogramID: Int64, isNew: Bool, _ db: Database
    ) throws -> Bool {
        guard let size else {
            if isNew { return false }
            let before = db.totalChangesCount
            try db.cachedStatement(sql: "DELETE FROM voxel_size_evidence WHERE tomogram_id = ? AND source = ?")
                .execute(arguments: [tomogramID, source])
            return db.totalChangesCount > before
        }
        let before = db.totalChangesCount
        try db.cachedStatement(
            sql: """
                INSERT INTO voxel_size_evidence (tomogram_id, source, x_angstrom, y_angstrom, z_angstrom, noted_at)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE
                SET x_angstrom = excluded.x_angstrom, y_angstrom = excluded.y_angstrom, z_angstrom = excluded.z_angstrom,
                    noted_at = excluded.noted_at
                WHERE x_angstrom <> excluded.x_angstrom OR y_angstrom <> excluded.y_angstrom
                    OR z_angstrom <> excluded.z_angstrom
                """
        ).execute(
            arguments: [tomogramID, source, size.xInAngstroms, size.yInAngstroms, size.zInAngstroms, Timestamp.now])
        return db.totalChangesCount > before
    }
}
