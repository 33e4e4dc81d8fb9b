import Foundation
import TestSupport
import Testing

@testable import Cluster

@Suite struct ClientProgramTests {
    private static func program(_ name: String, _ arguments: [String], input: String = "", seconds: Double = 30) -> ClientProgram
    {
        ClientProgram(
            name: name, arguments: arguments, input: input, environment: ["PATH": "/usr/bin:/bin", "WORD": "a b"],
            timeLimitInSeconds: seconds)
    }

    @Test("arguments, input and variables arrive as they are, without a shell between")
    func arguments() throws {
        let words = ["$HOME", "a b", "'", "\"", "`date`", "", "\\", "é\n"]
        let outcome = try Self.program("printf", ["%s|"] + words).run()
        #expect(outcome == .init(status: 0, output: words.map { $0 + "|" }.joined(), errors: ""))
        #expect(try Self.program("cat", [], input: "x\ny").run().output == "x\ny")
        #expect(
            try Self.program("sh", ["-c", "printf %s \"$WORD\"; printf err >&2; exit 3"]).run()
                == .init(status: 3, output: "a b", errors: "err"))
        #expect(try Self.program("sh", ["-c", "kill -KILL $$"]).run().status == 137)
    }

    @Test("large outputs do not block it")
    func large() throws {
        let outcome = try Self.program(
            "sh", ["-c", "head -c 3000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2"]
        ).run()
        #expect(outcome.output.utf8.count == 3_000_000)
        #expect(outcome.errors.utf8.count == 300_000)
    }

    @Test("a program that is missing, or does not end, is an error, and its children end with it")
    func failures() throws {
        #expect(throws: ClientProgram.Failure.missing) { try Self.program("no-such-program", []).run() }
        let folder = try TemporaryDirectory()
        let late = folder.file("late")
        #expect(throws: ClientProgram.Failure.timeLimit) {
            try Self.program("sh", ["-c", "(sleep 4; touch '\(late)') & wait"], seconds: 0.5).run()
        }
        #expect(!FileManager.default.fileExists(atPath: late))
        Thread.sleep(forTimeInterval: 4.5)
        #expect(!FileManager.default.fileExists(atPath: late))
    }
}
