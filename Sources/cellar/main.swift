import ArgumentParser
import Foundation

// The one place where errors become exit codes: 0 done, 1 something failed, 2 usage, 3 `plan --check` found work.
do {
    var command = try CellarCommand.parseAsRoot()
    try command.run()
} catch let code as ExitCode {
    exit(code.rawValue)
} catch {
    let isParserMatter = CellarCommand.exitCode(for: error) != .failure
    if isParserMatter {
        let text = CellarCommand.fullMessage(for: error)
        let isHelp = CellarCommand.exitCode(for: error) == .success
        (isHelp ? FileHandle.standardOutput : .standardError).write(Data((text + "\n").utf8))
        exit(isHelp ? 0 : 2)
    }
    FileHandle.standardError.write(Data("cellar: \(error)\n".utf8))
    exit(1)
}
