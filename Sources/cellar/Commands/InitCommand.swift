import ArgumentParser
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
        _ = try Project.create(at: CatalogDirectory(path: folder.path))
        print("Made an empty catalog in \(folder.standardizedFileURL.path)")
        print("Next: cellar add PATH... --dataset NAME")
    }
}
