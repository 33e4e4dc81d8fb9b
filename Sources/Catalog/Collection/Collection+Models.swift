public import Basics
public import CatalogSchema
import GRDB

extension Catalog.Collection {
    /// All models by name, each with an absolute path.
    public func models() throws -> [String: ModelRecord] {
        try database.read { db in
            try Dictionary(uniqueKeysWithValues: ModelRecord.fetchAll(db).map { ($0.name, located($0)) })
        }
    }

    /// The record with the absolute path of its files.
    private func located(_ record: ModelRecord) -> ModelRecord {
        var record = record
        record.path = database.directory.absolutePath(ofStored: record.path)
        return record
    }

    /// The model that a person names, by its name or by `id:2`, with an absolute path.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one, with a list of these.
    public func model(named text: String) throws -> ModelRecord {
        try database.read { db in
            let id = try id(of: .model, text, db)
            guard let record = try ModelRecord.fetchOne(db, key: id) else {
                throw CatalogError(.notFound, "there is no model \(text); `cellar model list` shows what there is")
            }
            return located(record)
        }
    }

    /// Adds a model, or replaces the weights of the one of that name and kind. Results of the earlier weights are stale then, and
    /// found again when these return.
    ///
    /// - Parameters:
    ///   - path: absolute; the files stay where they are. For files in the catalog's own folder the relative path is kept, so
    ///     that they are found wherever that folder is moved or copied.
    ///   - digest: the digest of the files' content.
    ///   - licence: in words, such as `Apache-2.0`.
    ///   - provenance: who trained it, on what.
    /// - Returns: the record, and the digest of the earlier weights; nil where the model is new.
    /// - Throws: ``CatalogError`` where the name cannot be one, or a model of another kind has it.
    @discardableResult
    public func setModel(
        name: String, kind: String, path: String, digest: Digest, licence: String? = nil, provenance: String? = nil
    ) throws -> (record: ModelRecord, earlierDigest: Digest?) {
        guard name != "none", !name.isEmpty, name.count <= 200,
            name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) })
        else {
            throw CatalogError(
                .invalid, "\"\(name.prefix(40))\" cannot name a model: use letters, digits, '-', '_' and '.', and not 'none'")
        }
        return try database.write { db in
            let earlier = try ModelRecord.fetchOne(db, sql: "SELECT * FROM model WHERE name = ?", arguments: [name])
            if let earlier, earlier.kind != kind {
                throw CatalogError(.invalid, "\(name) is a \(earlier.kind) model already; choose another name")
            }
            let record = ModelRecord(
                id: earlier?.id, name: name, kind: kind, path: database.directory.storedPath(of: path), digest: digest,
                addedAt: earlier?.digest == digest ? earlier?.addedAt ?? Timestamp.now : Timestamp.now,
                // For the same weights, an earlier licence and provenance stay where none is given.
                licence: licence ?? (earlier?.digest == digest ? earlier?.licence : nil),
                provenance: provenance ?? (earlier?.digest == digest ? earlier?.provenance : nil))
            try record.save(db)
            return (located(record), earlier?.digest)
        }
    }
}
