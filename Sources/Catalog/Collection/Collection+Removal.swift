import Basics
import CatalogSchema
import GRDB

/// Removing what people brought. Their files stay. So do the results: they no longer stand, and are found again by their keys if
/// the same scopes come back. `gc --removed` drops them.
extension Catalog {
    /// The kinds of things that can be removed.
    public enum Removable: String, CaseIterable, Sendable {
        /// With their tomograms, and all that goes with these.
        case datasets
        /// With their slabs, annotations and metadata.
        case tomograms
        case annotations
        case slabs

        /// The public view whose column `id` names the things of this kind.
        public var view: String {
            switch self {
            case .datasets: "v_dataset"
            case .tomograms: "v_tomogram"
            case .annotations: "v_annotation"
            case .slabs: "v_slab"
            }
        }

        private var noun: String { String(rawValue.dropLast()) }

        fileprivate var table: String { noun }

        /// One of them as messages name it: `slab 3`.
        fileprivate func label(_ id: Int64) -> String { "\(noun) \(id)" }

        /// The SQL condition on the rows of a table that go with the removal of one thing of this kind, with `?` for its id; nil
        /// where no row does.
        fileprivate func condition(on table: Removable) -> String? {
            switch (self, table) {
            case (.datasets, .datasets), (.tomograms, .tomograms), (.annotations, .annotations), (.slabs, .slabs): "id = ?"
            case (.datasets, .tomograms): "dataset_id = ?"
            case (.datasets, .annotations), (.datasets, .slabs):
                "tomogram_id IN (SELECT id FROM tomogram WHERE dataset_id = ?)"
            case (.tomograms, .annotations), (.tomograms, .slabs): "tomogram_id = ?"
            case (_, _): nil
            }
        }
    }

    /// How much a removal takes out.
    public struct Removal: Sendable, Hashable {
        public var datasets = 0
        public var tomograms = 0
        public var annotations = 0
        public var slabs = 0
        /// The standing results that would stand no longer.
        public var results = 0
    }
}

extension Catalog.Collection {
    /// Counts what a removal would take out; nothing is changed.
    ///
    /// - Throws: ``CatalogError`` where one of them is not there, or it or a part of it is a member of a training set.
    public func removal(of kind: Catalog.Removable, ids: [Int64]) throws -> Catalog.Removal {
        try database.read { db in
            try Self.check(kind, ids, db)
            var removal = Catalog.Removal()
            for id in ids {
                func count(_ table: Catalog.Removable) throws -> Int {
                    guard let condition = kind.condition(on: table) else { return 0 }
                    return try Int.fetchOne(
                        db, sql: "SELECT count(*) FROM \(table.table) WHERE \(condition)", arguments: [id]) ?? 0
                }
                removal.datasets += try count(.datasets)
                removal.tomograms += try count(.tomograms)
                removal.annotations += try count(.annotations)
                removal.slabs += try count(.slabs)
                removal.results += try Self.standingResults(of: kind, id, db)
            }
            return removal
        }
    }

    /// Removes things of one kind: all of them, or none.
    ///
    /// Their results stay, but stand no longer; they are found again if the same scopes come back. An item that runs for a
    /// removed scope is published, and does not stand.
    ///
    /// - Throws: ``CatalogError`` where one of them is not there, or it or a part of it is a member of a training set, whose
    ///   members never change.
    public func remove(_ kind: Catalog.Removable, ids: [Int64]) throws {
        try database.write { db in
            try Self.check(kind, ids, db)
            for id in ids {
                // The schema deletes the rows of a tomogram with it (ON DELETE CASCADE), but does not delete tomograms with a
                // dataset.
                if kind == .datasets {
                    try db.execute(sql: "DELETE FROM tomogram WHERE dataset_id = ?", arguments: [id])
                }
                try db.execute(sql: "DELETE FROM \(kind.table) WHERE id = ?", arguments: [id])
            }
            try Self.dropStanding(ofRemoved: [.tomogram, .annotation, .slab, .slice], db)
        }
    }

