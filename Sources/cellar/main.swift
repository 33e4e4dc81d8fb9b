import ArgumentParser
import CellarKit
import Foundation

/// Runs the command line and says what went wrong.
///
/// - Returns: the exit code: 0 done, 1 something failed, 2 usage, 3 `plan --check` found work.
private func exitCode() -> Int32 {
    do {
        try checkArgumentsAreText()
        var command = try CellarCommand.parseAsRoot()
        try command.run()
        return 0
    } catch let code as ExitCode {
        return code.rawValue
    } catch is OutputError {
        // Said below, with those that did not end the command.
        return 1
    } catch {
        switch CellarCommand.exitCode(for: error) {
        case .failure:
            note("cellar: \(error.sentence)")
            return 1
        case .success:
            print(CellarCommand.fullMessage(for: error))
            return 0
        default:
            note(CellarCommand.fullMessage(for: error))
            return 2
        }
    }
}

/// Foundation and SQLite take text: a name of other bytes would silently become the name of another file.
private func checkArgumentsAreText() throws {
    for position in 1..<max(1, Int(CommandLine.argc)) {
        guard let argument = CommandLine.unsafeArgv[position], String(validatingCString: argument) == nil else { continue }
        throw ValidationError(
            "Argument \(position) is not UTF-8 text: \(String(cString: argument)). Rename the file, or use a link.")
    }
}

/// A descriptor that the caller closed would be given to the next file that is opened, such as the database, and output would
/// go into it. `/dev/null`, open only for reading, takes its place: writing to it is an error.
private func occupyStandardDescriptors() {
    var descriptor: Int32
    repeat { descriptor = open("/dev/null", O_RDONLY) } while (0...STDERR_FILENO).contains(descriptor)
    if descriptor > STDERR_FILENO { close(descriptor) }
}

occupyStandardDescriptors()
// A reader that has gone is then an error of write(2), after which a run still finishes its transaction.
signal(SIGPIPE, SIG_IGN)
var status = exitCode()
if let failure = OutputStreams.standard.finish() {
    if !failure.isBrokenPipe { note("cellar: \(failure)") }
    status = 1
}
exit(status)
