import Catalog
import CatalogSchema
import Testing
import ToySteps

@testable import Engine

/// A step that reads what was trained only where the recipe says so.
private struct Marking: Step {
    static let network = StepInput.output(of: "train", named: "network")

    let name = "mark"
    let version = 1
    let scope = ScopeKind.tomogram
    let summary = ""
    let parameters = [ParameterDeclaration.choice("network", default: "trained", of: ["trained", "builtin", "both"], "")]
    let inputs = [StepInput.fact(.declaredVoxelSize), Marking.network]
    let conditions = [InputCondition(Marking.network, parameter: "network", needs: ["builtin": .never, "both": .whereThere])]
    let outputs = [StepOutput.value("mark")]

    func run(_ item: StepItem) throws {
        let trained = item.reads(Marking.network) ? try item.value(of: "train", named: "network") : "nothing trained"
        // What the recipe says that it does not read, it cannot read.
        if !item.reads(Marking.network) {
            #expect(throws: EngineError.self) { try item.value(of: "train", named: "network") as String }
        }
        try item.give("mark", value: "\(try item.text("network")): \(trained)")
    }
}

/// A training whose result is the recipe's word.
private struct Training: Step {
    let name = "train"
    let version = 1
    let scope = ScopeKind.trainingSet
    let summary = ""
    let parameters = [ParameterDeclaration.text("word", default: "first", "")]
    let inputs = [StepInput.fact(.annotation)]
    let outputs = [StepOutput.value("network")]

    func run(_ item: StepItem) throws { try item.give("network", value: item.text("word")) }
}

/// Gives the recipe's word, where ``EchoStep`` listens.
private struct WordStep: TypedStep {
    static let name = "word"
    static let version = 1
    static let scope = ScopeKind.tomogram
    static let summary = ""
    static let runsOnlyWhereRead = true

    struct Parameters: Sendable { let word = Parameter.text("word", default: "first", "") }
    struct Inputs: Sendable { let voxelSize = Input.declaredVoxelSize }
    struct Outputs: Sendable { let word = ValueOutput<String>("word") }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws { try item.give(\.word, item.parameters.word) }
}

/// Repeats it, unless the recipe says that it does not listen.
private struct EchoStep: TypedStep {
    static let name = "echo"
    static let version = 1
    static let scope = ScopeKind.tomogram
    static let summary = ""

    struct Parameters: Sendable { let listens = Parameter.flag("listens", default: true, "") }
    struct Inputs: Sendable {
        let voxelSize = Input.declaredVoxelSize
        let word = Input(WordStep.self, \.word, by: "listens", needs: ["false": .never])
    }
    struct Outputs: Sendable { let echo = ValueOutput<String>("echo") }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws { try item.give(\.echo, item.inputs.word ?? "nothing") }
}

@Suite("An input that is needed only sometimes") struct OptionalInputTests {
    private let toys: ToyCollection
    private let graph: StepGraph
    private let slab: Int64

    init() throws {
        toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha", voxelSize: 10)
        slab = try #require(try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2).id)
        graph = try StepGraph([Marking(), Training()])
    }

    private func recipe(_ choice: String, word: String = "first") throws -> Recipe {
        var recipe = Recipe(steps: graph.steps)
        try recipe.set("mark.network", to: choice)
        try recipe.set("train.word", to: word)
        return recipe
    }

    /// The steps of the items that were computed, with the values of their marks.
    private func run(_ recipe: Recipe, until last: String? = nil) throws -> [String] {
        let steps = try last.map { try graph.adapted(to: recipe).upTo($0) } ?? graph
        let plan = try Planner(toys.catalog, graph: steps, recipe: recipe).plan()
        let report = try Runner(toys.catalog, store: toys.store, graph: steps, recipe: recipe).run()
        #expect(report?.failures.isEmpty ?? true)
        #expect(try !Planner(toys.catalog, graph: steps, recipe: recipe).plan().hasWork)
        return plan.summaries.filter { $0.stale + $0.waiting > 0 }.map(\.step)
    }

