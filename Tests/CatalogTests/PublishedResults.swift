import Basics
import CatalogSchema
import Foundation
import TestSupport
import Volumes

@testable import Catalog

/// A catalog of the tomograms `first` and `second` and the training set `set`, with results as steps would publish them.
struct PublishedResults {
    let toys: TemporaryCatalog
    let tomograms: [String: Int64]
    let setID: Int64

    var catalog: Catalog { toys.catalog }
    var tomogramID: Int64 { tomograms["first"] ?? 0 }

    init() throws {
        toys = try TemporaryCatalog()
        tomograms = ["first": try toys.add("first").id, "second": try toys.add("second").id]
        let slab = try toys.catalog.collection.addSlab(tomogramID: tomograms["first"] ?? 0, z: 0..<10)
        setID = try toys.catalog.collection.addTrainingSet(named: "set", slabs: [slab.id ?? 0]).id ?? 0
    }

    static func digest(_ text: String) throws -> Digest { Digest(of: text.utf8) }

    func query(_ sql: String) throws -> [[QueryValue]] { try toys.query(sql) }

    /// Publishes a result in a run of its own.
    ///
    /// - Parameters:
    ///   - tomogram: which one it is of, where it is not of the training set.
    ///   - outputs: values, by their digests.
    ///   - trainedOn: the tomograms that it was trained on.
    func publish(
        _ step: String, scope: ScopeKind = .tomogram, of tomogram: String = "first", key: String = "",
        inputs: [ItemOutcome.Input] = [], outputs: [String: Digest] = [:], metrics: [(name: String, value: Double)] = [],
        objects: [FoundObject] = [], trainedOn: [String] = []
    ) throws {
        let scopeID = scope == .trainingSet ? setID : tomograms[tomogram] ?? 0
        let digest = try Self.digest("\(step) \(tomogram) \(key) \(outputs)")
        let (runID, ids) = try catalog.runs.begin(
            command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest, "{}"),
            configurations: [.init(step: step, scope: scope, version: 1, parameters: [:], models: [:], digest: digest)])
        try catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: scopeID, configurationID: ids[0].configurationID, key: digest,
                        startedAt: Timestamp.now, seconds: 1, inputs: inputs,
                        members: trainedOn.map {
                            .init(
                                input: "pseudo-labels.volume", tomogramID: tomograms[$0] ?? 0, tomogram: "d/\($0)",
                                label: "z 0..<10",
                                digest: digest)
                        },
                        outputs: outputs.map { .init(name: $0.key, digest: $0.value, content: .value("\"\"")) }, metrics: metrics,
                        objects: objects))
            ], runID: runID)
        try catalog.runs.end(runID, status: .done)
    }
}
