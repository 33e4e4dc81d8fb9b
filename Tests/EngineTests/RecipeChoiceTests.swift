import CatalogSchema
import TestSupport
import Testing
import ToySteps

@testable import Engine

private let rounds = RecipeChoice(group: "training", .integer("rounds", default: 1, in: 1...2, "how many"))

/// Gives a word of the recipe.
private struct FirstStep: TypedStep {
    static let name = "first"
    static let version = 1
    static let scope = ScopeKind.tomogram
    static let summary = "the first word"

    struct Parameters: DeclarationGroup { let word = Parameter.text("word", default: "one", "") }
    struct Inputs: Sendable { let voxelSize = Input.declaredVoxelSize }
    struct Outputs: Sendable { let word = ValueOutput<String>("word") }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws { try item.give(\.word, item.parameters.word) }
}

/// Says it twice, by the recipe's values of the first one.
private struct SecondStep: TypedStep {
    static let name = "second"
    static let version = 1
    static let scope = ScopeKind.tomogram
    static let summary = "the word, again"
    static let runsOnlyWhereRead = true
    static let recipeGroup = FirstStep.name

    struct Parameters: Sendable {
        let first = FirstStep.Parameters()
        let times = Parameter.integer("again.times", default: 2, in: 1...9, "")
    }
    struct Inputs: Sendable { let word = Input(FirstStep.self, \.word) }
    typealias Outputs = FirstStep.Outputs
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws {
        let word = try item.inputs.word
        #expect(try item.parameters.first.word == word)
        try item.give(\.word, String(repeating: word, count: item.parameters.times))
    }
}

/// Repeats the word of the last round.
private struct LastStep: TypedStep {
    static let name = "last"
    static let version = 1
    static let scope = ScopeKind.tomogram
    static let summary = "the last word"

    struct Parameters: Sendable { let listens = Parameter.flag("listens", default: true, "") }
    struct Inputs: Sendable {
        let voxelSize = Input.declaredVoxelSize
        let first = Input(FirstStep.self, \.word, by: "listens", needs: ["false": .never]).under(rounds, needs: ["2": .never])
        let second = Input(SecondStep.self, \.word, by: "listens", needs: ["false": .never]).under(rounds, needs: ["1": .never])
    }
    struct Outputs: Sendable { let word = ValueOutput<String>("word") }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws {
        let (first, second) = (try item.inputs.first, try item.inputs.second)
        try item.give(\.word, "\(first ?? "-") \(second ?? "-")")
    }
}

/// As the first one without what the second one reads.
private struct OtherStep: Step {
    let name = "other"
    let version = 1
    let scope = ScopeKind.tomogram
    let summary = ""
    var recipeGroup = "first"
    var parameters = [ParameterDeclaration.text("word", default: "two", "")]
    var conditions: [InputCondition] = []
    let inputs: [StepInput] = [.fact(.declaredVoxelSize)]
    let outputs = [StepOutput.value("word")]

    func run(_ item: StepItem) throws { try item.give("word", value: "") }
}

@Suite("A choice of the recipe that several steps share") struct RecipeChoiceTests {
    private let steps: [any Step] = [FirstStep(), SecondStep(), LastStep()]

    private func recipe(_ values: [String: String]) throws -> Recipe {
        var recipe = Recipe(steps: steps)
        for (key, value) in values { try recipe.set(key, to: value) }
        return recipe
    }

    @Test("steps are there only where it says so, and it is in no key")
    func keys() throws {
        let toys = try ToyCollection()
        _ = try toys.add("a", text: "alpha", voxelSize: 10)
        let graph = try StepGraph(steps)
        func run(_ values: [String: String]) throws -> [String] {
            let recipe = try recipe(values)
            let plan = try Planner(toys.catalog, graph: graph, recipe: recipe).plan()
            let report = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: recipe).run()
            #expect(report?.failures.isEmpty ?? true)
            return plan.summaries.filter { $0.stale + $0.waiting > 0 }.map(\.step)
        }
        #expect(try graph.adapted(to: recipe([:])).steps.map(\.name) == ["first", "last"])
        #expect(try run([:]) == ["first", "last"])
        #expect(try toys.results()["last toys/a word"] == "one -")
        #expect(try run(["training.rounds": "2"]) == ["second", "last"])
        #expect(try toys.results()["last toys/a word"] == "- oneone")
        // There and back again.
        #expect(try run([:]) == [] && run(["training.rounds": "2"]) == [])
        // Both of a group read its values; one that the second alone declares makes nothing else stale.
        #expect(try run(["training.rounds": "2", "first.again.times": "3"]) == ["second", "last"])
        #expect(try run(["first.again.times": "4"]) == [])
        #expect(try run(["training.rounds": "2", "first.word": "two"]) == ["first", "second", "last"])
        #expect(try toys.results()["last toys/a word"] == "- twotwo")
        // The other condition of the same input counts as well.
        #expect(
            try graph.adapted(to: recipe(["training.rounds": "2", "last.listens": "false"])).steps.map(\.name) == [
                "first", "last",
            ])
    }

    @Test("the recipe has each value once, in its group, and its file is read back")
    func file() throws {
        let recipe = try recipe(["training.rounds": "2", "first.again.times": "5"])
        #expect(recipe.entries.map(\.key) == ["first.word", "first.again.times", "training.rounds", "last.listens"])
        let directory = try TemporaryDirectory()
        let file = RecipeFile(path: directory.file("recipe.yaml"))
        try file.write(recipe, for: steps)
        #expect(try file.read(for: steps) == recipe)
        try file.set([(key: "training.rounds", value: "1")], for: steps)
        #expect(try file.read(for: steps)["training.rounds"] == .integer(1))
        #expect(throws: EngineError.self) { try file.set([(key: "training.rounds", value: "3")], for: steps) }
    }

    @Test("two that declare one parameter in different ways are refused, and a choice in the group of a step")
    func refused() throws {
        #expect(throws: EngineError.self) { try StepGraph([FirstStep(), OtherStep()]) }
        #expect(throws: Never.self) {
            try StepGraph([FirstStep(), OtherStep(parameters: [.text("word", default: "one", "")])])
        }
        let choice = RecipeChoice(group: "first", .integer("rounds", default: 1, in: 1...2, ""))
        let condition = InputCondition(.fact(.declaredVoxelSize), choice: choice, needs: [:])
        #expect(throws: EngineError.self) {
            try StepGraph([FirstStep(), OtherStep(recipeGroup: "other", conditions: [condition])])
        }
    }
}
