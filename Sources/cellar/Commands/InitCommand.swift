import ArgumentParser
import CellarKit
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an empty catalog.",
        discussion: """
            Makes the folder .cellar with a database, a recipe that says what every parameter is, and the small models that come with the \
            program (`cellar model list`).
            """)

    @Argument(help: "The folder of the project.")
    var directory = "."

    func run() throws {
        let folder = URL(fileURLWithPath: directory).appending(path: CatalogDirectory.name)
        let catalog = try Catalog.create(at: CatalogDirectory(path: folder.path))
        try RecipeFile(path: catalog.directory.recipe).writeDefaults(for: StepGraph(StandardSteps.all).steps)
        try BuiltinInstallation.run(in: catalog)
        print("Made an empty catalog in \(catalog.directory.path)")
        print("Next: cellar add PATH... --dataset NAME")
    }
}
