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
    public var metadata: [String: String]

    public init(
        name: String, location: VolumeLocation, format: String, scalarType: ScalarType, shape: VolumeShape,
        headerVoxelSize: VoxelSize? = nil, userVoxelSize: VoxelSize? = nil, metadata: [String: String] = [:]
    ) {
        self.name = name
        self.location = location
        self.format = format
        self.scalarType = scalarType
        self.shape = shape
        self.headerVoxelSize = headerVoxelSize
        self.userVoxelSize = userVoxelSize
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
        try addEach(tomograms, dataset: dataset, defaultVoxelSizeInAngstroms: defaultVoxelSizeInAngstroms, keepingGoing: false)
            .map { try $0.get() }
    }

    /// Adds tomograms to a dataset as ``add(_:dataset:defaultVoxelSizeInAngstroms:)`` does, and gives an error for each that is
    /// refused.
    ///
    /// - Parameter keepingGoing: whether the others are added where one is refused; else none is added then.
    /// - Throws: ``CatalogError`` where the dataset's name or voxel size is none, or the catalog cannot be written.
    /// - Returns: for each, in order, its id and what adding it did, or why it is refused.
    public func addEach(
        _ tomograms: [NewTomogram], dataset: String, defaultVoxelSizeInAngstroms: Double? = nil, keepingGoing: Bool
    ) throws -> [Result<NewTomogram.Added, CatalogError>] {
        try checkName(dataset, of: "dataset")
        if let edge = defaultVoxelSizeInAngstroms, VoxelSize(cubicInAngstroms: edge) == nil {
            throw CatalogError(
                .invalid, "\(edge) cannot be the voxel size of the dataset \(dataset): it is a length in Å, from 0.01 to 10000")
        }
        return try database.write { db in
            var results: [Result<NewTomogram.Added, CatalogError>] = []
            try db.inSavepoint {
                let datasetID = try self.dataset(named: dataset, defaultVoxelSize: defaultVoxelSizeInAngstroms, db)
                for tomogram in tomograms {
                    do {
                        try checkName(tomogram.name, of: "tomogram")
                        results.append(.success(try add(tomogram, datasetID: datasetID, datasetName: dataset, db)))
                    } catch let error as CatalogError {
                        results.append(.failure(error))
                    }
                }
                let isAnyRefused = results.contains { if case .failure = $0 { true } else { false } }
                let isAnyAdded = results.contains { if case .success = $0 { true } else { false } }
                return isAnyRefused && !(keepingGoing && isAnyAdded) ? .rollback : .commit
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
                .invalid, "\"\(name)\" cannot be the name of a \(noun): what begins like this is taken for an id or a digest")
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
        let bySource = try TomogramRecord.fetchOne(
            db, sql: "SELECT * FROM tomogram WHERE dataset_id = ? AND path = ? AND ifnull(member, '') = ?",
            arguments: [datasetID, new.location.path, new.location.member ?? ""])
        let byName = try TomogramRecord.fetchOne(
            db, sql: "SELECT * FROM tomogram WHERE dataset_id = ? AND name = ?", arguments: [datasetID, new.name])
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
                throw CatalogError(.alreadyExists, "the dataset \(datasetName) has another tomogram named \(new.name) already")
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
        var changed = try setEvidence(new.headerVoxelSize, source: .header, tomogramID: id, db)
        if let size = new.userVoxelSize {
            changed = try setEvidence(size, source: .user, tomogramID: id, db) || changed
        }
        for (key, value) in new.metadata {
            try db.execute(
                sql: """
                    INSERT INTO tomogram_meta (tomogram_id, key, value) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value WHERE value <> excluded.value
                    """, arguments: [id, key, value])
            changed = changed || db.changesCount > 0
        }
        if changed, outcome == .unchanged { outcome = .updated }
        return (id, outcome)
    }

    /// Replaces or deletes what one source says about a voxel size.
    ///
    /// - Returns: whether that changed anything.
    private func setEvidence(
        _ size: VoxelSize?, source: VoxelSizeEvidenceRecord.Source, tomogramID: Int64, _ db: Database
    ) throws -> Bool {
        guard let size else {
            try db.execute(
                sql: "DELETE FROM voxel_size_evidence WHERE tomogram_id = ? AND source = ?",
                arguments: [tomogramID, source])
            return db.changesCount > 0
        }
        let known = try VoxelSizeEvidenceRecord.fetchOne(
            db, sql: "SELECT * FROM voxel_size_evidence WHERE tomogram_id = ? AND source = ?", arguments: [tomogramID, source])
        let record = VoxelSizeEvidenceRecord(tomogramId: tomogramID, source: source, voxelSize: size, notedAt: Timestamp.now)
        if let known, known.xAngstrom == record.xAngstrom, known.yAngstrom == record.yAngstrom,
            known.zAngstrom == record.zAngstrom
        {
            return false
        }
        try record.save(db)
        return true
    }
}
