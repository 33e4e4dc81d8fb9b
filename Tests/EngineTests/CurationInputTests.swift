import Catalog
import CatalogSchema
import Testing
import ToySteps

@testable import Engine

/// A training as it was before people could judge particles.
private struct EarlierStep: TypedStep {
    static let name = "learning"
    static let version = 1
    static let scope = ScopeKind.trainingSet
    static let summary = ""

    struct Parameters: Sendable { let word = Parameter.text("word", default: "first", "") }
    struct Inputs: Sendable { let annotations = Input.annotations }
    struct Outputs: Sendable { let said = ValueOutput<String>("said") }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws { try item.give(\.said, item.parameters.word) }
}

/// The same, and its result lists what people say.
private struct LearningStep: TypedStep {
    enum Use: String, CaseIterable, Sendable { case ground, ignored, off }

    static let name = "learning"
    static let version = 1
    static let scope = ScopeKind.trainingSet
    static let summary = ""

    struct Parameters: Sendable {
        let use = Parameter<Use>.choice("use", default: .ground, "")
        let word = Parameter.text("word", default: "first", "")
    }
    struct Inputs: Sendable {
        let annotations = Input.annotations
        let curation = Input.curation(by: "use", of: Use.allCases.map(\.rawValue), unused: Use.off.rawValue)
    }
    struct Outputs: Sendable { let said = ValueOutput<String>("said") }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws {
        guard let curation = try item.inputs.curation else { return try item.give(\.said, item.parameters.word) }
        let lines = curation.map { member in
            "\(member.scope.tomogram): "
                + member.verdicts.map { "\($0.className) \(Int($0.positionInVoxels.x)) \($0.verdict.rawValue)" }
                .joined(separator: ", ")
        }
        try item.give(\.said, "\(item.parameters.use.rawValue) " + lines.joined(separator: "; "))
    }
}

@Suite("What people say of particles, as an input") struct CurationInputTests {
    private let toys: ToyCollection
    private let (a, b, c): (Int64, Int64, Int64)
    private let set: Int64

    /// Three tomograms, two of which are in the training set.
    init() throws {
        toys = try ToyCollection()
        let toys = toys
        (a, b, c) = (try toys.add("a", text: "alpha"), try toys.add("b", text: "beta"), try toys.add("c", text: "gamma"))
        let annotations = try [a, b].map { try toys.annotate($0, name: "file\($0)", content: "drawn") }
        try toys.train("set", slabs: [], annotations: annotations)
        set = try #require(try toys.catalog.collection.currentTrainingSet()?.id)
    }

    private func plan(_ steps: [any Step], _ settings: [String: String] = [:]) throws -> Plan {
        let graph = try StepGraph(steps)
        var recipe = Recipe(steps: graph.steps)
        for (key, word) in settings { try recipe.set(key, to: word) }
        return try Planner(toys.catalog, graph: graph, recipe: recipe).plan()
    }

