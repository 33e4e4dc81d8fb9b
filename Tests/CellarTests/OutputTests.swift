import CellarKit
import Foundation
import TestSupport
import Testing

@Suite("What the program says") struct OutputTests {
    /// A catalog of one tomogram with a slab, whose steps take no weights.
    private func collection() throws -> (folder: TemporaryDirectory, cellar: CellarProcess) {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
        #expect(try cellar("recipe", "set", "features.mode=structure").status == 0)
        #expect(try cellar("simulate", "data", "--tomograms", "1", "--size", "64,64,16", "--snr", "0.3").status == 0)
        #expect(try cellar("add", "data/tomo_01.mrc", "--dataset", "sim").status == 0)
        return (folder, cellar)
    }

    /// A command with its outputs where a test wants them.
    private func run(
        _ cellar: CellarProcess, _ arguments: [String], output: SpawnedProgram.Target = .captured,
        errors: SpawnedProgram.Target = .captured
    ) throws -> SpawnedProgram.Result {
        var program = cellar.program(arguments)
        (program.output, program.errors) = (output, errors)
        return try program.run()
    }

    @Test(
        "a result that cannot be written is an error, and said",
        arguments: [["list", "tomograms"], ["plan"], ["query", "SELECT 1"], ["--help"], ["recipe", "show", "--format", "csv"]])
    func fullOutput(arguments: [String]) throws {
        let (_, cellar) = try collection()
        let full = try run(cellar, arguments, output: .file("/dev/full"))
        #expect(full.end == .exit(1))
        let reason = "No space left on device; make room, or write it somewhere else"
        #expect(full.errors == "cellar: standard output cannot be written: \(reason)\n")
        #expect(try run(cellar, arguments, output: .closed).end == .exit(1))
    }

    @Test("a command whose result cannot be written has done its work all the same")
    func workIsDone() throws {
        let (_, cellar) = try collection()
        #expect(try run(cellar, ["slab", "add", "tomo_01", "--z", "2..<4"], output: .file("/dev/full")).end == .exit(1))
        #expect(try cellar("slab", "list", "--format", "csv").output.hasSuffix("1,sim,tomo_01,2,4,2\n"))
    }

    @Test("a reader that goes away ends a long answer at once, and quietly")
    func closedPipe() throws {
        let (_, cellar) = try collection()
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        for format in ["csv", "json", "ndjson"] {
            var pipes: [CInt] = [0, 0]
            #expect(pipe(&pipes) == 0)
            defer { close(pipes[1]) }
            close(pipes[0])
            let result = try run(cellar, ["query", endless, "--format", format], output: .descriptor(pipes[1]))
            #expect(result.end == .exit(1))
            #expect(result.errors == "")
            #expect(result.seconds < 20)
        }
    }

    @Test("a run of which nobody can hear stops as after Ctrl-C, and the next one goes on", arguments: ["full", "closed"])
    func unheardRun(errors: String) throws {
        let (_, cellar) = try collection()
        #expect(try cellar("slab", "add", "tomo_01", "--z", "0..<16").status == 0)
        let target: SpawnedProgram.Target = errors == "full" ? .file("/dev/full") : .closed
        let run = try run(cellar, ["run", "--jobs", "1"], errors: target)
        #expect(run.end == .exit(1))
        #expect(try cellar("list", "runs", "--columns", "status", "--format", "csv").output == "status\ninterrupted\n")
        #expect(try cellar("plan", "--check").status == 3)
        #expect(try cellar("run").status == 0)
        #expect(try cellar("plan", "--check").status == 0)
        #expect(try cellar("verify", "--deep").status == 0)
    }

    @Test("an error that cannot be said keeps its exit code", arguments: ["full", "closed"])
    func unheardError(errors: String) throws {
        let (_, cellar) = try collection()
        let target: SpawnedProgram.Target = errors == "full" ? .file("/dev/full") : .closed
        for arguments in [["frobnicate"], ["show", "nothing", "--output", "x.png"], ["run", "--jobs", "x"]] {
            #expect(try run(cellar, arguments, errors: target).end == .exit(1))
        }
    }

    @Test("results and remarks that go into one pipe stand there in the order in which they were said")
    func order() throws {
        let (_, cellar) = try collection()
        #expect(try cellar("slab", "add", "tomo_01", "--z", "2..<4").status == 0)
        #expect(try cellar("training", "add", "first").status == 0)
        let second = try run(cellar, ["training", "add", "second"], errors: .sameAsOutput)
        #expect(
            second.output == """
                training set second: 1 slab
                another set is current; `cellar training use second` trains on this one

                """)
        // A table longer than any buffer, and a remark behind it.
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        let rows = try run(
            cellar, ["query", sql, "--format", "csv", "--time-limit", "0.5"], errors: .sameAsOutput
        ).output.split(separator: "\n")
        #expect(rows.count > 20_000 && rows.last?.hasPrefix("cellar: the query took longer than 0.5 s") == true)
        #expect(rows.dropLast().last == "\(rows.count - 2)")
    }

    @Test("who reads a demo along sees each command before it ends")
    func demo() throws {
        let folder = try TemporaryDirectory()
        let (process, output, _) = try CellarProcess(in: folder).start(["demo", "d", "--tomograms", "2", "--size", "128,128,32"])
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let isEarly = !FileManager.default.fileExists(atPath: folder.file("d/.cellar"))
        // Threads that run tests block signals, which their children inherit; this one cannot be blocked.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(text.contains("$ cellar simulate d/data --tomograms 2"))
        #expect(isEarly)
    }

    @Test("an argument that is no text is refused, and so is not taken for another file's name")
    func foreignBytes() throws {
        let (folder, cellar) = try collection()
        var program = cellar.program(["show", "tomo_01", "--output"])
        program.arguments.append([0x78, 0xFF, 0x2E, 0x70, 0x6E, 0x67])
        let result = try program.run()
        #expect(result.end == .exit(2))
        #expect(result.errors.contains("Argument 4 is not UTF-8 text"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasSuffix(".png") })
    }

    @Test("an error is one line, whatever name it holds")
    func oneLine() throws {
        let (_, cellar) = try collection()
        let result = try cellar("show", "two\nlines \u{1B}[31m", "--output", "x.png")
        #expect(result.status == 1)
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.errors.contains(#"two\nlines \u{1B}[31m"#))
    }

    @Test("no source writes past the check: neither by what traps nor by what forgets")
    func sources() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Sources").standardized
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where file.pathExtension == "swift" {
            count += 1
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in ["FileHandle.standard", "Swift.print(", "debugPrint(", "fputs(", "putchar(", "perror("] {
                #expect(!text.contains(word), "\(file.lastPathComponent) writes by \(word)")
            }
            // `write(_:)` of a handle traps where `write(contentsOf:)` throws.
            #expect(!text.contains(/[hH]andle[^\n]*\.write\((?!contentsOf:)/), "\(file.lastPathComponent) has a write that traps")
        }
        #expect(count > 300)
    }
}
