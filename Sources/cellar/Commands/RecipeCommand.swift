import ArgumentParser
import CellarKit
import Foundation

struct RecipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe", abstract: "Show and change the parameters of the steps.",
        subcommands: [Show.self, Set.self, Preset.self, Check.self, Diff.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show every parameter: its value, and what it means.")

        @OptionGroup var formatOptions: FormatOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let recipe = try catalogOptions.open().recipe()
            var printer = RowPrinter(formatOptions.format, columns: ["parameter", "value", "default", "meaning"])
            for entry in recipe.entries {
                let value = recipe[entry.key]?.text ?? ""
                let isDefault = recipe[entry.key] == entry.parameter.defaultValue
                printer.add([
                    .text(entry.key), .text(value),
                    .text(isDefault && formatOptions.format == .table ? "=" : entry.parameter.defaultValue.text),
                    .text("\(entry.parameter.summary); \(entry.parameter.expectation)"),
                ])
            }
            printer.finish()
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set parameters, all or none, and keep the rest of the file as it is.")

        @Argument(help: ArgumentHelp("Parameters with their new values.", valueName: "key=value"))
        var assignments: [String]

        @OptionGroup var catalogOptions: CatalogOptions

        func validate() throws {
            if let bad = assignments.first(where: { !$0.contains("=") }) {
                throw ValidationError("\(bad) has no =; write KEY=VALUE.")
            }
        }

        func run() throws {
            try RecipeCommand.set(
                assignments.map { assignment in
                    let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                    return (parts[0], parts[1])
                }, in: catalogOptions.open())
        }
    }

    /// Sets parameters, all or none, and prints those that changed by it.
    private static func set(_ assignments: [(key: String, value: String)], in project: Project) throws {
        let (before, after) = try project.recipeFile.set(assignments, for: project.graph.steps)
        for entry in after.entries where before[entry.key] != after[entry.key] {
            print("\(entry.key): \(before[entry.key]?.text ?? "") → \(after[entry.key]?.text ?? "")")
        }
    }

    struct Preset: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set the parameters of a preset, or list presets.",
            discussion: """
                default is what measured best over simulated seeds and noise, and what `cellar init` begins with; fast looks at every second slice \
                only, in numbers of 16 bits, quick has networks that train in minutes, paper the published parameters. All presets set the same parameters, and leave the others alone: features.model as well.
                """)

        @Argument(help: "The preset; without one, presets and what they set are listed.")
        var name: String?

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            guard let name else {
                for preset in RecipePreset.all {
                    print("\(preset.name): \(preset.summary)")
                    for (key, value) in preset.assignments(for: Recipe(steps: project.graph.steps)) {
                        print("  \(key)=\(value)")
                    }
                }
                return
            }
            guard let preset = RecipePreset.all.first(where: { $0.name == name }) else {
                let names = RecipePreset.all.map(\.name).joined(separator: ", ")
                throw ValidationError("There is no preset \(name); choose one of \(names).")
            }
            try RecipeCommand.set(preset.assignments(for: Recipe(steps: project.graph.steps)), in: project)
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check that the recipe is understood.")

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            let recipe = try project.recipe()
            // A plan of nothing resolves the models that the recipe names.
            _ = try project.plan(tomograms: [])
            let changed = recipe.differencesFromDefaults.count
            print("\(project.recipeFile.path): \(recipe.entries.count) parameters, \(changed) other than the default")
        }
    }

    struct Diff: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what differs from the recipe of the last run.")

        @Flag(help: "Compare with the defaults instead.")
        var defaults = false

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            let recipe = try project.recipe()
            let differences =
                if defaults {
                    recipe.differencesFromDefaults
                } else {
                    recipe.differences(from: try project.catalog.runs.lastRecipeValues() ?? [:])
                }
            for difference in differences {
                print("\(difference.key): \(difference.old ?? "none") → \(difference.new ?? "none")")
            }
            if differences.isEmpty {
                note(defaults ? "every parameter has its default" : "nothing has changed since the last run")
            }
        }
    }
}
