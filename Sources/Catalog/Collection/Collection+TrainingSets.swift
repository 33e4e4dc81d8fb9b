import Basics
public import CatalogSchema
import GRDB

extension Catalog.Collection {
    /// Makes a training set of slabs, annotations, or both. Its members never change.
    ///
    /// It becomes the current set where there is none: the one that networks are trained on, and whose networks steps on
    /// tomograms use.
    ///
    /// - Parameters:
    ///   - slabs: the ids of slabs.
    ///   - annotations: the ids of annotations.
    ///   - selection: the expression by which the members were chosen, for the record; nil where all were taken.
    /// - Throws: ``CatalogError`` where the name is taken, empty or holds a slash, there would be no member, or one of them
    ///   is not there.
    @discardableResult
    public func addTrainingSet(
        named name: String, slabs: [Int64], annotations: [Int64] = [], selection: String? = nil
    ) throws -> TrainingSetRecord {
        guard !name.isEmpty, !name.contains("/"), !CatalogReference.isReserved(name),
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw CatalogError(
                .invalid,
                "\"\(name)\" cannot be the name of a training set: a name is not empty, holds no slash and no line "
                    + "end, and does not begin with id: or digest:")
        }
        guard !slabs.isEmpty || !annotations.isEmpty else {
            throw CatalogError(
                .invalid,
                "the training set \(name) would be empty; `cellar slab list` and `cellar list annotations` show what could be in it"
            )
        }
        return try database.write { db in
            guard try Int64.fetchOne(db, sql: "SELECT id FROM training_set WHERE name = ?", arguments: [name]) == nil
            else {
                throw CatalogError(
                    .alreadyExists,
                    "there is a training set \(name) already, whose members never change; give this one another name, or remove "
                        + "that one first")
            }
            let isAnyCurrent = try currentTrainingSet(db) != nil
            var record = TrainingSetRecord(
                name: name, isCurrent: !isAnyCurrent, selection: selection, createdAt: Timestamp.now)
            try record.insert(db)
            record.id = db.lastInsertedRowID
            for (noun, members) in [("slab", slabs), ("annotation", annotations)] {
                for member in Set(members).sorted() {
                    try db.execute(
                        sql:
                            "INSERT INTO training_set_\(noun) (training_set_id, \(noun)_id) SELECT ?, id FROM \(noun) WHERE id = ?",
                        arguments: [record.id, member])
                    guard db.changesCount == 1 else {
                        let list = noun == "slab" ? "cellar slab list" : "cellar list annotations"
                        throw CatalogError(.notFound, "there is no \(noun) \(member); `\(list)` shows what there is")
                    }
                }
            }
            return record
        }
    }

    /// Every training set, in the order in which they were made.
    public func trainingSets() throws -> [TrainingSetRecord] {
        try database.read { try TrainingSetRecord.fetchAll($0, sql: "SELECT * FROM training_set ORDER BY id") }
    }

    /// The training set that a person names: by its name, or by `id:2`.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one, with a list of these.
    public func trainingSet(named text: String) throws -> TrainingSetRecord {
        try database.read { try trainingSet(named: text, $0) }
    }

    private func trainingSet(named text: String, _ db: Database) throws -> TrainingSetRecord {
        let id = try id(of: .trainingSet, text, db)
        guard let record = try TrainingSetRecord.fetchOne(db, key: id) else {
            throw CatalogError(.notFound, "there is no training set \(text); `cellar training list` shows what there is")
        }
        return record
    }

    /// The current training set, on which networks are trained; nil where there is none.
    public func currentTrainingSet() throws -> TrainingSetRecord? { try database.read(currentTrainingSet) }

    private func currentTrainingSet(_ db: Database) throws -> TrainingSetRecord? {
        try TrainingSetRecord.fetchOne(db, sql: "SELECT * FROM training_set WHERE is_current = 1")
    }

    /// Makes a training set the current one. Networks trained on the one before stay, and are found again when it is current
    /// again.
    ///
    /// - Parameter name: as ``trainingSet(named:)`` takes it.
    /// - Throws: ``CatalogError`` where there is none of that name.
    @discardableResult
    public func useTrainingSet(named name: String) throws -> TrainingSetRecord {
        try database.write { db in
            var set = try trainingSet(named: name, db)
            let id = set.id
            set.isCurrent = true
            try db.execute(sql: "UPDATE training_set SET is_current = 0 WHERE is_current = 1 AND id <> ?", arguments: [id])
            try db.execute(sql: "UPDATE training_set SET is_current = 1 WHERE id = ?", arguments: [id])
            return set
        }
    }

    /// Removes a training set. If it was the current one, there is none then.
    ///
    /// Networks trained on it no longer stand; they stay, and are found again by a set of the same members.
    ///
    /// - Parameter name: as ``trainingSet(named:)`` takes it.
    /// - Throws: ``CatalogError`` where there is none of that name.
    @discardableResult
    public func removeTrainingSet(named name: String) throws -> TrainingSetRecord {
        try database.write { db in
            let set = try trainingSet(named: name, db)
            try db.execute(sql: "DELETE FROM training_set WHERE id = ?", arguments: [set.id])
            try Self.dropStanding(ofRemoved: [.trainingSet], db)
            return set
        }
    }
}
