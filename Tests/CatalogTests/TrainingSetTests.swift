import Basics
import Catalog
import CatalogMigrations
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing
import Volumes

@Suite("A training set") struct TrainingSetTests {
    private func slabs(_ made: TemporaryCatalog, _ count: Int) throws -> [Int64] {
        try (0..<count).map { number in
            let id = try made.add("t\(number)").id
            return try #require(try made.catalog.addSlab(tomogramID: id, z: number..<number + 10).id)
        }
    }

    @Test("keeps its members, and the first one is current")
    func members() throws {
        let made = try TemporaryCatalog()
        let ids = try slabs(made, 3)
        let first = try made.catalog.addTrainingSet(named: "all", slabs: ids)
        let second = try made.catalog.addTrainingSet(named: "two", slabs: [ids[2], ids[0], ids[2]], selection: "id <> 2")
        #expect(first.isCurrent && !second.isCurrent)
        for id in try slabs(made, 5) { #expect(id > 0) }
        #expect(
            try made.query("SELECT name, is_current, slabs, annotations, tomograms, selection FROM v_training_set ORDER BY id")
                == [
                    [.text("all"), .integer(1), .integer(3), .integer(0), .integer(3), .null],
                    [.text("two"), .integer(0), .integer(2), .integer(0), .integer(2), .text("id <> 2")],
                ])
        #expect(
            try made.query("SELECT kind, dataset, tomogram, z_first, z_end FROM v_training_member WHERE training_set = 'two'")
                == [
                    [.text("slab"), .text("d"), .text("t0"), .integer(0), .integer(10)],
                    [.text("slab"), .text("d"), .text("t2"), .integer(2), .integer(12)],
                ])
        try made.catalog.useTrainingSet(named: "two")
        #expect(try made.catalog.currentTrainingSet()?.name == "two")
        #expect(try made.catalog.summary().trainingSet == "two")
        #expect(try made.value("SELECT sum(is_current) FROM v_training_set") == 1)
        #expect(
            try made.query("SELECT scope_id, tomogram_id, training_set FROM v_scope WHERE scope = 'training-set'") == [
                [.integer(1), .null, .text("all")], [.integer(2), .null, .text("two")],
            ])
    }

    @Test("may hold annotations, of whatever kind")
    func annotations() throws {
        let made = try TemporaryCatalog()
        let tomogram = try made.add("a").id
        let labels = NewAnnotation(
            kind: .labels, location: VolumeLocation(path: "/labels.mrc"), classes: [.init(name: "membrane", value: 1)],
            contentDigest: Digest(of: "x".utf8))
        let id = try made.catalog.annotate(tomogramID: tomogram, with: labels)
        try made.catalog.addTrainingSet(named: "drawn", slabs: [], annotations: [id])
        #expect(
            try made.query("SELECT kind, scope_id, z_first FROM v_training_member") == [
                [.text("annotation"), .integer(id), .null]
            ])
        #expect(try made.value("SELECT tomograms FROM v_training_set") == 1)
        // The file's new content is the same annotation.
        #expect(try made.catalog.annotate(tomogramID: tomogram, with: labels) == id)
    }

    @Test("that is empty, has no name or one that is taken, or a member that is not there, is refused, and nothing is kept of it")
    func refusals() throws {
        let made = try TemporaryCatalog()
        let ids = try slabs(made, 1)
        func refusal(_ name: String, slabs: [Int64], annotations: [Int64] = []) -> CatalogErrorCode? {
            #expect(throws: CatalogError.self) {
                try made.catalog.addTrainingSet(named: name, slabs: slabs, annotations: annotations)
            }?.code
        }
        #expect(refusal("none", slabs: []) == .invalid)
        for name in ["", "a/b", "two\nlines"] { #expect(refusal(name, slabs: ids) == .invalid) }
        #expect(refusal("stray", slabs: ids + [77]) == .notFound)
        #expect(refusal("stray", slabs: ids, annotations: [5]) == .notFound)
        #expect(try made.value("SELECT count(*) FROM training_set") == 0)
        try made.catalog.addTrainingSet(named: "all", slabs: ids)
        #expect(refusal("all", slabs: ids) == .alreadyExists)
        for body in [made.catalog.useTrainingSet, made.catalog.removeTrainingSet] as [(String) throws -> TrainingSetRecord] {
            let error = #expect(throws: CatalogError.self) { try body("other") }
            #expect(error?.code == .notFound)
        }
        #expect(try made.catalog.trainingSets().count == 1)
    }

    @Test("keeps its slabs from being removed, as long as it is there")
    func removal() throws {
        let made = try TemporaryCatalog()
        let ids = try slabs(made, 2)
        try made.catalog.addTrainingSet(named: "one", slabs: [ids[1]])
        let error = #expect(throws: CatalogError.self) { try made.catalog.removeSlabs(ids: ids) }
        #expect(error?.message.contains("slab \(ids[1]) is a member of the training set one") == true)
        #expect(try made.value("SELECT count(*) FROM slab") == 2)
        try made.catalog.removeTrainingSet(named: "one")
        #expect(try made.catalog.currentTrainingSet() == nil)
        try made.catalog.removeSlabs(ids: ids)
        #expect(try made.catalog.integrityProblems() == [])
    }

    @Test("came by a migration that keeps every step, and all that refers to one")
    func migration() throws {
        let directory = try TemporaryDirectory()
        let place = CatalogDirectory(path: directory.file("c"))
        try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: place.database)
        try queue.write { db in
            for migration in CatalogMigration.all where migration.number < 3 { try db.execute(sql: migration.sql) }
            try db.execute(
                sql: """
                    INSERT INTO recipe VALUES (1, zeroblob(32), '{}', 'now');
                    INSERT INTO run VALUES (1, 'now', 'now', 'done', 'here', 1, '0', 'run', 1);
                    INSERT INTO dataset VALUES (1, 'd', NULL, 'now');
                    INSERT INTO tomogram VALUES (1, 1, 't', '/t', NULL, 'mrc', 'uint8', 1, 1, 1, 'now');
                    INSERT INTO step VALUES (3, 'describe', 'tomogram'), (8, 'prepare', 'slice');
                    INSERT INTO configuration VALUES (1, 3, 1, zeroblob(32)), (2, 8, 1, randomblob(32));
                    INSERT INTO trace VALUES (1, 1, 3, 1, 1, 'done', randomblob(32), 'now', 1, NULL);
                    INSERT INTO head SELECT step_id, scope_id, id, key, zeroblob(32), run_id FROM trace;
                    PRAGMA application_id = \(Catalog.applicationID);
                    PRAGMA user_version = 2;
                    """)
        }
        try queue.close()
        let catalog = try Catalog.open(at: place)
        #expect(try catalog.schemaVersion() == CatalogMigration.latestNumber)
        #expect(try catalog.integrityProblems() == [])
        let steps = try catalog.read { try Row.fetchAll($0, sql: "SELECT id, name, scope FROM step ORDER BY id") }
        #expect(steps.map { $0["id"] as Int64 } == [3, 8])
        #expect(try catalog.read { try String.fetchAll($0, sql: "SELECT step || ' ' || tomogram FROM v_step") } == ["describe t"])
        // The foreign keys are those of the new table.
        let raw = try DatabaseQueue(path: place.database)
        #expect(throws: DatabaseError.self) { try raw.write { try $0.execute(sql: "DELETE FROM step WHERE id = 3") } }
        #expect(throws: DatabaseError.self) { try raw.write { try $0.execute(sql: "INSERT INTO step VALUES (9, 'x', 'other')") } }
        try raw.write { try $0.execute(sql: "INSERT INTO step VALUES (9, 'x', 'training-set')") }
    }
}
