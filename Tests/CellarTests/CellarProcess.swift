import Foundation
import TestSupport
import Testing

/// The built program, run as a person runs it.
struct CellarProcess {
    struct Result {
        var output: String
        var errors: String
        var status: Int32
    }

    /// The folder in which commands run.
    let folder: String
    private let directory: TemporaryDirectory?
    /// Variables beside those of the test.
    var variables: [String: String] = [:]

    /// - Parameter directory: where commands run; it lives as long as this.
    init(in directory: TemporaryDirectory) {
        self.directory = directory
        folder = directory.path
    }

    init(folder: String) {
        directory = nil
        self.folder = folder
    }

    /// The program lies beside the test bundle.
    static var executable: URL {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "cellar")
    }

    /// The variables in which commands run: those of the test, but for what they would ask.
    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["CELLAR_CATALOG"] = nil
        environment["NO_COLOR"] = "1"
        return environment.merging(variables) { $1 }
    }

    /// A command that has yet to be run, for what `Process` cannot do.
    func program(_ arguments: [String]) -> SpawnedProgram {
        var program = SpawnedProgram(Self.executable.path, arguments.map { Array($0.utf8) }, in: folder)
        program.environment = environment
        return program
    }

    func start(_ arguments: [String]) throws -> (process: Process, output: Pipe, errors: Pipe) {
        try start(running: [Self.executable.path] + arguments)
    }

    /// Starts any program, by its name or path.
    private func start(running words: [String]) throws -> (process: Process, output: Pipe, errors: Pipe) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = environment
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return (process, output, errors)
    }

    /// Runs a command to its end.
    func callAsFunction(_ arguments: String...) throws -> Result { try self(arguments) }

    func callAsFunction(_ arguments: [String]) throws -> Result { try self(running: [Self.executable.path] + arguments) }

    /// Runs any program to its end, by its name or path.
    func callAsFunction(running words: [String]) throws -> Result {
        let (process, output, errors) = try start(running: words)
        // Little is written to the error stream: reading one after the other cannot block.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit, "\(words.joined(separator: " ")) was ended by a signal")
        return Result(output: text, errors: errorText, status: process.terminationStatus)
    }
}
