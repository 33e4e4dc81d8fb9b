import Basics
import CatalogMigrations
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing
import Volumes

@testable import Catalog

@Suite("A catalog of an earlier version") struct SchemaHistoryTests {
    /// A catalog as version 5 left it, with one tomogram, all that hangs on it, and a training.
    private func versionFive() throws -> (TemporaryDirectory, CatalogDirectory) {
        let temporary = try TemporaryDirectory()
        let directory = CatalogDirectory(path: temporary.file(".cellar"))
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: directory.database)
        try queue.write { db in
            for migration in CatalogMigration.all.prefix(5) { try db.execute(sql: migration.sql) }
            try db.execute(
                sql: """
                    PRAGMA application_id = \(Catalog.applicationID);
                    PRAGMA user_version = 5;
                    INSERT INTO dataset VALUES (1, 'd', NULL, 't');
                    INSERT INTO tomogram VALUES (7, 1, 't', '/t.mrc', NULL, 'MRC', 'float32', 4, 4, 4, 't');
                    INSERT INTO tomogram_meta VALUES (7, 'grid', 'A3');
                    INSERT INTO voxel_size_evidence VALUES (7, 'user', 10, 10, 10, 't');
                    INSERT INTO annotation VALUES (3, 7, 'labels', '/l.mrc', NULL, NULL, zeroblob(32), 't');
                    INSERT INTO annotation_class VALUES (3, 'membrane', 1, NULL);
                    INSERT INTO slab VALUES (5, 7, 0, 2, 't');
                    INSERT INTO slice VALUES (8, 7, 0), (9, 7, 1);
                    INSERT INTO training_set VALUES (2, 'set', 1, NULL, 't');
                    INSERT INTO training_set_slab VALUES (2, 5);
                    INSERT INTO training_set_annotation VALUES (2, 3);
                    INSERT INTO recipe VALUES (1, zeroblob(32), '{}', 't');
                    INSERT INTO run VALUES (1, 't', 't', 'done', 'h', 1, '0', 'c', 1);
                    INSERT INTO step VALUES (1, 'train-membrane', 'training-set');
                    INSERT INTO configuration VALUES (1, 1, 1, randomblob(32));
                    INSERT INTO trace VALUES (1, 1, 1, 2, 1, 'done', zeroblob(32), 't', 1, NULL);
                    INSERT INTO trace_member VALUES (1, 'pseudo-labels.labels', 7, 'z 0..<2', zeroblob(32));
                    INSERT INTO head VALUES (1, 2, 1, zeroblob(32), zeroblob(0), 1);
                    INSERT INTO model VALUES
                        (1, 'inside', 'network', '\(directory.path)/models/inside.safetensors', zeroblob(32), 't', NULL, NULL),
                        (2, 'outside', 'network', '\(directory.path)-models/outside.safetensors', zeroblob(32), 't', NULL, NULL);
                    """)
        }
        try queue.close()
        return (temporary, directory)
    }

    @Test("keeps every row, and ids are never used again from then on")
    func removal() throws {
        let (temporary, directory) = try versionFive()
        defer { withExtendedLifetime(temporary) {} }
        let catalog = try Catalog.open(at: directory)
        #expect(try catalog.integrityProblems() == [])
        #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") } == 1)
        func count(_ table: String) throws -> Int? {
            try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") }
        }
        let tables = [
            "tomogram", "tomogram_meta", "voxel_size_evidence", "annotation", "annotation_class", "slab", "training_set_slab",
            "training_set_annotation", "trace_member", "head",
        ]
        for table in tables { #expect(try count(table) == 1, "\(table)") }
        #expect(try count("slice") == 2)
        #expect(
            try catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT dataset || '/' || tomogram FROM v_trained_on") }
                == "d/t")
        try catalog.collection.removeTrainingSet(named: "set")
        try catalog.collection.remove(.tomograms, ids: [7])
        for table in tables.dropLast(2) { #expect(try count(table) == 0, "\(table)") }
        #expect(try count("slice") == 0)
        let shape = try #require(VolumeShape(z: 4, y: 4, x: 4))
        let new = NewTomogram(
            name: "t", location: .init(path: "/t.mrc"), format: "MRC", scalarType: .float32, shape: shape)
        let id = try catalog.collection.add([new], dataset: "d")[0].id
        #expect(id == 8)
        let slab = try catalog.collection.addSlab(tomogramID: id, z: 0..<1)
        #expect(slab.id == 6)
        #expect(try catalog.collection.sliceID(ofTomogram: id, z: 0) == 10)
    }

    @Test("keeps what was said of voxel sizes and annotations, and takes new sources and authors")
    func evidence() throws {
        let (temporary, directory) = try versionFive()
        defer { withExtendedLifetime(temporary) {} }
        let catalog = try Catalog.open(at: directory)
        #expect(try catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT voxel_size_source FROM v_tomogram") } == "user")
        let row = try #require(
            try catalog.unsafeRead { try Row.fetchOne($0, sql: "SELECT path, author, session FROM v_annotation") })
        #expect(row["path"] == "/l.mrc" && row["author"] == nil as String? && row["session"] == nil as String?)
        let shape = try #require(VolumeShape(z: 4, y: 4, x: 4))
        try catalog.collection.add(
            [
                NewTomogram(
                    name: "t", location: .init(path: "/t.mrc"), format: "MRC", scalarType: .float32, shape: shape,
                    metadataVoxelSize: VoxelSize(cubicInAngstroms: 3), folderVoxelSize: VoxelSize(cubicInAngstroms: 4))
            ], dataset: "d")
        try catalog.collection.annotate(
            tomogramID: 7,
            with: NewAnnotation(
                kind: .points, location: .init(path: "/p.json"), convention: "angstrom",
                classes: [.init(name: "ribosome", radiusInAngstroms: 100)], contentDigest: Digest(of: []), author: "alice",
                session: "1"))
        #expect(
            try catalog.unsafeRead {
                try String.fetchAll($0, sql: "SELECT source FROM voxel_size_evidence ORDER BY source")
            } == ["folder", "metadata", "user"])
        #expect(
            try catalog.unsafeRead {
                try String.fetchOne($0, sql: "SELECT author || session FROM v_annotation WHERE kind = 'points'")
            } == "alice1")
    }

    @Test("finds models in its own folder wherever that is, and others where they were")
    func modelPaths() throws {
        let (temporary, directory) = try versionFive()
        try { _ = try Catalog.open(at: directory).collection.models() }()
        let moved = CatalogDirectory(path: temporary.file("elsewhere"))
        try FileManager.default.moveItem(atPath: directory.path, toPath: moved.path)
        let models = try Catalog.open(at: moved).collection.models()
        #expect(models["inside"]?.path == "\(moved.path)/models/inside.safetensors")
        #expect(models["outside"]?.path == "\(directory.path)-models/outside.safetensors")
    }

    @Test("is not changed where rows of it point nowhere, and says so")
    func orphans() throws {
        let (temporary, directory) = try versionFive()
        defer { withExtendedLifetime(temporary) {} }
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: directory.database, configuration: configuration)
        try queue.write { try $0.execute(sql: "INSERT INTO slab VALUES (6, 99, 0, 2, 't')") }
        let error = #expect(throws: CatalogError.self) { try Catalog.open(at: directory) }
        #expect(error?.message.contains("a row of slab points to a row of tomogram that is not there") == true)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 5)
    }

    @Test("of the same tables and other views gets those of this build")
    func views() throws {
        let made = try TemporaryCatalog()
        try DatabaseQueue(path: made.directory.database).write { db in
            try db.execute(
                sql: "DROP VIEW v_slab; CREATE VIEW v_mine AS SELECT 1 AS one; UPDATE view_definition SET digest = zeroblob(32)")
        }
        let again = try Catalog.open(at: made.directory)
        let names = try again.unsafeRead {
            try Set(String.fetchAll($0, sql: "SELECT name FROM sqlite_master WHERE type = 'view'"))
        }
        #expect(names.contains("v_slab") && !names.contains("v_mine"))
    }

    /// The committed catalogs of `Golden/catalogs`: one collection, as the first schema and each release left it.
    private static let committed = ((try? FileManager.default.contentsOfDirectory(atPath: Repository.file(folder))) ?? [])
        .filter { $0.hasSuffix(".sqlite") }.sorted()
    private static let folder = "Tests/CatalogTests/Golden/catalogs"

    @Test("that was committed is migrated, keeps what people brought and what was computed, and takes more", arguments: committed)
    func committedCatalogs(_ name: String) throws {
        let temporary = try TemporaryDirectory()
        defer { withExtendedLifetime(temporary) {} }
        let directory = CatalogDirectory(path: temporary.file(".cellar"))
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Repository.file("\(Self.folder)/\(name)"), toPath: directory.database)
        let catalog = try Catalog.open(at: directory)
        #expect(catalog.isWritable)
        #expect(try catalog.schemaVersion() == CatalogMigration.latestNumber)
        #expect(try catalog.integrityProblems() == [])
        func answer(_ columns: String, from view: String) throws -> String? {
            let text = columns.replacing(", ", with: " || ' ' || ")
            return try catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT \(text) FROM \(view)") }
        }
        let columns = "dataset || '/' || name, round(voxel_size), voxel_size_source, size_x, size_y, size_z, meta"
        #expect(try answer(columns, from: "v_tomogram") == #"lab/TS_001 10.0 user 32 32 16 {"grid":"A3"}"#)
        #expect(try answer("(density_mean IS NOT NULL), length(voxel_digest)", from: "v_tomogram") == "1 64")
        #expect(try answer("id, tomogram, z_first, z_end", from: "v_slab") == "1 TS_001 4 8")
        #expect(try answer("kind, classes, points, convention", from: "v_annotation") == "points ribosome 2 angstrom")
        #expect(try answer("id, status, version, done", from: "v_run") == "1 done 0.1.0 1")
        #expect(try answer("step, scope, tomogram", from: "v_step") == "describe tomogram TS_001")
        // A second slab, on slices of its own and of the first.
        #expect(try catalog.collection.addSlab(tomogramID: 1, z: 6..<10).id == 2)
        #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM slice") } == 6)
    }

    @Test("was committed for the first schema, and for a release")
    func committedNames() {
        #expect(Self.committed.contains("schema-1.sqlite"))
        #expect(Self.committed.contains { $0.wholeMatch(of: /\d+\.\d+\.\d+\.sqlite/) != nil })
    }
}
