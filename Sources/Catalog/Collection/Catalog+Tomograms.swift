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
    ) throws -> [(id: Int64, outcome: NewTomogram.Outcome)] {
        try checkName(dataset, of: "dataset")
        for tomogram in tomograms { try checkName(tomogram.name, of: "tomogram") }
        if let edge = defaultVoxelSizeInAngstroms, VoxelSize(cubicInAngstroms: edge) == nil {
            throw CatalogError(
                .invalid, "\(edge) cannot be the voxel size of the dataset \(dataset): it is a length in Å, from 0.01 to 10000")
        }
        return try write { db in
            let datasetID = try self.dataset(named: dataset, defaultVoxelSize: defaultVoxelSizeInAngstroms, db)
            return try tomograms.map { try self.add($0, datasetID: datasetID, datasetName: dataset, db) }
        }
    }

    private func checkName(_ name: String, of noun: String) throws {
        guard !name.isEmpty, !name.contains("/") else {
            throw CatalogError(.invalid, "\"\(name)\" cannot be the name of a \(noun): a name is not empty and holds no slash")
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
    ) throws -> (id: Int64, outcome: NewTomogram.Outcome) {
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
                            + "another name with --name, or add it to another dataset")
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
            guard !key.isEmpty else { throw CatalogError(.invalid, "a metadata key is empty; write --meta key=value") }
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

    /// The tomogram that a person means: by id, by `dataset/name`, or by a name that only one dataset has.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one.
    public func tomogram(named text: String) throws -> TomogramRecord {
        try read { db in
            if let id = Int64(text), let record = try TomogramRecord.fetchOne(db, key: id) { return record }
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            let matches =
                parts.count == 2
                ? try TomogramRecord.fetchAll(
                    db,
                    sql:
                        "SELECT tomogram.* FROM tomogram JOIN dataset ON dataset.id = dataset_id WHERE dataset.name = ? AND tomogram.name = ?",
                    arguments: [parts[0], parts[1]])
                : try TomogramRecord.fetchAll(db, sql: "SELECT * FROM tomogram WHERE name = ?", arguments: [text])
            guard let match = matches.first else {
                throw CatalogError(.notFound, "there is no tomogram \(text); `cellar list tomograms` shows what there is")
            }
            guard matches.count == 1 else {
                throw CatalogError(.ambiguous, "\(matches.count) datasets have a tomogram \(text); write dataset/\(text)")
            }
            return match
        }
    }
}
