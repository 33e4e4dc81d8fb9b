import TestSupport
import Testing

@testable import cellar

/// An empty project in a folder of its own, and commands on it in the process of the test.
struct CommandScene {
    /// The exit code of a command, and what it printed.
    typealias Result = (status: Int32, output: String, errors: String)

    let directory: TemporaryDirectory
    private let catalog: String

    init() throws {
        directory = try TemporaryDirectory()
        catalog = directory.file("project")
        let arguments = ["init", catalog]
        #expect(OutputStreams.collecting { CellarCommand.exitCode(of: arguments) }.0 == 0)
    }

    func run(_ arguments: String...) -> Result { run(arguments) }

    func run(_ arguments: [String]) -> Result {
        let (status, output, errors) = OutputStreams.collecting {
            CellarCommand.exitCode(of: arguments + ["--catalog", catalog])
        }
        return (status, output, errors)
    }
}
