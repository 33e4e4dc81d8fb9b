import CatalogSchema
import GRDB
import TestSupport
import Testing
import Volumes

@testable import Catalog

@Suite("Sums over the objects of datasets") struct ObjectTotalTests {
    private func object(_ number: Int, _ name: String, _ volume: Double) -> FoundObject {
        FoundObject(
            number: number, class: name, centroidInAngstroms: .zero, voxels: 1, volumeInCubicNanometers: volume,
            boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
    }

    private func collection() throws -> PublishedResults {
        let results = try PublishedResults()
        try results.publish("measure", objects: [object(1, "ribosome", 1), object(2, "ribosome", 3)])
        try results.publish("measure", of: "second", objects: [object(1, "ribosome", 8), object(2, "membrane", 50)])
        try results.publish("pick", objects: [object(1, "ribosome", 2)])
        return results
    }

    /// What the view says, and what it has to say: the sums of results, summed up.
    private func check(_ results: PublishedResults, areKept: [String], _ comment: Comment? = nil) throws {
        let kept = try results.query("SELECT name FROM object_summed JOIN step ON step.id = step_id ORDER BY name")
        #expect(kept == areKept.map { [.text($0)] }, comment)
        let stored = try results.query("SELECT DISTINCT name FROM object_total JOIN step ON step.id = step_id ORDER BY name")
        #expect(Set(stored.map { "\($0)" }).isSubset(of: Set(kept.map { "\($0)" })), comment)
        let columns = "step, dataset, class, measure"
        let said = try results.query("SELECT * FROM v_object_total ORDER BY \(columns)")
        let expected = try results.query(
            """
            SELECT \(columns), sum(count), sum(sum), sum(sum_of_squares), min(minimum), max(maximum) FROM v_object_summary
            GROUP BY \(columns) ORDER BY \(columns)
            """)
        #expect(said == expected, comment)
    }

    private func change(_ results: PublishedResults, _ sql: String) throws {
        try DatabaseQueue(path: results.catalog.directory.database).write { try $0.execute(sql: sql) }
    }

    @Test("they are the same before and after they are kept, and the statistics, too")
    func same() throws {
        let results = try collection()
        func statistics() throws -> [[[QueryValue]]] {
            try [nil, "dataset", "class", "tomogram"].flatMap { by in
                try [nil, "class = 'ribosome'", "tomogram = 'second'"].map { condition in
                    try results.query(Statistics(.objects, by: by, where: condition).sql(for: QueryConnection(results.catalog)))
                }
            } + [results.query(Statistics.overview)]
        }
        try check(results, areKept: [])
        let before = try statistics()
        try results.catalog.results.sumObjects()
        try check(results, areKept: ["measure", "pick"])
        #expect(try statistics() == before)
        #expect(try !results.query("SELECT 1 FROM object_total").isEmpty)
    }

    @Test("questions about datasets read the sums that are kept, others those of results")
    func views() throws {
        let results = try collection()
        defer { withExtendedLifetime(results) {} }
        let connection = try QueryConnection(results.catalog)
        func isKept(_ by: String?, _ condition: String?) throws -> Bool {
            try Statistics(.objects, by: by, where: condition).sql(for: connection).contains("v_object_total")
        }
        #expect(try isKept(nil, nil) && isKept("dataset", nil) && isKept("class", "dataset = 'd' AND measure = 'volume_nm3'"))
        #expect(try !isKept(nil, "\"tomogram\" = 'second'") && !isKept(nil, "\"Count\" > 10"))
        #expect(try !isKept("tomogram", nil) && !isKept(nil, "run_id = 1") && !isKept(nil, "count > 10"))
    }

    @Test("what changes a result of a step unmakes its sums, and no other's")
    func unmade() throws {
        let results = try collection()
        try results.catalog.results.sumObjects()
        try results.publish("measure", key: "again", objects: [object(1, "ribosome", 5)])
        try check(results, areKept: ["pick"])
        try results.catalog.results.sumObjects()
        try check(results, areKept: ["measure", "pick"])
        try results.publish("segment")
        try check(results, areKept: ["measure", "pick"])
        try change(results, "UPDATE step SET scope = 'slab' WHERE name = 'measure'")
        try check(results, areKept: ["pick"])
        try change(results, "UPDATE step SET scope = 'tomogram' WHERE name = 'measure'")
        try results.catalog.results.sumObjects()
        try change(results, "DELETE FROM head WHERE step_id = (SELECT id FROM step WHERE name = 'pick')")
        try check(results, areKept: ["measure", "segment"])
    }

    @Test("a tomogram that goes, or comes to another dataset, unmakes them")
    func tomograms() throws {
        let results = try collection()
        try results.catalog.results.sumObjects()
        try change(results, "INSERT INTO dataset (name, created_at) VALUES ('other', 'now')")
        try change(
            results, "UPDATE tomogram SET dataset_id = (SELECT id FROM dataset WHERE name = 'other') WHERE name = 'second'")
        try check(results, areKept: [])
        try results.catalog.results.sumObjects()
        try results.catalog.collection.remove(.tomograms, ids: [#require(results.tomograms["second"])])
        try check(results, areKept: ["pick"])
    }
}
