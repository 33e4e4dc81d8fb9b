import ArgumentParser
import CellarKit
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an empty catalog.",
        discussion: """
            Makes the folder .cellar with a database, the small models that come with the program (`cellar model list`), and a recipe that \
            uses them and says what every parameter is.

            On a file system that hosts share (NFS, Lustre, GPFS, BeeGFS, CephFS, CIFS and others) one process at a time writes a catalog, \
            and all others read the snapshots that it leaves every few seconds; `cellar doctor` says which rules hold. The environment \
            variable CELLAR_FILE_SYSTEM names the kind instead, such as nfs4, where others see the same disk through a network.
            """)

    @Argument(help: "The folder of the project.")
    var directory = "."

    @Option(
        help: ArgumentHelp(
            "A new or empty folder for the results, such as one on fast scratch; if not given, they lie in .cellar.",
            valueName: "dir"))
    var blobs: String?

    func run() throws {
        let folder = URL(fileURLWithPath: directory).appending(path: CatalogDirectory.name)
        _ = try Project.create(at: CatalogDirectory(path: folder.path), blobs: blobs)
        print("Made an empty catalog in \(folder.standardizedFileURL.path)")
        if let blobs { print("Results go to \(URL(fileURLWithPath: blobs).standardizedFileURL.path)") }
        print("Next: cellar add PATH... --dataset NAME")
    }
}
