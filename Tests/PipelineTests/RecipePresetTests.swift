import Engine
import TestSupport
import Testing

@testable import Pipeline

@Suite("Presets of recipes") struct RecipePresetTests {
    private let recipe = Recipe(steps: StandardSteps.all)

    @Test("every parameter that a preset names exists, and takes its value")
    func values() throws {
        for preset in RecipePreset.all {
            var changed = recipe
            for (key, value) in preset.assignments(for: recipe) { try changed.set(key, to: value) }
            #expect(changed["features.model"] == recipe["features.model"], "a preset leaves the model to the user")
        }
        let named = Set(RecipePreset.paper.assignments(for: recipe).map(\.key))
        #expect(RecipePreset.all.allSatisfy { Set($0.assignments(for: recipe).map(\.key)) == named })
        // None was dropped for want of a parameter of that name.
        #expect(RecipePreset.paper.names.isSubset(of: Set(recipe.entries.map(\.key))))
    }

    @Test("from paper back to default restores what was, and leaves other parameters alone")
    func roundTrip() throws {
        var changed = recipe
        for (key, value) in RecipePreset.standard.assignments(for: recipe) { try changed.set(key, to: value) }
        // The steps' own defaults but for the features.
        #expect(changed.differencesFromDefaults.map(\.key) == ["features.mode", "features.timesteps.count"])
        try changed.set("prepare.clahe.clip_limit", to: "3")
        let before = changed
        for preset in [RecipePreset.paper, .quick, .standard] {
            for (key, value) in preset.assignments(for: recipe) { try changed.set(key, to: value) }
            #expect((changed == before) == (preset == .standard))
        }
        #expect(before["mask.method"] == .text("otsu"))
    }

    @Test("the recipe file that a new catalog gets says every parameter once, and is read back")
    func file() throws {
        let directory = try TemporaryDirectory()
        let file = RecipeFile(path: directory.file("recipe.yaml"))
        try file.write(recipe, for: StandardSteps.all)
        #expect(try file.read(for: StandardSteps.all) == recipe)
        var changed = recipe
        for (key, value) in RecipePreset.paper.assignments(for: recipe) { try changed.set(key, to: value) }
        try file.write(changed, for: StandardSteps.all)
        #expect(try file.read(for: StandardSteps.all) == changed)
    }
}
