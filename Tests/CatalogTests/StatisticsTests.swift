import Basics
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Catalog

@Suite("Statistics") struct StatisticsTests {
    /// Two tomograms with objects, evaluations in two runs, and a step that measures how many objects are in a volume.
    private func collection() throws -> PublishedResults {
        let results = try PublishedResults()
        func object(_ number: Int, _ name: String, _ volume: Double) -> FoundObject {
            FoundObject(
                number: number, class: name, centroidInAngstroms: .zero, voxels: 1, volumeInCubicNanometers: volume,
                boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
        }
        try results.publish(
            "measure", metrics: [("ribosome/concentration", 200)], objects: [object(1, "ribosome", 1), object(2, "ribosome", 3)])
        try results.publish(
            "measure", of: "second", metrics: [("ribosome/concentration", 100)],
            objects: [object(1, "ribosome", 8), object(2, "membrane", 50)])
        try results.publish("evaluate", metrics: [("membrane/dice", 0.5), ("ribosome/f1", 0.25)])
        try results.publish("evaluate", of: "second", metrics: [("membrane/dice", 0.75)])
        try results.publish("evaluate", key: "again", metrics: [("membrane/dice", 0.625), ("ribosome/f1", 0.125)])
        return results
    }

    private func rows(_ statistics: Statistics, _ results: PublishedResults) throws -> [[QueryValue]] {
        try results.query(statistics.sql(for: QueryConnection(results.catalog)))
    }

    @Test("objects are summed over tomograms by class, with the spread of a sample, and concentrations are averaged")
    func objects() throws {
        let rows = try rows(Statistics(.objects, where: "measure IN ('volume_nm3', 'concentration')"), collection())
        #expect(rows.map { $0[1] } == [.text("membrane"), .text("ribosome"), .text("ribosome")])
        #expect(rows[0][2...] == [.text("volume_nm3"), .integer(1), .real(50), .null, .real(50), .real(50)])
        #expect(
            rows[1][2...] == [.text("concentration"), .integer(2), .real(150), .real(5000.squareRoot()), .real(100), .real(200)])
        #expect(rows[2][2...] == [.text("volume_nm3"), .integer(3), .real(4), .real(13.0.squareRoot()), .real(1), .real(8)])
    }

    @Test("a column to group by comes first, and is not repeated")
    func grouping() throws {
        let results = try collection()
        let byTomogram = try rows(
            Statistics(.objects, by: "tomogram", where: "measure = 'volume_nm3' AND class = 'ribosome'"), results)
        #expect(byTomogram.map { $0[0] } == [.text("first"), .text("second")])
        #expect(byTomogram.map { $0[4] } == [.integer(2), .integer(1)])
        for topic in Statistics.Topic.allCases where topic != .tomograms {
            for by in try ViewColumns(topic.view, in: QueryConnection(results.catalog)).names
            where topic != .objects || !["count", "sum", "sum_of_squares", "minimum", "maximum"].contains(by) {
                _ = try rows(Statistics(topic, by: by, where: "dataset = 'd'"), results)
            }
        }
    }

    @Test("evaluations are averaged by step and name; tomograms are ordered by a metric, at either end")
    func evaluation() throws {
        let results = try collection()
        let evaluation = try rows(Statistics(.evaluation), results)
        #expect(evaluation.map { $0[1] } == [.text("membrane/dice"), .text("ribosome/f1")])
        #expect(evaluation[0][2...4] == [.integer(2), .real(0.6875), .real((0.0625 * 0.0625 * 2).squareRoot())])
        for count in 1...3 {
            let tomograms = try rows(Statistics(.tomograms, metric: "membrane/dice", count: count), results)
            #expect(tomograms.map { $0[2] } == [.text("second"), .text("first")], "each once, count \(count)")
            #expect(tomograms.map { $0[0] } == [.text("highest"), .text(count == 1 ? "lowest" : "highest")])
        }
    }

    @Test(
        "v_evaluation searches the results that were evaluated by their ids: looking at all of a step took 22 s for 2,000 annotations"
    )
    func evaluationPlan() throws {
        let results = try collection()
        defer { withExtendedLifetime(results) {} }
        let plan = try results.catalog.unsafeRead { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN SELECT * FROM v_evaluation").map { $0["detail"] as String }
        }
        #expect(plan.filter { $0.contains(" source ") } == ["SEARCH source USING INTEGER PRIMARY KEY (rowid=?)"])
    }

    @Test("changes compare what stood at each of two runs, of what was computed again between")
    func changes() throws {
        let results = try collection()
        let rows = try rows(Statistics(.changes), results)
        #expect(rows.map { $0[1] } == [.text("membrane/dice"), .text("ribosome/f1")])
        #expect(
            rows[0][2...] == [.integer(1), .real(0.5), .real(0.625), .real(0.125), .null, .integer(1), .integer(0)])
        #expect(rows[1][5] == .real(-0.125) && rows[1][7...] == [.integer(0), .integer(1)])
        // Between the two runs before, nothing was computed again.
        #expect(try self.rows(Statistics(.changes, from: 3, to: 4), results).isEmpty)
        #expect(try self.rows(Statistics(.changes, where: "measure = 'f1'"), results).count == 1)
        // The first result comes back: its run is the one that took it up again.
        let stepID = try #require(try results.toys.value("SELECT id FROM step WHERE name = 'evaluate'", as: Int64.self))
        let key = try PublishedResults.digest("evaluate first  [:]")
        let known = try #require(try results.catalog.results.withPlanningSnapshot { try $0.trace(withKey: key) })
        let (runID, _) = try results.catalog.runs.begin(
            command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (key, "{}"), configurations: [])
        try results.catalog.results.record(
            [.foundAgain(stepID: stepID, scopeID: results.tomogramID, key: key, trace: known)], runID: runID)
        let back = try self.rows(Statistics(.changes, where: "measure = 'dice'", from: runID - 1, to: runID), results)
        #expect(back.map { $0[3...4] } == [[.real(0.625), .real(0.5)]])
    }

    @Test("what is not there is named in one sentence, with what there is")
    func errors() throws {
        let results = try collection()
        for (statistics, words) in [
            (Statistics(.evaluation, by: "size"), "v_evaluation has no column size; it has dataset, tomogram"),
            (Statistics(.objects, where: "colour = 'red'"), "no such column: colour; v_object_summary has step"),
            (Statistics(.steps, where: "seconds >"), "is not understood"),
            (Statistics(.steps, where: "1); DROP TABLE step; --"), "more than one statement"),
            (Statistics(.tomograms, metric: "no'ne"), "no result that stands has a metric no'ne; `cellar query"),
            (Statistics(.tomograms), "add --metric NAME"),
            (Statistics(.changes, from: 1, to: 99), "there is no run 99"),
            (Statistics(.changes, from: 3, to: 2), "3 is not before 2"),
        ] {
            let error = #expect(throws: CatalogError.self) { try rows(statistics, results) }
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("\n") == false)
        }
        let empty = try PublishedResults()
        #expect(throws: CatalogError.self) { try rows(Statistics(.changes), empty) }
        for topic in [Statistics.Topic.objects, .evaluation, .steps] { #expect(try rows(Statistics(topic), empty).isEmpty) }
        #expect(try empty.query(Statistics.overview).count == 8)
    }
}
