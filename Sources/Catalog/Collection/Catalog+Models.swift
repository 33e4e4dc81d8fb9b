public import Basics
public import CatalogSchema
import GRDB
internal import Volumes

extension Catalog {
    /// The models that steps may use, by name, each with an absolute path.
    public func models() throws -> [String: ModelRecord] {
        try read { db in
            try Dictionary(uniqueKeysWithValues: ModelRecord.fetchAll(db).map { ($0.name, located($0)) })
        }
    }

    /// A record with the absolute path of its files.
    private func located(_ record: ModelRecord) -> ModelRecord {
        var record = record
        record.path = directory.absolutePath(ofStored: record.path)
        return record
    }

    /// The model that a person means, by its name, or by `id:2`, with an absolute path.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one, with a list of these.
    public func model(named text: String) throws -> ModelRecord {
        try read { db in
            let id = try id(of: .model, text, db)
            guard let record = try ModelRecord.fetchOne(db, key: id) else {
                throw CatalogError(.notFound, "there is no model \(text)")
            }
            return located(record)
        }
    }

    /// Adds a model, or puts other weights in the place of one of that name and kind: what was computed with the earlier ones
    /// is stale then, and found again when they return.
    ///
    /// - Parameters:
    ///   - path: absolute; the files stay where they are. Of files in the catalog's own folder the path within it is kept, so that
    ///     they are found wherever that folder is moved or copied.
    ///   - digest: of their content.
    ///   - licence: as people say it.
    ///   - provenance: who made it, of what.
    /// - Returns: the record, and the digest that the model had before, if there was one.
    /// - Throws: ``CatalogError`` where the name is none, or a model of another kind has it.
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
        return try write { db in
            let earlier = try ModelRecord.fetchOne(db, sql: "SELECT * FROM model WHERE name = ?", arguments: [name])
            if let earlier, earlier.kind != kind {
                throw CatalogError(.invalid, "\(name) is a \(earlier.kind) model already; choose another name")
            }
            let record = ModelRecord(
                id: earlier?.id, name: name, kind: kind, path: directory.storedPath(of: path), digest: digest,
                addedAt: earlier?.digest == digest ? earlier?.addedAt ?? Timestamp.now : Timestamp.now,
                // Of the same weights, what was said before stands.
                licence: licence ?? (earlier?.digest == digest ? earlier?.licence : nil),
                provenance: provenance ?? (earlier?.digest == digest ? earlier?.provenance : nil))
            try record.save(db)
            return (located(record), earlier?.digest)
        }
    }
}
