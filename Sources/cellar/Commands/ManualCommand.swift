import ArgumentParser

/// Packaging calls it; people read the pages with man(1).
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Print a manual page for every command, as man(1) reads them.",
        discussion: "`make install` makes files of them: before each page stands the name of its file, in a comment.",
        shouldDisplay: false)

    func run() throws {
        for page in try ManualPage.all(of: CellarCommand._dumpHelp(), version: CellarCommand.version) {
            print(".\\\" file \(page.fileName)\n\(page.text)", terminator: "")
        }
    }
}
