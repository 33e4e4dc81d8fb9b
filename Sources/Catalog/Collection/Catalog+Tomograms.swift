public import Basics
public import CatalogSchema
import Foundation
import GRDB
import Volumes

extension Catalog {
    /// Adds tomograms to a dataset, which is made where there is none of that name: all of them, or none.
    ///
    /// Adding again what is there is how a voxel size or metadata is changed. A name whose file is gone from where it
    /// was is taken as moved.
    ///
    /// - Parameter defaultVoxelSizeInAngstroms: for tomograms of the dataset about which nothing else is known.
    /// - Throws: ``CatalogError`` where a name is empty, holds a slash, or belongs to another file that still exists, or
    ///   the default is no voxel size.
    /// - Returns: what became of each, in order, with its id.
    @discardableResult
    public func add(
        _ tomograms: [NewTomogram], dataset: String, defaultVoxelSizeInAngstroms: Double? = nil
    ) throws -> [NewTomogram.Added] {
        try addEach(tomograms, dataset: dataset, defaultVoxelSizeInAngstroms: defaultVoxelSizeInAngstroms, keepingGoing: false)
            .map { try $0.get() }
    }

    /// Adds tomograms to a dataset as ``add(_:dataset:defaultVoxelSizeInAngstroms:)`` does, and says of each what became of it.
    ///
    /// - Parameter keepingGoing: whether the others are added where one is refused; else nothing is then.
    /// - Throws: ``CatalogError`` where the dataset's name or voxel size is none, or the catalog cannot be written.
    /// - Returns: for each, in order, what became of it, or why it is refused.
    public func addEach(
        _ tomograms: [NewTomogram], dataset: String, defaultVoxelSizeInAngstroms: Double? = nil, keepingGoing: Bool
    ) throws -> [Result<NewTomogram.Added, CatalogError>] {
        try checkName(dataset, of: "dataset")
        if let edge = defaultVoxelSizeInAngstroms, VoxelSize(cubicInAngstroms: edge) == nil {
            throw CatalogError(
                .invalid, "\(edge) cannot be the voxel size of the dataset \(dataset): it is a length in Å, from 0.01 to 10000")
        }
        return try write { db in
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

    /// The tomogram that a person means: by its name, where only one dataset has it, by `dataset/name`, or by `id:2`.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one, with a list of these.
    public func tomogram(named text: String) throws -> TomogramRecord {
        try read { db in
            let id = try id(of: .tomogram, text, db)
            guard let record = try TomogramRecord.fetchOne(db, key: id) else {
                throw CatalogError(.notFound, "there is no tomogram \(text)")
            }
            return record
        }
    }

    /// The tomograms of a dataset, by name; none where there is no such dataset.
    public func tomograms(inDataset name: String) throws -> [TomogramRecord] {
        try read { db in
            try TomogramRecord.fetchAll(
                db,
                sql: """
                    SELECT tomogram.* FROM tomogram JOIN dataset ON dataset.id = dataset_id
                    WHERE dataset.name = ? ORDER BY tomogram.name
                    """, arguments: [name])
        }
    }
}
