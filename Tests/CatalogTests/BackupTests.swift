import Basics
import Catalog
import CatalogSchema
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@Suite("A backup") struct BackupTests {
    @Test("taken while others write is a whole catalog of one moment")
    func whileWriting() throws {
        let made = try TemporaryCatalog()
        let isDone = Atomic<Bool>(false)
        let problems = Mutex<[String]>([])
        let group = DispatchGroup()
        group.enter()
        Thread {
            var number = 0
            while !isDone.load(ordering: .relaxed) {
                number += 1
                // Two rows in one transaction: a backup has both, or none.
                do {
                    try made.add("t\(number)", metadata: ["a": "x", "b": "x"])
                } catch {
                    problems.withLock { $0.append("\(error)") }
                }
            }
            group.leave()
        }.start()
        for number in 0..<10 {
            let place = CatalogDirectory(path: made.temporary.file("backup\(number)"))
            try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: true)
            try made.catalog.backup(to: place.database)
            let copy = try Catalog.open(at: place)
            #expect(try copy.integrityProblems() == [])
            let odd = try copy.unsafeRead {
                try Int.fetchOne(
                    $0, sql: "SELECT count(*) FROM (SELECT 1 FROM tomogram_meta GROUP BY tomogram_id HAVING count(*) <> 2)")
            }
            #expect(odd == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).contains("catalog.sqlite"))
        }
        isDone.store(true, ordering: .relaxed)
        group.wait()
        #expect(problems.withLock { $0 } == [])
    }

    @Test("never takes the place of a file, and leaves nothing where it fails")
    func refusals() throws {
        let made = try TemporaryCatalog()
        let path = try made.temporary.write("taken", "precious".utf8)
        let error = #expect(throws: CatalogError.self) { try made.catalog.backup(to: path) }
        #expect(error?.code == .alreadyExists)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
        #expect(throws: CatalogError.self) { try made.catalog.backup(to: made.temporary.file("no/such/folder/copy")) }
        #expect(!FileManager.default.fileExists(atPath: made.temporary.file("no")))
    }
}
