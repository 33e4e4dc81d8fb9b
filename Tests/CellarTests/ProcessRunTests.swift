import Foundation
import TestSupport
import Testing

/// `cellar run --on processes`, and the workers that it starts.
@Suite("A run by worker processes") struct ProcessRunTests {
    /// What results are, without where and when they were computed.
    private static let questions = [
        "SELECT kind, digest, state FROM v_artifact ORDER BY 1, 2",
        "SELECT step, scope_id, name, value FROM v_metric ORDER BY 1, 2, 3",
        "SELECT step, scope_id, number, class, x, y, z, voxels FROM v_object ORDER BY 1, 2, 3",
        "SELECT step, count(*) FROM v_step GROUP BY 1 ORDER BY 1",
    ]

    /// A catalog of one simulated tomogram in a folder of its own.
    private func collection(_ name: String, in folder: TemporaryDirectory) throws -> CellarProcess {
        try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        let cellar = CellarProcess(folder: folder.file(name))
        #expect(try cellar("init").status == 0)
        #expect(try cellar("recipe", "set", "features.mode=structure").status == 0)
        #expect(try cellar("add", "../data/tomo_01.mrc", "--dataset", "sim").status == 0)
        #expect(try cellar("slab", "add", "tomo_01", "--z", "4..<8").status == 0)
        return cellar
    }

    private func answers(of cellar: CellarProcess) throws -> [String] {
        try Self.questions.map { try cellar("query", $0, "--format", "csv").output }
    }

    @Test("gives what threads give, and leaves nothing in the spool")
    func equal() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let simulated = try CellarProcess(in: folder)("simulate", "data", "--tomograms", "1", "--size", "64,64,16", "--snr", "0.3")
        #expect(simulated.status == 0)
        let (threads, processes) = (try collection("threads", in: folder), try collection("processes", in: folder))
        #expect(try threads("run").status == 0)
        let run = try processes("run", "--on", "processes", "--jobs", "2")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(try answers(of: processes) == answers(of: threads))
        #expect(try answers(of: processes).allSatisfy { $0.split(separator: "\n").count > 1 || $0.contains("number") })
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(processes.folder)/.cellar/spool") == [])
        #expect(try processes("verify", "--deep").status == 0)
        #expect(try processes("run").output == "Everything is fresh.\n")
    }

    @Test("that is killed leaves no worker behind, and goes on from what came in")
    func killed() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        #expect(
            try CellarProcess(in: folder)("simulate", "data", "--tomograms", "1", "--size", "64,64,16", "--snr", "0.3").status == 0)
        let cellar = try collection("killed", in: folder)
        for attempt in 1...3 {
            var program = cellar.program(["run", "--on", "processes", "--jobs", "2"])
            program.timeLimitInSeconds = 0.4 * Double(attempt)
            _ = try program.run()
        }
        let run = try cellar("run", "--on", "processes", "--jobs", "2")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(try cellar("run").output == "Everything is fresh.\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cellar.folder)/.cellar/spool") == [])
        #expect(try cellar("verify", "--deep").status == 0)
    }

    @Test("refuses what is no bundle, with a sentence")
    func noBundle() throws {
        let cellar = CellarProcess(in: try TemporaryDirectory())
        let refused = try cellar("work", "nothing", "0")
        #expect(refused.status == 1 && refused.errors.contains("nothing/bundle: is not there"), "\(refused.errors)")
        #expect(try cellar("work", "nothing").status == 2)
    }
}
