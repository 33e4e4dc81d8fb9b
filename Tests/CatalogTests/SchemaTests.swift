import CatalogMigrations
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Catalog

@Suite struct SchemaTests {
    private func emptyCatalog() throws -> (directory: TemporaryDirectory, catalog: Catalog) {
        let directory = try TemporaryDirectory()
        return (directory, try Catalog.create(at: CatalogDirectory(path: directory.file("c"))))
    }

    /// Every statement that makes the schema, in the order in which migrations made it.
    private func schema(of catalog: Catalog) throws -> String {
        let statements = try catalog.unsafeRead { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        }
        return """
            -- The schema of an empty catalog, as all migrations together make it; `make schema` writes this file anew.
            -- application_id \(Catalog.applicationID), user_version \(CatalogMigration.latestNumber)


            """ + statements.map { $0 + ";\n" }.joined(separator: "\n")
    }

    @Test("schema.sql is what migrating an empty database gives; CELLAR_RECORD=1 writes it, and fails")
    func golden() throws {
        let (directory, catalog) = try emptyCatalog()
        defer { withExtendedLifetime(directory) {} }
        try GoldenFile(repository: "Schema/schema.sql").expect(schema(of: catalog), recordedBy: "make schema")
    }

    @Test("migrations are numbered from one without a gap")
    func numbers() {
        #expect(CatalogMigration.all.map(\.number) == Array(1...CatalogMigration.all.count))
    }

    @Test("views.md names every column of every public view, in order, and its questions can be asked")
    func views() throws {
        let (directory, catalog) = try emptyCatalog()
        defer { withExtendedLifetime(directory) {} }
        let text = try Repository.text(of: "Schema/views.md")
        var documented: [String: [String]] = [:]
        for section in text.components(separatedBy: "\n## ").dropFirst() {
            let name = String(section.prefix { $0 != "\n" })
            documented[name] = section.matches(of: /(?m)^\| `(\w+)` \|/).map { String($0.1) }
        }
        let names = try catalog.unsafeRead { try String.fetchAll($0, sql: "SELECT name FROM sqlite_master WHERE type = 'view'") }
        for name in names {
            let columns = try catalog.unsafeRead { try $0.columns(in: name).map(\.name) }
            #expect(documented[name] == columns, "\(name)")
        }
        #expect(Set(documented.keys).subtracting(names) == ["Questions to begin with"])

        let block = try #require(text.firstMatch(of: /(?s)```sql\n(.*?)```/))
        let questions = String(block.1).split(separator: ";").filter { $0.contains("SELECT") }
        #expect(questions.count >= 8)
        for question in questions {
            try QueryConnection(catalog).run(String(question)) { _ in }
        }
    }

    @Test("tables are strict, and hold no key of floating point")
    func strictness() throws {
        let (directory, catalog) = try emptyCatalog()
        defer { withExtendedLifetime(directory) {} }
        let tables = try catalog.unsafeRead {
            try Row.fetchAll(
                $0,
                sql:
                    "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        }
        #expect(tables.count >= 20)
        for table in tables {
            #expect(table["strict"] == 1, "\(table["name"] as String)")
            let keys = try catalog.unsafeRead {
                try Row.fetchAll(
                    $0, sql: "SELECT name, type FROM pragma_table_info(?) WHERE pk > 0", arguments: [table["name"] as String])
            }
            for key in keys { #expect(key["type"] != "REAL") }
        }
        #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") } == 1)
        #expect(try catalog.integrityProblems().isEmpty)
    }
}