    @Test("without a training set the step runs where it may do without, and waits for none")
    func noSet() throws {
        #expect(try run(recipe("trained")) == [])
        #expect(
            try Planner(toys.catalog, graph: graph, recipe: recipe("trained")).plan().stepsWithoutTrainingSet == [
                "train", "mark",
            ])
        #expect(try run(recipe("both")) == ["mark"])
        #expect(try toys.results()["mark toys/a mark"] == "both: nothing trained")
        #expect(try Planner(toys.catalog, graph: graph, recipe: recipe("both")).plan().stepsWithoutTrainingSet == ["train"])
        #expect(try run(recipe("builtin")) == ["mark"])
    }

    @Test("with a training set it reads what was trained, unless the recipe says that it never does")
    func set() throws {
        #expect(try run(recipe("both")) == ["mark"])
        try toys.train("set", slabs: [slab])
        #expect(try run(recipe("both")) == ["train", "mark"])
        #expect(try toys.results()["mark toys/a mark"] == "both: first")
        #expect(try run(recipe("builtin")) == ["mark"])
        #expect(try toys.results()["mark toys/a mark"] == "builtin: nothing trained")
        // Another training makes nothing stale that does not read it.
        #expect(try run(recipe("builtin", word: "second")) == ["train"])
        #expect(try run(recipe("builtin", word: "third"), until: "mark") == [])
        #expect(try run(recipe("trained", word: "third")) == ["train", "mark"])
        #expect(try toys.results()["mark toys/a mark"] == "trained: third")
        // And the way back is found again.
        #expect(try run(recipe("builtin", word: "third")) == [])
        #expect(try toys.results()["mark toys/a mark"] == "builtin: nothing trained")
    }

    @Test("a value may be such an input, and a flag may decide")
    func value() throws {
        let graph = try StepGraph([WordStep(), EchoStep()])
        func run(_ word: String, listens: Bool) throws -> [String] {
            var recipe = Recipe(steps: graph.steps)
            try recipe.set("word.word", to: word)
            try recipe.set("echo.listens", to: "\(listens)")
            let plan = try Planner(toys.catalog, graph: graph, recipe: recipe).plan()
            _ = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: recipe).run()
            return plan.summaries.filter { $0.stale + $0.waiting > 0 }.map(\.step)
        }
        #expect(try run("first", listens: true) == ["word", "echo"])
        #expect(try toys.results()["echo toys/a echo"] == "first")
        #expect(try run("second", listens: true) == ["word", "echo"])
        #expect(try toys.results()["echo toys/a echo"] == "second")
        #expect(try run("second", listens: false) == ["echo"])
        #expect(try toys.results()["echo toys/a echo"] == "nothing")
        // What is not read makes nothing stale, and does not run.
        #expect(try run("third", listens: false) == [])
    }

    @Test("a step that serves others runs only where it is read, or asked for by name")
    func onlyWhereRead() throws {
        let graph = try StepGraph([WordStep(), EchoStep()])
        func steps(listens: Bool, until last: String? = nil) throws -> [String] {
            var recipe = Recipe(steps: graph.steps)
            try recipe.set("echo.listens", to: "\(listens)")
            // Adapted twice, as a plan of adapted steps is.
            return try graph.adapted(to: recipe, until: last).adapted(to: recipe).steps.map(\.name)
        }
        #expect(try steps(listens: true) == ["word", "echo"])
        #expect(try steps(listens: false) == ["echo"])
        #expect(try steps(listens: false, until: "word") == ["word"])
        #expect(try steps(listens: true, until: "word") == ["word"])
        #expect(throws: EngineError.self) { try steps(listens: true, until: "nobody") }
    }

    @Test("a plan says on which scopes a step is fresh")
    func fresh() throws {
        let other = try toys.add("b", text: "beta", voxelSize: 10)
        let graph = try StepGraph([WordStep(), EchoStep()])
        var recipe = Recipe(steps: graph.steps)
        func fresh(_ step: String) throws -> Set<Int64> {
            try Planner(toys.catalog, graph: graph, recipe: recipe).plan().freshScopes(of: step)
        }
        #expect(try fresh("word") == [])
        _ = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: recipe).run(selection: [other])
        #expect(try fresh("word") == [other] && fresh("echo") == [other] && fresh("nothing") == [])
        try recipe.set("word.word", to: "second")
        #expect(try fresh("word") == [])
    }

    @Test("why names what changed, also where an input came or went")
    func why() throws {
        _ = try run(recipe("both"))
        try toys.train("set", slabs: [slab])
        _ = try run(recipe("both"))
        let explanation = try Explainer(toys.catalog, graph: graph, recipe: recipe("builtin")).explain(tomogramID: 1)
        let group = try #require(explanation.groups.first { $0.step == "mark" })
        #expect(group.state == .stale && group.reasons.contains { $0.contains("network: both → builtin") }, "\(group)")
    }
}
