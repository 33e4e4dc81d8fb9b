import Basics
import CatalogSchema
import Testing
import Volumes

@testable import Engine

/// Keys are kept for years: a key that changes by accident makes whole collections stale.
@Suite("A key") struct KeyTests {
    private struct Fixed: Step {
        var name = "prepare"
        var version = 3
        var scope = ScopeKind.slice
        var parameters = [
            ParameterDeclaration.real("clahe.clip_limit", default: 2, in: 0...10, ""), .text("note", default: "plain", ""),
            .model("model", kind: "diffusion", default: "sd", ""),
        ]
        var inputs = [StepInput.fact(.z), .output(of: "describe", named: "voxels")]
        var outputs = [StepOutput.artifact("slice", evictable: true), .value("contrast")]
        let summary = ""

        func run(_ item: StepItem) {}
    }

    private func model(_ content: String) -> ModelRecord {
        ModelRecord(name: "sd", kind: "diffusion", path: "/models/sd", digest: Digest(of: content.utf8), addedAt: "")
    }

    private func key(
        _ step: Fixed = Fixed(), set: [(String, String)] = [], model content: String = "weights",
        inputs: [String] = ["z", "voxels"]
    ) throws -> Digest {
        var recipe = Recipe(steps: [step])
        for (key, word) in set { try recipe.set(key, to: word) }
        let setup = try StepSetup(step, recipe: recipe, models: ["sd": model(content)])
        return setup.key(inputs: inputs.map { Digest(of: $0.utf8) })
    }

    @Test("of a fixed configuration never changes")
    func golden() throws {
        let today = try key().hexadecimal
        #expect(today == "3557b84380dbf7d89702fafe02d25e30a143df41f2dcd1e01474cc49eeb4fe3d")
    }

    @Test("changes with everything that a result can depend on, and with nothing else")
    func dependence() throws {
        var keys = [try key()]
        keys.append(try key(set: [("prepare.clahe.clip_limit", "3")]))
        keys.append(try key(set: [("prepare.note", "fancy")]))
        // A text that looks like the next line of a configuration.
        keys.append(try key(set: [("prepare.note", "plain\nmodel sd=0")]))
        keys.append(try key(model: "other weights"))
        keys.append(try key(inputs: ["voxels", "z"]))
        keys.append(try key(inputs: ["z", "other voxels"]))
        keys.append(try key(inputs: ["z"]))
        for change in [
            { $0.version = 4 }, { $0.name = "prepared" }, { $0.scope = .slab }, { $0.inputs.reverse() },
            { $0.outputs.removeLast() },
            { $0.parameters.removeLast() },
        ] as [(inout Fixed) -> Void] {
            var step = Fixed()
            change(&step)
            keys.append(try key(step))
        }
        #expect(Set(keys).count == keys.count)
        #expect(try key(set: [("prepare.clahe.clip_limit", "2.00")]) == key())
        var reordered = Fixed()
        reordered.parameters.reverse()
        reordered.outputs.reverse()
        #expect(try key(reordered) == key())
    }

    @Test("is that of before a parameter came, where the parameter says what the step did then; with other values it is another")
    func impliedBefore() throws {
        var step = Fixed()
        step.parameters.append(.choice("way", default: "new", of: ["old", "new", "newest"], impliedBefore: "old", ""))
        #expect(try key(step, set: [("prepare.way", "old")]) == key())
        let keys = try [key(), key(step), key(step, set: [("prepare.way", "newest")])]
        #expect(Set(keys).count == 3)
    }

    @Test("needs the models that the recipe names")
    func models() throws {
        let step = Fixed()
        let recipe = Recipe(steps: [step])
        let error = #expect(throws: EngineError.self) { try StepSetup(step, recipe: recipe, models: [:]) }
        #expect(error?.code == .unknownModel)
        var other = model("x")
        other.kind = "cellpose"
        #expect(throws: EngineError.self) { try StepSetup(step, recipe: recipe, models: ["sd": other]) }
    }
}