    private static func check(_ kind: Catalog.Removable, _ ids: [Int64], _ db: Database) throws {
        for id in ids {
            guard try Int64.fetchOne(db, sql: "SELECT id FROM \(kind.table) WHERE id = ?", arguments: [id]) != nil else {
                let list = kind == .slabs ? "cellar slab list" : "cellar list \(kind.rawValue)"
                throw CatalogError(.notFound, "there is no \(kind.label(id)); `\(list)` shows what there is")
            }
            for (noun, table) in [("slab", Catalog.Removable.slabs), ("annotation", .annotations)] {
                guard let condition = kind.condition(on: table) else { continue }
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT training_set.name, member.\(noun)_id
                        FROM training_set JOIN training_set_\(noun) AS member ON training_set_id = training_set.id
                        WHERE member.\(noun)_id IN (SELECT id FROM \(table.table) WHERE \(condition))
                        ORDER BY training_set.id LIMIT 1
                        """, arguments: [id])
                guard let row else { continue }
                let (set, member): (String, Int64) = (row[0], row[1])
                let part = kind == table ? kind.label(id) : "\(noun) \(member) of \(kind.label(id))"
                throw CatalogError(
                    .invalid,
                    "\(part) is a member of the training set \(set), whose members never change; remove the set first, with "
                        + "`cellar training remove \(set)`")
            }
        }
    }

    /// Counts the standing results of the scopes that go with a removal.
    private static func standingResults(of kind: Catalog.Removable, _ id: Int64, _ db: Database) throws -> Int {
        let scopes: [(scope: String, ids: String?)] = [
            ("tomogram", kind.condition(on: .tomograms).map { "SELECT id FROM tomogram WHERE \($0)" }),
            ("annotation", kind.condition(on: .annotations).map { "SELECT id FROM annotation WHERE \($0)" }),
            ("slab", kind.condition(on: .slabs).map { "SELECT id FROM slab WHERE \($0)" }),
            (
                "slice",
                kind.condition(on: .slabs).map { condition in
                    """
                    SELECT slice.id FROM slice JOIN slab AS mine
                        ON mine.tomogram_id = slice.tomogram_id AND slice.z >= mine.z_first AND slice.z < mine.z_end
                    WHERE mine.id IN (SELECT id FROM slab WHERE \(condition)) AND NOT EXISTS (
                        SELECT 1 FROM slab AS other
                        WHERE other.tomogram_id = slice.tomogram_id AND slice.z >= other.z_first AND slice.z < other.z_end
                            AND other.id <> mine.id)
                    """
                }
            ),
        ]
        return try scopes.reduce(0) { sum, item in
            guard let ids = item.ids else { return sum }
            let count = try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM head JOIN step ON step.id = head.step_id
                    WHERE step.scope = '\(item.scope)' AND scope_id IN (\(ids))
                    """, arguments: [id])
            return sum + (count ?? 0)
        }
    }

    /// Deletes the standing results and the curves of scopes of some kinds that are not there any more.
    static func dropStanding(ofRemoved kinds: [ScopeKind], _ db: Database) throws {
        for kind in kinds {
            for table in ["head", "curve"] {
                try db.execute(
                    sql: """
                        DELETE FROM \(table)
                        WHERE step_id IN (SELECT id FROM step WHERE scope = ?) AND NOT \(kind.existence(of: "\(table).scope_id"))
                        """, arguments: [kind])
            }
        }
    }
}

extension ScopeKind {
    /// The SQL condition that the scope `?2` of the step `?1` is there.
    static let isScopeThere =
        "CASE (SELECT scope FROM step WHERE id = ?1) "
        + allCases.map { "WHEN '\($0.rawValue)' THEN \($0.existence(of: "?2"))" }.joined(separator: " ") + " END"

    /// The SQL condition that a scope of this kind is there: it was not removed, and a slab still covers it if it is a slice.
    ///
    /// - Parameter id: the id of the scope, as an SQL expression.
    fileprivate func existence(of id: String) -> String {
        switch self {
        case .tomogram: "EXISTS (SELECT 1 FROM tomogram WHERE tomogram.id = \(id))"
        case .annotation: "EXISTS (SELECT 1 FROM annotation WHERE annotation.id = \(id))"
        case .slab: "EXISTS (SELECT 1 FROM slab WHERE slab.id = \(id))"
        case .slice:
            "EXISTS (SELECT 1 FROM slice JOIN slab ON slab.tomogram_id = slice.tomogram_id AND z >= z_first AND z < z_end "
                + "WHERE slice.id = \(id))"
        case .trainingSet: "EXISTS (SELECT 1 FROM training_set WHERE training_set.id = \(id))"
        }
    }
}
