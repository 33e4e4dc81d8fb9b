import ArgumentParser
import CellarKit

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the catalog to a new folder, even while a run goes on.",
        discussion: """
            The copy is a catalog of its own, which needs nothing of this one: database, recipe, receipts, the models that lie in the \
            catalog, and every artifact that cannot be dropped. Evictable artifacts are marked as dropped there, and computed again \
            should they be needed. Tomograms, annotations' files and models that lie elsewhere are not copied.
            """)

    @Argument(help: "A new folder.")
    var destination: String

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let outputs = try OutputFiles(at: destination, knownTo: project.directory, areReplaced: false)
        let count = try project.backup(to: destination, writing: outputs)
        print("Copied the catalog and \(count) artifacts to \(destination)")
    }
}
