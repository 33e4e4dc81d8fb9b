import Basics
import CatalogMigrations
import CatalogSchema
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import Catalog

@Suite("Opening a catalog") struct OpeningTests {
    @Test("twice is as good as once, and making one where there is one is refused")
    func twice() throws {
        let made = try TemporaryCatalog()
        try made.add("a")
        let again = try Catalog.open(at: made.directory)
        #expect(again.isWritable)
        #expect(try again.collection.tomogram(named: "a").name == "a")
        #expect(throws: CatalogError.self) { try Catalog.create(at: made.directory) }
        #expect(try made.value("PRAGMA user_version") == CatalogMigration.latestNumber)
        #expect(try made.value("PRAGMA application_id") == Catalog.applicationID)
    }

    @Test("that is not there says how to make one")
    func absent() throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: CatalogError.self) { try Catalog.open(at: CatalogDirectory(path: directory.file("x"))) }
        #expect(error?.code == .noCatalog)
        #expect(error?.message.contains("cellar init") == true)
    }

    @Test("that many processes migrate at once migrates it once")
    func race() throws {
        let directory = try TemporaryDirectory()
        // What a process that was killed while it made a catalog leaves.
        try directory.write("c/catalog.sqlite", [])
        let place = CatalogDirectory(path: directory.file("c"))
        let problems = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            do {
                let catalog = try Catalog.open(at: place)
                if try !catalog.integrityProblems().isEmpty { problems.withLock { $0.append("damaged") } }
            } catch {
                problems.withLock { $0.append("\(error)") }
            }
        }
        #expect(problems.withLock { $0 } == [])
    }

    @Test("waits for no writer, and neither does reading")
    func besideWriter() throws {
        let made = try TemporaryCatalog()
        try made.add("a")
        let writer = try DatabaseQueue(path: made.directory.database)
        try writer.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN EXCLUSIVE")
            let begin = ContinuousClock.now
            let catalog = try Catalog.open(at: made.directory)
            #expect(try catalog.collection.tomogram(named: "a").name == "a")
            #expect(try QueryConnection(catalog).ids(in: "v_tomogram", where: "1") == [1])
            #expect(ContinuousClock.now - begin < .seconds(5))
            try db.execute(sql: "ROLLBACK")
        }
    }

    @Test("of a newer version reads, and says what to do about writing")
    func newer() throws {
        let directory = try TemporaryDirectory()
        let place = CatalogDirectory(path: directory.file("c"))
        _ = try Catalog.create(at: place)
        try DatabaseQueue(path: place.database).write { try $0.execute(sql: "PRAGMA user_version = 99") }
        let catalog = try Catalog.open(at: place)
        #expect(!catalog.isWritable)
        #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_tomogram") } == 0)
        var rows = 0
        try QueryConnection(catalog).run("SELECT count(*) FROM v_tomogram") { _ in rows += 1 }
        #expect(rows == 1)
        let error = #expect(throws: CatalogError.self) { try catalog.collection.remove(.slabs, ids: []) }
        #expect(error?.code == .readOnly)
        #expect(error?.message.contains("newer version of Cellar") == true)
        #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 99)
    }

    @Test("that is another program's database is refused, and leaves it as it is")
    func foreign() throws {
        let directory = try TemporaryDirectory()
        let place = CatalogDirectory(path: directory.path)
        try DatabaseQueue(path: place.database).write { try $0.execute(sql: "CREATE TABLE photos (name TEXT)") }
        let before = try Data(contentsOf: URL(fileURLWithPath: place.database))
        let error = #expect(throws: CatalogError.self) { try Catalog.open(at: place) }
        #expect(error?.code == .notACatalog)
        #expect(try Data(contentsOf: URL(fileURLWithPath: place.database)) == before)
    }

    @Test("that is no database, or a folder, is refused", arguments: [100, 5000, 100_000])
    func garbage(byteCount: Int) throws {
        let directory = try TemporaryDirectory()
        var generator = RandomStream(state: UInt64(byteCount))
        let bytes = (0..<byteCount).map { _ in UInt8.random(in: 1...255, using: &generator) }
        try directory.write("catalog.sqlite", bytes)
        let error = #expect(throws: CatalogError.self) { try Catalog.open(at: CatalogDirectory(path: directory.path)) }
        #expect(error?.code == .notACatalog)
        let folder = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: folder.file("catalog.sqlite"), withIntermediateDirectories: true)
        #expect(throws: CatalogError.self) { try Catalog.open(at: CatalogDirectory(path: folder.path)) }
    }

    @Test("that is damaged is told as such, wherever the damage is", arguments: 1...12)
    func damage(page: Int) throws {
        let directory = try TemporaryDirectory()
        let place = CatalogDirectory(path: directory.file("c"))
        try {
            _ = try Catalog.create(at: place)
            try DatabaseQueue(path: place.database).write { db in
                try db.execute(
                    sql: """
                        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                        INSERT INTO event (at, level, message) SELECT 'now', 'info', 'event ' || i FROM n
                        """)
            }
        }()
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: place.database))
        let end = try handle.seekToEnd()
        let offset = UInt64(page) * end / 13
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        try handle.close()
        do {
            let problems = try Catalog.open(at: place).integrityProblems()
            #expect(!problems.isEmpty)
        } catch let error as CatalogError {
            #expect(error.code == .notACatalog)
        }
    }

    @Test("finds it in the folder, or in those above")
    func finding() throws {
        let made = try TemporaryCatalog()
        let project = made.temporary.file("project")
        try FileManager.default.createDirectory(atPath: "\(project)/a/b", withIntermediateDirectories: true)
        for folder in [project, "\(project)/a/b", made.directory.path] {
            #expect(try CatalogDirectory.find(named: nil, from: folder) == made.directory)
        }
        for name in [".", ".cellar", project, made.directory.path, "../project"] {
            #expect(try CatalogDirectory.find(named: name, from: project) == made.directory)
        }
        let nowhere = #expect(throws: CatalogError.self) { try CatalogDirectory.find(named: "elsewhere", from: project) }
        #expect(nowhere?.code == .noCatalog)
        #expect(throws: CatalogError.self) { try CatalogDirectory.find(named: nil, from: made.temporary.path) }
    }
}
