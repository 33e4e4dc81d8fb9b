import Foundation
public import Testing

/// The Python of the machine: `CELLAR_TEST_PYTHON`, else `python3`. Tests that compare with packages of the field run where it has them,
/// and skip elsewhere:
///
/// ```swift
/// @Suite("h5py", .enabled(if: PythonProgram.has("h5py"), PythonProgram.absence))
/// ```
public enum PythonProgram {
    /// Why a test skips.
    public static let absence: Comment = "python3 (or CELLAR_TEST_PYTHON) lacks the modules that this test compares with"

    /// A script that failed.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Whether all modules can be imported.
    public static func has(_ modules: String...) -> Bool {
        (try? run(["-c", "import " + modules.joined(separator: ", ")])) != nil
    }

    /// Runs Python with arguments, and returns what it printed.
    ///
    /// - Throws: ``Failure`` with all that it printed, where it did not exit with 0.
    @discardableResult
    public static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [ProcessInfo.processInfo.environment["CELLAR_TEST_PYTHON"] ?? "python3"] + arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // What a script says beside its output is short: it fits the pipe while the output is read.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: text + complaints) }
        return text
    }
}
