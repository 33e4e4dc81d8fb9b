import CatalogSchema
import TestSupport
import Testing

@testable import Catalog

/// What a viewer asks of the catalog beside SQL: whether something was committed, metrics as columns, and what a run has done.
@Suite struct ViewerQuestionTests {
    @Test("a watch tells each commit, whoever made it, and nothing else")
    func watching() throws {
        let toys = try TemporaryCatalog()
        let watch = try CatalogWatch(toys.catalog)
        let first = try watch.version()
        #expect(try watch.version() == first)
        _ = try toys.query("SELECT count(*) FROM v_tomogram")
        #expect(try watch.version() == first)
        try toys.add("one")
        let second = try watch.version()
        #expect(second != first)
        // Another process is another connection, as this is.
        try Catalog.open(at: toys.directory).collection.addSlab(tomogramID: 1, z: 0..<2)
        #expect(try watch.version() != second)
    }

    @Test("metrics of tomograms are columns; the latest result counts, and those of training sets are none")
    func metrics() throws {
        let results = try PublishedResults()
        try results.publish("measure", of: "first", metrics: [("membrane/dice", 0.5), ("objects", 3)])
        try results.publish("measure", of: "second", metrics: [("objects", 4)])
        try results.publish("measure", of: "first", key: "again", metrics: [("objects", 5)])
        try results.publish("train", scope: .trainingSet, metrics: [("loss", 1)])
        let columns = try results.catalog.results.metricColumns()
        #expect(columns.map(\.title) == ["measure/objects"], "what stands no more has no metrics")
        let objects = try #require(columns.first)
        let (first, second) = (try #require(results.tomograms["first"]), try #require(results.tomograms["second"]))
        #expect(try results.catalog.results.values(of: objects) == [first: 5, second: 4])
        #expect(try results.catalog.results.values(of: objects, tomograms: [second, 99]) == [second: 4])
        #expect(try results.catalog.results.values(of: objects, tomograms: []).isEmpty)
        let nothing = MetricColumn(step: "measure", scope: .tomogram, name: "' OR 1 --")
        #expect(try results.catalog.results.values(of: nothing).isEmpty)
    }

    @Test("a run that goes on is known by what it published")
    func activity() throws {
        let results = try PublishedResults()
        #expect(try results.catalog.runs.activity() == nil)
        try results.publish("measure", of: "second", metrics: [("objects", 4)])
        #expect(try results.catalog.runs.activity() == nil, "it has ended")
        let digest = try PublishedResults.digest("running")
        let (runID, ids) = try results.catalog.runs.begin(
            command: "run --jobs 2", version: "0", owner: "me", host: "here", pid: 7, recipe: (digest, "{}"),
            configurations: [.init(step: "mask", scope: .tomogram, version: 1, parameters: [:], models: [:], digest: digest)])
        let begun = try #require(try results.catalog.runs.activity())
        #expect(begun.runID == runID && begun.command == "run --jobs 2" && begun.owner == "me" && begun.pid == 7)
        #expect(begun.done == 0 && begun.step == nil && begun.tomogram == nil, "what was published before is of another run")
        try results.catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: results.tomogramID, configurationID: ids[0].configurationID, key: digest,
                        startedAt: Timestamp.now, seconds: 1, inputs: [], outputs: [], metrics: []))
            ], runID: runID)
        let later = try #require(try results.catalog.runs.activity())
        #expect(later.done == 1 && later.failed == 0 && later.step == "mask" && later.tomogram == "d/first")
        try results.catalog.runs.end(runID, status: .done)
        #expect(try results.catalog.runs.activity() == nil)
    }
}
