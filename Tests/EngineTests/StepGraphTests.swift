import Basics
import CatalogSchema
import Engine
import Testing

/// A step that is only declared.
private struct Declared: Step {
    var name: String
    var scope = ScopeKind.tomogram
    var parameters: [ParameterDeclaration] = []
    var inputs: [StepInput] = []
    var outputs = [StepOutput.value("out")]
    let version = 1
    let summary = ""

    func run(_ item: StepItem) {}
}

@Suite("A graph of steps") struct StepGraphTests {
    private func refusal(of steps: [Declared]) -> EngineError? {
        let error = #expect(throws: EngineError.self) { try StepGraph(steps) }
        #expect(error?.code == .invalidSteps)
        return error
    }

    private func reading(_ name: String, _ producers: String..., scope: ScopeKind = .tomogram) -> Declared {
        Declared(name: name, scope: scope, inputs: producers.map { .output(of: $0, named: "out") })
    }

    @Test("puts each step behind all that it reads from, whatever the order they came in")
    func order() throws {
        let steps = [reading("d", "b", "c"), reading("b", "a"), reading("c", "a", "b"), reading("a")]
        for shift in steps.indices {
            let graph = try StepGraph(Array(steps[shift...] + steps[..<shift]))
            #expect(graph.steps.map(\.name) == ["a", "b", "c", "d"])
        }
        let graph = try StepGraph(steps + [reading("alone")])
        #expect(try graph.upTo("b").steps.map(\.name) == ["a", "b"])
        #expect(try graph.upTo("alone").steps.map(\.name) == ["alone"])
        #expect(try graph.index(of: "a") == 0)
        let unknown = #expect(throws: EngineError.self) { try graph.upTo("z") }
        #expect(unknown?.code == .unknownStep)
        #expect(unknown?.message.contains("a, alone") == true)
        #expect(try StepGraph([]).steps.isEmpty)
    }

    @Test("refuses steps that wait for one another, or for themselves")
    func cycles() {
        #expect(refusal(of: [reading("a", "a")])?.message.contains("another: a; ") == true)
        let error = refusal(of: [reading("x"), reading("a", "c", "x"), reading("b", "a"), reading("c", "b")])
        #expect(error?.message.contains("another: a, b, c; ") == true)
    }

    @Test("refuses what no step gives, and what is declared twice")
    func declarations() {
        #expect(refusal(of: [reading("a", "b")])?.message.contains("b.out") == true)
        #expect(
            refusal(of: [reading("a"), Declared(name: "b", inputs: [.output(of: "a", named: "other")])])?.message.contains(
                "a.other") == true)
        #expect(refusal(of: [reading("a"), reading("a")])?.message.contains("two steps") == true)
        let twice = "twice"
        #expect(
            refusal(of: [Declared(name: "a", outputs: [.value("x"), .artifact("x", evictable: true)])])?.message.contains(twice)
                == true)
        #expect(
            refusal(of: [Declared(name: "a", inputs: [.fact(.declaredVoxelSize), .fact(.declaredVoxelSize)])])?.message.contains(
                twice) == true)
        let parameter = ParameterDeclaration.flag("p", default: true, "")
        #expect(refusal(of: [Declared(name: "a", parameters: [parameter, parameter])])?.message.contains(twice) == true)
    }

    @Test("has one step that reads files as they are, and gives the voxels for all others")
    func voxels() throws {
        let look = Declared(name: "look", inputs: [.fact(.source)], outputs: [.voxels("v")])
        let graph = try StepGraph([Declared(name: "a", inputs: [.voxels]), look])
        #expect(graph.steps.map(\.name) == ["look", "a"])
        #expect(try graph.upTo("a").steps.count == 2)
        let touched = refusal(of: [look, Declared(name: "a", inputs: [.fact(.source)])])
        #expect(touched?.message.contains("declares the input voxels") == true)
        for other in [
            Declared(name: "second", inputs: [.fact(.source)], outputs: [.voxels("v")]),
            Declared(name: "blind", outputs: [.voxels("v")]),
        ] {
            #expect(refusal(of: [look, other])?.message.contains("given by one step") == true)
        }
        let blind = [
            Declared(name: "blind", outputs: [.voxels("v")]),
            Declared(name: "slab", scope: .slab, inputs: [.fact(.source)], outputs: [.voxels("v")]),
        ]
        for step in blind { #expect(refusal(of: [step])?.message.contains("given by one step") == true) }
    }

    @Test("refuses facts that a scope has not, and lets every scope read from every other")
    func scopes() throws {
        for scope in ScopeKind.allCases {
            for fact in StepInput.Fact.allCases {
                let isKnown =
                    switch fact {
                    // Only of the step that gives the voxels.
                    case .source: false
                    case .declaredVoxelSize: scope != .trainingSet
                    case .z: scope == .slab || scope == .slice
                    case .annotation: scope == .annotation || scope == .trainingSet
                    case .curation: scope == .trainingSet
                    }
                let step = Declared(name: "a", scope: scope, inputs: [.fact(fact)])
                if isKnown { _ = try StepGraph([step]) } else { #expect(refusal(of: [step]) != nil) }
            }
            let opener = Declared(name: "b", scope: scope, inputs: [.voxels])
            #expect(refusal(of: [opener])?.message.contains("no step gives") == true)
            _ = try StepGraph([opener, Declared(name: "a", inputs: [.fact(.source)], outputs: [.voxels("v")])])
            for other in ScopeKind.allCases {
                // Any scope may read from any other.
                _ = try StepGraph([Declared(name: "a", scope: other), reading("b", "a", scope: scope)])
            }
        }
    }
}
