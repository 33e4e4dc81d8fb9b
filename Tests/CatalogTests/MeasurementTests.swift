import Basics
import CatalogMigrations
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing
import Volumes

@testable import Catalog

@Suite("Measurements") struct MeasurementTests {
    private static func object(_ number: Int, _ name: String = "macromolecule", volume: Double = 1000) -> FoundObject {
        FoundObject(
            number: number, class: name, centroidInAngstroms: SIMD3(100, 200, 300), voxels: 500, volumeInCubicNanometers: volume,
            boxMinimumInAngstroms: SIMD3(20, 120, 220), boxMaximumInAngstroms: SIMD3(180, 280, 380))
    }

    @Test("what is measured of objects, and their neighbours, come back as they were published")
    func roundTrip() throws {
        let toys = try PublishedResults()
        var first = Self.object(1, volume: 2100)
        (first.surfaceInSquareNanometers, first.elongation) = (800, 1.25)
        (first.meanDensity, first.membraneDistanceInAngstroms, first.uncertainty) = (-3.5, 0, 0.25)
        first.neighbours = [
            .init(class: "macromolecule", number: 2, distanceInAngstroms: 210.5),
            .init(class: "membrane", number: 7, distanceInAngstroms: 99),
        ]
        let objects = [first, Self.object(2), Self.object(7, "membrane")]
        try toys.publish("pick", objects: objects)
        #expect(try toys.catalog.results.objects(ofTomogram: toys.tomogramID) == objects)
        #expect(try toys.catalog.results.objects(ofTomogram: toys.tomogramID, class: "membrane") == [objects[2]])
        let near = try toys.query(
            "SELECT number, class, neighbour, neighbour_class, distance FROM v_neighbour ORDER BY neighbour")
        #expect(
            near == [
                [.integer(1), .text("macromolecule"), .integer(2), .text("macromolecule"), .real(210.5)],
                [.integer(1), .text("macromolecule"), .integer(7), .text("membrane"), .real(99)],
            ])
        let measured = try toys.query(
            "SELECT surface_nm2, diameter_nm, elongation, density_mean, membrane_distance, uncertainty FROM v_object WHERE number = 1"
        )
        #expect(measured == [[.real(800), .real(cbrt(2100 * 6 / .pi)), .real(1.25), .real(-3.5), .real(0), .real(0.25)]])
        // A ball of radius 80 Å has that diameter.
        #expect(abs(Self.object(1, volume: 4 / 3 * .pi * 512).diameterInNanometers - 16) < 1e-12)
    }

    @Test("sums over objects are those that looking at every object gives")
    func summaries() throws {
        let toys = try PublishedResults()
        var random = SystemRandomNumberGenerator()
        let objects = (1...200).map { number in
            var object = Self.object(
                number, number.isMultiple(of: 3) ? "membrane" : "macromolecule", volume: .random(in: 1...5000, using: &random))
            if number.isMultiple(of: 2) { object.membraneDistanceInAngstroms = .random(in: 0...900, using: &random) }
            if number > 1 { object.radiusInAngstroms = .random(in: 1...90, using: &random) }
            if number.isMultiple(of: 5) {
                object.neighbours = [.init(class: "macromolecule", number: 1, distanceInAngstroms: Double(number))]
            }
            return object
        }
        try toys.publish("pick", objects: objects)
        try toys.publish("pick", of: "second", objects: [Self.object(1)])
        for (measure, source) in [
            ("volume_nm3", "v_object"), ("diameter_nm", "v_object"), ("membrane_distance", "v_object"), ("radius", "v_object"),
            ("nearest/macromolecule", "v_neighbour WHERE neighbour_class = 'macromolecule'"),
        ] {
            let column = source == "v_object" ? measure : "distance"
            let looked = try toys.query(
                """
                SELECT tomogram, class, count(\(column)), total(\(column)), total(\(column) * \(column)), min(\(column)), max(\(column))
                FROM \(source) GROUP BY tomogram, class HAVING count(\(column)) > 0 ORDER BY tomogram, class
                """)
            let kept = try toys.query(
                """
                SELECT tomogram, class, count, sum, sum_of_squares, minimum, maximum FROM v_object_summary
                WHERE measure = '\(measure)' ORDER BY tomogram, class
                """)
            #expect(looked.count == kept.count && !kept.isEmpty)
            for (looked, kept) in zip(looked, kept) {
                #expect(looked[..<3] == kept[..<3] && looked[5...] == kept[5...], "\(measure)")
                for column in 3...4 {
                    guard case (.real(let one), .real(let other)) = (looked[column], kept[column]) else {
                        Issue.record("no numbers of \(measure)")
                        continue
                    }
                    // The order of the sum is another.
                    #expect(abs(one - other) <= 1e-12 * abs(one), "\(measure)")
                }
            }
        }
        #expect(try toys.query("SELECT count(*) FROM v_object_summary WHERE measure = 'elongation'") == [[.integer(0)]])
    }

    @Test("objects of a result are each valid, under numbers of their own, and neighbours are among them")
    func oneResult() {
        var pair = [Self.object(1), Self.object(2, "membrane")]
        #expect(pair.areOneResult)
        pair[0].neighbours = [.init(class: "membrane", number: 2, distanceInAngstroms: 5)]
        #expect(pair.areOneResult)
        let changes: [(inout FoundObject) -> Void] = [
            { $0.number = 2 }, { $0.elongation = 0.99 }, { $0.elongation = .nan }, { $0.surfaceInSquareNanometers = 0 },
            { $0.meanDensity = .infinity }, { $0.uncertainty = 0.51 }, { $0.uncertainty = .nan },
            { $0.membraneDistanceInAngstroms = -1 }, { $0.neighbours[0].number = 3 },
            { $0.neighbours[0].class = "macromolecule" }, { $0.neighbours[0].number = 1 },
            { $0.neighbours[0].distanceInAngstroms = -1 }, { $0.neighbours[0].distanceInAngstroms = .nan },
            { $0.neighbours.append($0.neighbours[0]) },
        ]
        for (index, change) in changes.enumerated() {
            var changed = pair
            change(&changed[0])
            #expect(!changed.areOneResult, "change \(index)")
        }
    }

    @Test("the class of a metric is what stands before the last slash of its name, and its measure the rest")
    func classes() throws {
        let toys = try PublishedResults()
        let names = ["loss", "membrane/dice", "ribosome 80S/f1", "a/b/f1", "/x"]
        try toys.publish("evaluate", metrics: names.enumerated().map { ($1, Double($0)) })
        let rows = try toys.query("SELECT class, measure FROM v_metric ORDER BY value")
        #expect(
            rows == [
                [.null, .text("loss")], [.text("membrane"), .text("dice")], [.text("ribosome 80S"), .text("f1")],
                [.text("a/b"), .text("f1")], [.null, .text("x")],
            ])
        let plan = try toys.catalog.unsafeRead {
            try Row.fetchAll(
                $0, sql: "EXPLAIN QUERY PLAN SELECT value FROM v_metric WHERE measure = 'dice' AND class = 'membrane'"
            )
            .map { $0["detail"] as String }
        }
        #expect(plan.contains { $0.contains("metric_measure (measure=? AND class=?)") }, "\(plan)")
    }

    @Test("failures are looked for among failures, not among all results")
    func failurePlan() throws {
        let toys = try PublishedResults()
        let plan = try toys.catalog.unsafeRead {
            try Row.fetchAll($0, sql: "EXPLAIN QUERY PLAN SELECT * FROM v_failure").map { $0["detail"] as String }
        }
        #expect(plan.contains("SCAN trace USING INDEX trace_trouble"), "\(plan)")
    }

    @Test(
        "an evaluation names the network and the training set that gave what was evaluated, and whether it was seen in training")
    func evaluation() throws {
        let toys = try PublishedResults()
        let networks = try ["first": PublishedResults.digest("one"), "second": PublishedResults.digest("two")]
        for (name, network) in networks.sorted(by: { $0.key < $1.key }) {
            let labels = try PublishedResults.digest("labels \(name)")
            // Both networks saw the first tomogram.
            try toys.publish("train-membrane", scope: .trainingSet, outputs: ["network": network], trainedOn: ["first"])
            try toys.publish(
                "segment", of: name, inputs: [.init(name: "train-membrane.network", digest: network, value: nil)],
                outputs: ["labels": labels])
            try toys.publish(
                "evaluate", of: name, inputs: [.init(name: "segment.labels", digest: labels, value: nil)],
                metrics: [("membrane/dice", name == "first" ? 0.9 : 0.7)])
        }
        // What was found without a network, or is no evaluation.
        try toys.publish("evaluate-pseudo-labels", metrics: [("membrane/dice", 0.5)])
        try toys.publish("describe", metrics: [("density_mean", 1)])
        let rows = try toys.query(
            "SELECT tomogram, step, class, measure, value, training_set, model, trained_on FROM v_evaluation ORDER BY value")
        func row(_ tomogram: String, _ step: String, _ value: Double, _ isSeen: Bool) throws -> [QueryValue] {
            let network = step == "evaluate" ? try #require(networks[tomogram]).hexadecimal.prefix(12) : nil
            return [
                .text(tomogram), .text(step), .text("membrane"), .text("dice"), .real(value),
                network == nil ? .null : .text("set"), network.map { .text("train-membrane:\($0)") } ?? .null,
                .integer(isSeen ? 1 : 0),
            ]
        }
        #expect(
            try rows == [
                row("first", "evaluate-pseudo-labels", 0.5, false), row("second", "evaluate", 0.7, false),
                row("first", "evaluate", 0.9, true),
            ])
    }

    @Test("the history of metrics keeps what was measured before, and says what stands")
    func history() throws {
        let toys = try PublishedResults()
        try toys.publish("evaluate", metrics: [("membrane/dice", 0.5)])
        try toys.publish("evaluate", key: "other", metrics: [("membrane/dice", 0.75)])
        let rows = try toys.query("SELECT run_id, class, measure, value, stands FROM v_metric_history ORDER BY trace_id")
        #expect(
            rows == [
                [.integer(1), .text("membrane"), .text("dice"), .real(0.5), .integer(0)],
                [.integer(2), .text("membrane"), .text("dice"), .real(0.75), .integer(1)],
            ])
    }

    @Test("a catalog of version 3 gets diameters, sums and the new names of its metrics")
    func migration() throws {
        let temporary = try TemporaryDirectory()
        let directory = CatalogDirectory(path: temporary.file(".cellar"))
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: directory.database)
        try queue.write { db in
            for migration in CatalogMigration.all.prefix(3) { try db.execute(sql: migration.sql) }
            try db.execute(
                sql: """
                    PRAGMA application_id = \(Catalog.applicationID);
                    PRAGMA user_version = 3;
                    INSERT INTO dataset VALUES (1, 'd', NULL, 't');
                    INSERT INTO tomogram VALUES (1, 1, 't', '/t.mrc', NULL, 'MRC', 'float32', 4, 4, 4, 't');
                    INSERT INTO recipe VALUES (1, zeroblob(32), '{}', 't');
                    INSERT INTO run VALUES (1, 't', 't', 'done', 'h', 1, '0', 'c', 1);
                    INSERT INTO step VALUES (1, 'segment', 'tomogram'), (2, 'pick', 'tomogram'), (3, 'my-step', 'tomogram');
                    INSERT INTO configuration SELECT id, id, 1, randomblob(32) FROM step;
                    INSERT INTO trace SELECT id, 1, id, 1, id, 'done', randomblob(32), 't', 1, NULL FROM step;
                    INSERT INTO head SELECT id, 1, id, key, zeroblob(0), 1 FROM trace;
                    INSERT INTO metric VALUES
                        (1, 'membrane_fraction', 1), (1, 'membrane_volume_nm3', 2), (2, 'ribosome_particles', 3), (3, 'a_fraction', 4);
                    INSERT INTO object VALUES
                        (2, 1, 'ribosome', 0, 0, 0, 100, 9, 8, 0.5, 0, 1, 0, 1, 0, 1),
                        (2, 2, 'ribosome', 0, 0, 0, 120, 9, 64, NULL, 0, 1, 0, 1, 0, 1);
                    """)
        }
        try queue.close()
        let catalog = try Catalog.open(at: directory)
        let (names, summaries, diameter) = try catalog.unsafeRead { db in
            (
                try String.fetchAll(db, sql: "SELECT name FROM metric ORDER BY value"),
                try String.fetchAll(
                    db,
                    sql: """
                        SELECT measure || ' ' || count || ' ' || sum || ' ' || sum_of_squares || ' ' || minimum || ' ' || maximum
                        FROM v_object_summary WHERE measure <> 'diameter_nm' ORDER BY measure
                        """),
                try Double.fetchOne(db, sql: "SELECT diameter_nm FROM v_object WHERE number = 2")
            )
        }
        #expect(names == ["membrane/fraction", "membrane/volume_nm3", "ribosome/objects", "a_fraction"])
        #expect(
            summaries == [
                "confidence 1 0.5 0.25 0.5 0.5", "radius 2 220.0 24400.0 100.0 120.0", "volume_nm3 2 72.0 4160.0 8.0 64.0",
            ])
        #expect(abs(try #require(diameter) - cbrt(64 * 6 / Double.pi)) < 1e-12)
        #expect(try catalog.integrityProblems().isEmpty)
    }
}
