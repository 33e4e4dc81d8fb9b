import ArgumentParser
import CellarKit
import Foundation

/// Foundation and SQLite take text: a name of other bytes would silently become the name of another file.
private func argumentsAreText() -> Bool {
    for position in 1..<max(1, Int(CommandLine.argc)) {
        guard let argument = CommandLine.unsafeArgv[position], String(validatingCString: argument) == nil else { continue }
        note("Error: Argument \(position) is not UTF-8 text: \(String(cString: argument)). Rename the file, or use a link.")
        return false
    }
    return true
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
var status = argumentsAreText() ? CellarCommand.exitCode(of: nil) : 2
if let failure = OutputStreams.standard.finish() {
    if !failure.isBrokenPipe { note("cellar: \(failure)") }
    status = 1
}
exit(status)
