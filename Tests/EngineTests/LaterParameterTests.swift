import Catalog
import CatalogSchema
import Testing
import ToySteps

@testable import Engine

/// A step before and after it got a parameter.
private struct Growing: Step {
    let name = "grow"
    let version = 1
    let scope = ScopeKind.tomogram
    let summary = ""
    let parameters: [ParameterDeclaration]
    let inputs = [StepInput.fact(.declaredVoxelSize)]
    let outputs = [StepOutput.value("said")]

    init(isLater: Bool) {
        let word = ParameterDeclaration.text("word", default: "first", "")
        parameters = isLater ? [word, .choice("way", default: "old", of: ["old", "new"], impliedBefore: "old", "")] : [word]
    }

    func run(_ item: StepItem) throws { try item.give("said", value: item.text("word")) }
}

@Suite("A parameter that came later") struct LaterParameterTests {
    private let toys: ToyCollection
    private let tomogram: Int64

    init() throws {
        toys = try ToyCollection()
        tomogram = try toys.add("a", text: "alpha")
    }

    private func recipe(_ step: Growing, _ settings: [String: String]) throws -> (StepGraph, Recipe) {
        let graph = try StepGraph([step])
        var recipe = Recipe(steps: graph.steps)
        for (key, word) in settings { try recipe.set(key, to: word) }
        return (graph, recipe)
    }

    private func run(_ step: Growing, _ settings: [String: String] = [:]) throws {
        let (graph, recipe) = try recipe(step, settings)
        let report = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: recipe).run()
        #expect(report?.failures.isEmpty ?? true)
    }

    /// Why the item would be computed again; nil where it would not.
    private func reasons(_ settings: [String: String] = [:]) throws -> [String]? {
        let (graph, recipe) = try recipe(Growing(isLater: true), settings)
        guard try Planner(toys.catalog, graph: graph, recipe: recipe).plan().hasWork else { return nil }
        return try Explainer(toys.catalog, graph: graph, recipe: recipe).explain(tomogramID: tomogram).groups.flatMap(\.reasons)
    }

    @Test("leaves results fresh, and is named where it changes, and only then")
    func reasonsOfChanges() throws {
        try run(Growing(isLater: false))
        #expect(try reasons() == nil)
        #expect(try #require(try reasons(["grow.way": "new"])) == ["recipe grow.way: old → new"])
        #expect(try #require(try reasons(["grow.word": "second"])) == ["recipe grow.word: first → second"])
        try run(Growing(isLater: true), ["grow.way": "new"])
        // With the first word the result from before would be found again.
        #expect(
            try #require(try reasons(["grow.word": "third"])) == [
                "recipe grow.way: new → old", "recipe grow.word: first → third",
            ])
        #expect(try #require(try reasons(["grow.way": "new", "grow.word": "second"])) == ["recipe grow.word: first → second"])
    }

    @Test("differs from an earlier recipe only where its value does")
    func differences() throws {
        let (_, before) = try recipe(Growing(isLater: false), [:])
        let (_, same) = try recipe(Growing(isLater: true), [:])
        #expect(same.differences(from: before.texts).isEmpty)
        let (_, other) = try recipe(Growing(isLater: true), ["grow.way": "new"])
        let found = other.differences(from: before.texts)
        #expect(found.map(\.key) == ["grow.way"])
        #expect(found.first?.old == "old" && found.first?.new == "new")
    }
}
