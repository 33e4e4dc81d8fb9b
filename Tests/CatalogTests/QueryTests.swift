import Basics
import Catalog
import Foundation
import TestSupport
import Testing

@Suite("A query") struct QueryTests {
    private func collection() throws -> TemporaryCatalog {
        let made = try TemporaryCatalog()
        for name in ["a", "b", "c"] { try made.add(name, user: 10) }
        return made
    }

    private func refusal(of sql: String, in made: TemporaryCatalog, parameters: [String: QueryValue] = [:]) -> CatalogError? {
        #expect(throws: CatalogError.self, "\(sql)") { try made.query(sql, parameters: parameters) }
    }

    @Test(
        "that does anything but read is refused",
        arguments: [
            "DELETE FROM tomogram", "UPDATE tomogram SET name = 'x'", "INSERT INTO dataset (name, created_at) VALUES ('x', 'y')",
            "DROP TABLE tomogram", "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "CREATE VIEW v AS SELECT 1",
            "ALTER TABLE tomogram ADD COLUMN x", "ATTACH '/tmp/x.sqlite' AS x", "ATTACH ':memory:' AS x", "DETACH main",
            "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 5", "PRAGMA table_info(tomogram)",
            "SELECT * FROM pragma_table_info('tomogram')", "VACUUM",
            "VACUUM INTO '/tmp/copy.sqlite'", "REINDEX", "ANALYZE", "BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s", "COMMIT",
            "SELECT load_extension('/tmp/x.so')", "SELECT writefile('/tmp/x', 'y')", "SELECT readfile('/etc/passwd')",
            "WITH x AS (SELECT 1) DELETE FROM tomogram", "REPLACE INTO dataset (name, created_at) VALUES ('x', 'y')",
            "EXPLAIN DELETE FROM tomogram",
        ])
    func writing(sql: String) throws {
        let made = try collection()
        #expect(refusal(of: sql, in: made)?.code == .query)
        #expect(try made.value("SELECT count(*) FROM tomogram") == 3)
        #expect(try made.query("SELECT count(*) FROM tomogram") == [[.integer(3)]])
    }

    @Test(
        "that is more than one statement, or none, is refused",
        arguments: [
            "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE tomogram", ";;x", "", " ", "-- only this", "/* this */", "SELEC 1",
            "SELECT * FROM nowhere", "SELECT 1;;garbage",
        ])
    func shape(sql: String) throws {
        let made = try collection()
        #expect(refusal(of: sql, in: made)?.code == .query)
        #expect(try made.value("SELECT count(*) FROM tomogram") == 3)
    }

    @Test(
        "may end in semicolons and comments",
        arguments: [
            "SELECT 1;", "SELECT 1 ; ; \n", "SELECT 1 -- one", "SELECT 1; -- one",
            "/* one */ SELECT 1 /* one */; /* and */ -- one\n",
        ])
    func comments(sql: String) throws {
        #expect(try collection().query(sql) == [[.integer(1)]])
    }

