import Foundation
import TestSupport
import Testing

@Suite("cellar cluster") struct ClusterCommandTests {
    private static let configuration = ProcessInfo.processInfo.environment["CELLAR_TEST_SLURM"] ?? ""

    /// A catalog in a folder of its own.
    private struct Scene {
        let folder: TemporaryDirectory
        let cellar: CellarProcess

        init() throws {
            folder = try TemporaryDirectory()
            cellar = CellarProcess(in: folder)
            try #require(cellar("init").status == 0)
        }

        func callAsFunction(_ words: String..., variables: [String: String]) throws -> SpawnedProgram.Result {
            var program = cellar.program(words)
            program.environment.merge(variables) { _, new in new }
            program.timeLimitInSeconds = 200
            return try program.run()
        }

        var file: String { folder.file(".cellar/clusters.yaml") }
    }

    @Test("without Slurm or profiles, it is one sentence")
    func nothing() throws {
        let scene = try Scene()
        let variables = ["PATH": "/nowhere", "SLURM_CONF": ""]
        // What starts the program is named by its path, so that an empty PATH is only the program's.
        let result = try scene("cluster", "init", "slurm", variables: variables)
        #expect(result.end == .exit(1))
        #expect(result.errors.contains("there is no scontrol on this machine; run on a login node"))
        #expect(result.errors.split(separator: "\n").count == 1)
        let check = try scene("cluster", "check", variables: variables)
        #expect(check.end == .exit(1) && check.errors.contains("`cellar cluster init slurm` writes one"), "\(check)")
        try scene.folder.write(".cellar/clusters.yaml", Array("profiles: {main: {spool: \(scene.folder.path), stps: {}}}\n".utf8))
        let typo = try scene("cluster", "check", variables: variables)
        #expect(typo.end == .exit(1) && typo.errors.contains("did you mean steps?"), "\(typo)")
        let step = "profiles: {main: {spool: \(scene.folder.path), steps: {train-*: {memory: 1G}, segmnt: {time: 1h}}}}\n"
        try scene.folder.write(".cellar/clusters.yaml", Array(step.utf8))
        let wrong = try scene("cluster", "check", variables: variables)
        #expect(wrong.errors.contains("segmnt is no step") && wrong.errors.contains("did you mean segment?"), "\(wrong)")
    }

    @Test(
        "on a real Slurm: init writes profiles once, and check finds that the node runs this program and sees the catalog",
        .enabled(if: !configuration.isEmpty, "CELLAR_TEST_SLURM names no slurm.conf; `make check-cluster` starts a Slurm"))
    func real() throws {
        let scene = try Scene()
        let variables = ["SLURM_CONF": Self.configuration]
        let made = try scene("cluster", "init", "slurm", variables: variables)
        #expect(made.end == .exit(0) && made.output.contains("for the cluster cellar-tests"), "\(made)")
        let text = try String(contentsOfFile: scene.file, encoding: .utf8)
        #expect(text.contains("partition: \"main\"") && text.contains("array_limit: 50") && text.contains("most_time: 02:00:00"))
        let again = try scene("cluster", "init", "slurm", variables: variables)
        #expect(again.end == .exit(1) && again.errors.contains("is there already"))
        #expect(try String(contentsOfFile: scene.file, encoding: .utf8) == text)

        // The two partitions, each with a job of its own.
        try (text + "    steps: {train-*: {partition: urgent}}\n").write(toFile: scene.file, atomically: true, encoding: .utf8)
        let check = try scene("cluster", "check", "--wait=100", variables: variables)
        #expect(check.end == .exit(0), "\(check)")
        #expect(check.output.contains("- partition main: job") && check.output.contains("- partition urgent: job"))
        #expect(check.output.hasSuffix("Nothing needs attention.\n"))

        try text.replacing("partition: \"main\"", with: "partition: nope").write(
            toFile: scene.file, atomically: true, encoding: .utf8)
        let refused = try scene("cluster", "check", variables: variables)
        #expect(refused.end == .exit(1) && refused.errors.contains("invalid partition specified: nope"), "\(refused)")
    }
}
