import Basics
import CatalogSchema
import GRDB

extension Catalog.Collection {
    /// The names of kinds that have one, by number.
    public func kindNames() throws -> [Int: String] {
        try database.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT number, name FROM kind WHERE name IS NOT NULL")
            return Dictionary(rows.map { ($0[0] as Int, $0[1] as String) }, uniquingKeysWith: { $1 })
        }
    }

    /// The first number that was never given to a kind.
    public func nextKindNumber() throws -> Int {
        try database.read { db in try Int.fetchOne(db, sql: "SELECT coalesce(max(number), 0) + 1 FROM kind") ?? 1 }
    }

    /// Notes that there are kinds of these numbers. Those that are known keep their names.
    public func noteKinds(_ numbers: [Int]) throws {
        try database.write { db in
            for number in numbers where number >= 1 {
                try db.execute(
                    sql: "INSERT INTO kind (number, found_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    arguments: [number, Timestamp.now])
            }
        }
    }

    /// Gives a kind a name, or takes it away.
    ///
    /// - Parameter name: letters, digits, `-`, `_` and `.`; nil for none.
    /// - Throws: ``CatalogError`` where there is no such kind, or the name cannot be one.
    public func nameKind(_ number: Int, _ name: String?) throws {
        if let name {
            guard !name.isEmpty, name.count <= 100, name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }) else {
                throw CatalogError(
                    .invalid, "\"\(name.prefix(40))\" cannot name a kind: use letters, digits, '-', '_' and '.'")
            }
        }
        try database.write { db in
            try db.execute(sql: "UPDATE kind SET name = ? WHERE number = ?", arguments: [name, number])
            guard db.changesCount == 1 else {
                throw CatalogError(.notFound, "there is no kind \(number); `cellar kind list` shows those that there are")
            }
        }
    }
}
