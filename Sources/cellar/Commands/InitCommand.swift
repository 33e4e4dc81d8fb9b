import ArgumentParser
import BuiltinModels
import CellarKit
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an empty catalog.",
        discussion: """
            Makes the folder .cellar with a database, the small models that come with the program (`cellar model list`), and a recipe that \
            uses them and says what every parameter is.
            """)

    @Argument(help: "The folder of the project.")
    var directory = "."

    func run() throws {
        let folder = URL(fileURLWithPath: directory).appending(path: CatalogDirectory.name)
        // Who made the folder removes it where something fails, so that this command can be given again.
        let isNew = access(folder.path, F_OK) != 0 && errno == ENOENT
        do {
            try fill(CatalogDirectory(path: folder.path))
        } catch {
            if isNew { try? FileManager.default.removeItem(at: folder) }
            throw error
        }
        print("Made an empty catalog in \(folder.standardizedFileURL.path)")
        print("Next: cellar add PATH... --dataset NAME")
    }

    private func fill(_ directory: CatalogDirectory) throws {
        let catalog = try Catalog.create(at: directory)
        try BuiltinInstallation.run(in: catalog)
        let steps = try StepGraph(StandardSteps.all).steps
        var recipe = Recipe(steps: steps)
        try recipe.set("features.model", to: BuiltinModel.diffusion.name)
        for (key, value) in RecipePreset.standard.assignments(for: recipe) { try recipe.set(key, to: value) }
        try RecipeFile(path: directory.recipe).write(recipe, for: steps)
    }
}
