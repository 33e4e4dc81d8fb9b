import TestSupport
import Testing

@testable import Engine
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

    /// The papers need these and name no number, or do not need them and they change no result of the others.
    private static let silent: Set = [
        // How the slice is made, and what is looked for in it: the data's.
        "prepare.density.lower_percentile", "prepare.density.upper_percentile", "prepare.density.structures",
        "prepare.clahe.clip_limit", "prepare.clahe.grid", "split.particle.smallest_diameter", "split.particle.largest_diameter",
        "split.cellpose.diameter", "train-membrane.classes", "train-particles.classes", "train-particles.radius",
        "centre-surface.classes",
        // How much disk results may take.
        "catalog.budget",
        // Numbers that the method needs.
        "features.timesteps.count", "features.latent", "feature-map.diversity.patch", "feature-map.merge.similarity",
        "feature-map.merge.threshold", "mask.smoothing.size", "mask.smoothing.sigma", "link.overlap",
        "train-membrane.network.width", "train-membrane.network.levels", "train-membrane.network.normalization",
        "train-membrane.network.upsampling", "train-membrane.patch.size", "train-membrane.epoch.steps",
        "train-membrane.epoch.count", "train-membrane.batch", "train-membrane.optimizer.learning_rate",
        "train-membrane.validation.part", "train-membrane.validation.batches", "train-particles.patch.turned",
        "train-particles.epoch.steps", "train-particles.validation.part", "train-particles.validation.batches",
        // Of ways that are not gone: structure, tokens, intensity, the guided filter, the watershed, and the sizes of pieces that
        // are dropped.
        "features.tokens.rank", "eigenvectors.bandwidth", "feature-map.smoothing", "feature-map.upsampling.radius",
        "feature-map.upsampling.epsilon", "split.watershed.neck", "split.watershed.body",
        "split.watershed.closing", "split.watershed.smoothing", "split.membrane.thickness",
        // Of what several sources say, where the method has one, and of later rounds, where it has none.
        "pseudo-labels.agreement", "pseudo-labels.particle.distance", "pseudo-labels.membrane.band",
        "pseudo-labels.teacher.networks", "pseudo-labels.teacher.averaging", "pseudo-labels.teacher.voxel_size_tolerance",
        "pseudo-labels.teacher.scale_limit", "pseudo-labels.teacher.doubt", "pseudo-labels.teacher.score",
        "pseudo-labels.teacher.sure_membrane", "pseudo-labels.teacher.sure_particle",
        "train-membrane.rounds.tolerance", "train-particles.rounds.tolerance",
        "mask.outside_margin", "segment.outside_margin", "pick.outside_margin", "pseudo-labels.outside_margin",
        // How it is computed and written.
        "features.precision", "features.seed", "eigenvectors.seed", "train-membrane.seed", "train-particles.seed",
        "segment.block", "segment.margin", "segment.taper", "segment.voxel_size_tolerance", "pick.voxel_size_tolerance",
        "train-membrane.voxel_size_tolerance", "train-particles.voxel_size_tolerance",
    ]

    @Test("paper sets every parameter to what is published, or to off, unless the papers need a number and name none")
    func paper() throws {
        // What measures and compares is beside the method, and so are the other sources of labels, which it does not ask.
        let keys = recipe.entries.filter { entry in
            ![
                "measure", "evaluate", "extent", "compartments", "descriptors", "model-labels", "sheets", "blobs",
            ].contains { entry.step.hasPrefix($0) } && !entry.parameter.isModel
        }.map(\.key)
        let (published, off) = (Set(RecipePreset.published.keys), Set(RecipePreset.additionsOff.keys))
        #expect(published.isDisjoint(with: off) && Self.silent.isDisjoint(with: published.union(off)))
        for key in keys {
            #expect(published.contains(key) || off.contains(key) || Self.silent.contains(key), "nobody has decided on \(key)")
        }
        #expect(Self.silent.isSubset(of: keys))
        var paper = recipe
        for (key, value) in RecipePreset.paper.assignments(for: recipe) { try paper.set(key, to: value) }
        // Gates, least sizes and scores, cuts and joins, wherever a step has any.
        let additions = [
            "gate.", "smallest", "largest", "shortest", "flattest", "longest", "widest", "waist", "gap", "separation",
        ]
        for key in keys where !Self.silent.contains(key) && additions.contains(where: key.contains) {
            #expect(paper[key] == .real(0) || paper[key] == .integer(0), "\(key)")
        }
        for key in ["pick.score", "link.particle.confidence", "eigenvectors.cutoff", "train-membrane.patch.foreground"] {
            #expect(paper[key] == .real(0), "\(key)")
        }
        for key in ["split.membrane.closing", "split.membrane.dilation"] { #expect(paper[key] == .integer(1), "\(key)") }
        // And what was ours before is not.
        #expect(recipe["split.membrane.dilation"] == .integer(0) && recipe["split.gate.fill"] == .real(0.6))
    }

    @Test("from paper back to default restores what was, and leaves other parameters alone")
    func roundTrip() throws {
        var changed = recipe
        for (key, value) in RecipePreset.standard.assignments(for: recipe) { try changed.set(key, to: value) }
        // The steps' own defaults but for what needs a model.
        #expect(
            changed.differencesFromDefaults.map(\.key) == [
                "features.mode", "features.timesteps.count", "pick.network", "pseudo-labels.ground",
                "pseudo-labels.sources.model",
                "pseudo-labels.sources.sheets", "pseudo-labels.trusted", "segment.network",
            ])
        try changed.set("prepare.clahe.clip_limit", to: "3")
        let before = changed
        for preset in [RecipePreset.paper, .fast, .quick, .standard] {
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

    @Test("a recipe of an earlier version keeps its values of parameters that have another name now; the new name wins")
    func renamed() throws {
        let directory = try TemporaryDirectory()
        func recipe(_ text: String) throws -> Recipe {
            try RecipeFile(path: directory.write("recipe.yaml", text.utf8)).read(for: StandardSteps.all)
        }
        let old = "pseudo-labels:\n  link:\n    gap: 5\n  particle:\n    smallest: 0.5\n  membrane:\n    smallest_volume: 7\n"
        let read = try recipe(old)
        #expect(read["link.gap"]?.text == "5" && read["link.particle.smallest"]?.text == "0.5")
        #expect(read["pseudo-labels.membrane.smallest_volume"]?.text == "7.0")
        #expect(try recipe(old + "link:\n  gap: 6\n")["link.gap"]?.text == "6")
        #expect(try recipe("link:\n  gap: 6\n" + old)["link.gap"]?.text == "6")
        // Without a value, it has its default.
        #expect(try recipe("pseudo-labels:\n  link:\n  particle:\n    smallest:\n")["link.gap"]?.text == "2")
        // Setting it writes the new name, which counts from then on.
        let file = RecipeFile(path: try directory.write("recipe.yaml", old.utf8))
        try file.set([(key: "link.gap", value: "3")], for: StandardSteps.all)
        #expect(try file.read(for: StandardSteps.all)["link.gap"]?.text == "3")
        #expect { try file.set([(key: "pseudo-labels.link.gap", value: "3")], for: StandardSteps.all) } throws: {
            "\($0)".contains("link.gap now")
        }
        // Each is renamed to a parameter that there is, and is none itself.
        let names = Set(self.recipe.entries.map(\.key))
        #expect(self.recipe.renamed.allSatisfy { !names.contains($0.key) && names.contains($0.value) })
    }

    @Test("a recipe of an earlier version, which gives a value to what is no parameter any more, is read without it")
    func retired() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("recipe.yaml", "pick:\n  block: 64\n  score: 0.8\n".utf8)
        let recipe = try RecipeFile(path: path).read(for: StandardSteps.all)
        #expect(recipe["pick.score"]?.text == "0.8" && recipe["pick.block"] == nil)
        let names = StandardSteps.all.flatMap { step in step.parameters.map { "\(step.name).\($0.name)" } }
        let retired = StandardSteps.all.flatMap { step in step.retiredParameters.map { "\(step.name).\($0)" } }
        #expect(Set(names).isDisjoint(with: retired))
    }
}