    @Test("gives every type of value, and binds each")
    func values() throws {
        let made = try collection()
        let all: [QueryValue] = [
            .null, .integer(-7), .real(0.5), .text("Å; DROP TABLE tomogram --"), .blob([0, 255, 1]), .text(""),
        ]
        let row = try made.query(
            "SELECT :a, @b, $c, :d, :e, :f",
            parameters: Dictionary(uniqueKeysWithValues: zip(["a", "b", "c", "d", "e", "f"], all)))
        #expect(row == [all])
        #expect(
            try made.query("SELECT name FROM v_tomogram WHERE name = :n OR name = :n", parameters: ["n": .text("b")]) == [
                [.text("b")]
            ])
        #expect(refusal(of: "SELECT :a", in: made)?.message.contains("--param a=VALUE") == true)
        #expect(refusal(of: "SELECT 1", in: made, parameters: ["z": .null])?.message.contains("no parameter :z") == true)
        #expect(refusal(of: "SELECT ?", in: made)?.message.contains(":name") == true)
        #expect(QueryValue(parsing: "12") == .integer(12))
        #expect(QueryValue(parsing: "1e3") == .real(1000))
        #expect(QueryValue(parsing: "nan") == .text("nan"))
        #expect(QueryValue(parsing: "99999999999999999999") == .real(1e20))
    }

    @Test("takes JSON apart, which metadata and outputs are")
    func json() throws {
        let made = try collection()
        let words = #"SELECT e.value FROM v_tomogram AS t, json_each('["x", 2]') AS e WHERE t.name = 'b' ORDER BY e.key"#
        #expect(try made.query(words) == [[.text("x")], [.integer(2)]])
        #expect(try made.query(#"SELECT atom FROM json_tree('{"a": {"b": 3}}') WHERE path = '$.a'"#) == [[.integer(3)]])
        #expect(try made.query(#"SELECT '{"a": 3}' ->> 'a'"#) == [[.integer(3)]])
    }

    @Test(
        "without end is stopped at its time limit",
        arguments: [
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n ORDER BY i",
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000)
            SELECT count(*) FROM n AS a, n AS b, n AS c WHERE a.i + b.i + c.i = -1
            """,
        ])
    func timeLimit(sql: String) throws {
        let made = try collection()
        let begin = ContinuousClock.now
        let error = #expect(throws: CatalogError.self) { try made.query(sql, timeLimit: 1) }
        #expect(error?.code == .queryTimedOut)
        #expect(ContinuousClock.now - begin < .seconds(20))
    }

    @Test(
        "takes any number for its time limit",
        arguments: [Double.nan, .infinity, -.infinity, 1e300, -1, 0, .greatestFiniteMagnitude])
    func oddTimeLimits(limit: Double) throws {
        let made = try collection()
        let rows = try? made.query("SELECT count(*) FROM v_tomogram AS a, v_tomogram AS b", timeLimit: limit)
        // What is too short may be over before it is looked at.
        if limit > 0 { #expect(rows?.count == 1) }
    }

    @Test("cannot ask for all memory, nor for one step that takes hours")
    func resources() throws {
        let made = try collection()
        for sql in ["SELECT zeroblob(1000000000)", "SELECT length(randomblob(1000000000))"] {
            #expect(refusal(of: sql, in: made)?.message.contains("too big") == true)
        }
        let pattern = String(repeating: "%a", count: 300)
        #expect(refusal(of: "SELECT 'aaa' LIKE '\(pattern)'", in: made)?.code == .query)
        let nesting = String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
        #expect(refusal(of: "SELECT \(nesting)", in: made)?.code == .query)
        let begin = ContinuousClock.now
        let slow = "SELECT hex(zeroblob(100000)) LIKE '\(String(repeating: "%0", count: 90))%1'"
        #expect(try made.query(slow) == [[.integer(0)]])
        #expect(ContinuousClock.now - begin < .seconds(5))
    }

    @Test("behind --where may hold a comment, and cannot leave its place")
    func conditions() throws {
        let made = try collection()
        let connection = try QueryConnection(made.catalog)
        let all = try made.catalog.unsafeRead { _ in try connection.ids(in: "v_tomogram", where: "1") }
        #expect(all.count == 3)
        #expect(try connection.ids(in: "v_tomogram", where: "name = 'b' -- the second") == [all[1]])
        #expect(try connection.ids(in: "v_tomogram", where: "name IN (SELECT tomogram FROM v_slab)") == [])
        let bad = [
            "(name = 'b'", "name = 'b')", ")", "(", "", "name = 'b", "1; DROP TABLE tomogram", "1); DROP TABLE tomogram; --",
            "1) --", "1) ORDER BY (1", "nothing = 1", ";", "1) LIMIT (1",
        ]
        for condition in bad {
            let error = #expect(throws: CatalogError.self, "\(condition)") {
                try connection.ids(in: "v_tomogram", where: condition)
            }
            #expect(error?.code == .query)
        }
        #expect(try made.value("SELECT count(*) FROM tomogram") == 3)
        #expect(QueryConnection.select(columns: "name", from: "v_slab", where: nil) == "SELECT name FROM v_slab")
    }

    @Test("of a catalog that is not there says so")
    func absent() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: CatalogError.self) {
            try QueryConnection(Catalog.open(at: CatalogDirectory(path: directory.file("none"))))
        }
    }
}
