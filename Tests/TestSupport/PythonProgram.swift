import Foundation
public import Testing

/// A Python that has the modules that a test compares with: one of those that `CELLAR_TEST_PYTHON` names, with colons between them,
/// else `python3`. Packages of the field exclude each other, so one interpreter need not have all. Tests skip where there is none:
///
/// ```swift
/// private static let python = PythonProgram(running: "import h5py")
///
/// @Test(.enabled(if: python != nil, PythonProgram.absence))
/// ```
public struct PythonProgram: Sendable {
    /// Why a test skips.
    public static let absence: Comment =
        "no Python with the modules that this test needs: `make python` installs them, and `make test` uses them"

    private let path: String

    /// A script that failed.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// The first interpreter in which a statement runs; nil where there is none.
    public init?(running statement: String) {
        let named = ProcessInfo.processInfo.environment["CELLAR_TEST_PYTHON"]?.split(separator: ":").map(String.init) ?? []
        let programs = (named + ["python3"]).map { PythonProgram(path: $0) }
        guard let program = programs.first(where: { (try? $0.run(["-c", statement])) != nil }) else { return nil }
        self = program
    }

    private init(path: String) { self.path = path }

    /// Runs Python with arguments (a path of a script, or `-c` and a script, first), and returns what it printed.
    ///
    /// - Throws: ``Failure`` with all that it printed, where it did not exit with 0.
    @discardableResult
    public func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [path, "-W", "ignore"] + arguments
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