    /// Runs what is stale.
    ///
    /// - Returns: how many items were computed, not found again.
    private func run(_ steps: [any Step], _ settings: [String: String] = [:]) throws -> Int {
        let graph = try StepGraph(steps)
        var recipe = Recipe(steps: graph.steps)
        for (key, word) in settings { try recipe.set(key, to: word) }
        let computed = try plan(steps, settings).summaries.reduce(0) { $0 + $1.stale }
        let report = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: recipe).run()
        #expect(report?.failures.isEmpty ?? true, "\(report?.failures ?? [])")
        #expect(try !plan(steps, settings).hasWork)
        return computed
    }

    private func said() throws -> String? {
        try toys.catalog.results.standingValue(step: "learning", scopeID: set, output: "said")?.text
    }

    private func reasons(_ settings: [String: String] = [:]) throws -> [String] {
        let graph = try StepGraph([LearningStep()])
        var recipe = Recipe(steps: graph.steps)
        for (key, word) in settings { try recipe.set(key, to: word) }
        let explanation = try Explainer(toys.catalog, graph: graph, recipe: recipe).explain(tomogramID: a)
        return explanation.groups.first { $0.step == "learning" }?.reasons ?? []
    }

    private func judge(_ tomogram: Int64, x: Double, _ verdict: CurationRecord.Verdict, by author: String = "me") throws -> Int64
    {
        let new = NewCuration(className: "ribosome", positionInVoxels: SIMD3(x, 1, 7), verdict: verdict, score: 0.5)
        return try #require(try toys.catalog.collection.curate(tomogramID: tomogram, [new], by: author).first?.id)
    }

    @Test("where nobody judged anything, keys are those of before there was such an input, whatever the recipe says of its use")
    func unchanged() throws {
        #expect(try run([EarlierStep()]) == 1)
        for use in LearningStep.Use.allCases {
            #expect(try !plan([LearningStep()], ["learning.use": use.rawValue]).hasWork, "\(use)")
        }
        // Of tomograms that are not in the training set nothing is asked.
        _ = try judge(c, x: 1, .accepted)
        #expect(try !plan([LearningStep()]).hasWork)
        _ = try judge(b, x: 1, .accepted)
        #expect(try plan([LearningStep()]).hasWork)
        // And where the recipe does not ask.
        #expect(try !plan([LearningStep()], ["learning.use": "off"]).hasWork)
    }

    @Test("verdicts make stale what learned from them, and what returns is found again")
    func verdicts() throws {
        #expect(try run([LearningStep()]) == 1)
        #expect(try said() == "\"first\"")
        _ = try judge(b, x: 2, .accepted)
        let first = try judge(a, x: 3, .rejected)
        #expect(try run([LearningStep()]) == 1)
        #expect(try said() == "\"ground toys/a: ribosome 3 rejected; toys/b: ribosome 2 accepted\"")
        // By class and position, in whatever order they were given.
        _ = try judge(a, x: 1, .added)
        #expect(try run([LearningStep()]) == 1)
        #expect(try said() == "\"ground toys/a: ribosome 1 added, ribosome 3 rejected; toys/b: ribosome 2 accepted\"")
        // Who said so, and when, is nothing that a result depends on.
        try toys.catalog.collection.removeCuration(ids: [first])
        _ = try judge(a, x: 3, .rejected, by: "somebody else")
        #expect(try !plan([LearningStep()]).hasWork)
        #expect(try run([LearningStep()], ["learning.use": "ignored"]) == 1)
        #expect(try run([LearningStep()], ["learning.use": "off"]) == 0)
        #expect(try said() == "\"first\"")
        #expect(try run([LearningStep()]) == 0)
        let trained = try toys.catalog.collection.curation(ofTomogram: b).count
        #expect(trained == 1)
    }

    @Test("why names the tomogram, and what was said before and now")
    func why() throws {
        _ = try run([LearningStep()])
        let first = try judge(a, x: 1, .rejected)
        #expect(try reasons() == ["curated particles [toys/a]: none → 1 rejected"])
        _ = try run([LearningStep()])
        _ = try judge(a, x: 2, .accepted)
        #expect(try reasons() == ["curated particles [toys/a]: 1 rejected → 1 accepted, 1 rejected"])
        #expect(try reasons(["learning.use": "ignored"]).contains("recipe learning.use: ground → ignored"))
        try toys.catalog.collection.removeCuration(ids: [first])
        _ = try run([LearningStep()])
        let other = try judge(a, x: 3, .accepted)
        let second = try #require(try toys.catalog.collection.curation(ofTomogram: a).first?.id)
        try toys.catalog.collection.removeCuration(ids: [second])
        #expect(try reasons() == ["curated particles [toys/a]: others, again 1 accepted"])
        _ = try run([LearningStep()])
        // As at the beginning: an earlier result is found again.
        let off = try reasons(["learning.use": "off"])
        #expect(off.contains("recipe learning.use: ground → off"), "\(off)")
        #expect(off.contains("curated particles [toys/a]: 1 accepted → none"), "\(off)")
        try toys.catalog.collection.removeCuration(ids: [other])
        let gone = try reasons()
        #expect(gone.first == "curated particles [toys/a]: 1 accepted → none", "\(gone)")
        #expect(!gone.contains { $0.contains("learning.use") })
    }

    @Test("has to be declared, and no scope but a training set has it")
    func declared() throws {
        struct WrongStep: Step {
            let name = "wrong"
            let version = 1
            let scope = ScopeKind.tomogram
            let summary = ""
            let inputs = [StepInput.fact(.curation)]
            let outputs = [StepOutput.value("said")]
            func run(_ item: StepItem) throws {}
        }
        #expect(throws: EngineError.self) { try StepGraph([WrongStep()]) }
    }
}
