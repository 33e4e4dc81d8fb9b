import Foundation
import TestSupport
import Testing

private enum TestedSlurm {
    static let configuration = ProcessInfo.processInfo.environment["CELLAR_TEST_SLURM"] ?? ""
}

/// `cellar run --on slurm` with jobs of a real Slurm.
@Suite(
    "A run on Slurm", .serialized,
    .enabled(
        if: !TestedSlurm.configuration.isEmpty, "CELLAR_TEST_SLURM names no slurm.conf; `make check-cluster` starts a Slurm"))
struct SlurmRunTests {
    /// What results are, without where and when they were computed.
    private static let questions = [
        "SELECT kind, digest, state FROM v_artifact ORDER BY 1, 2",
        "SELECT step, scope_id, name, value FROM v_metric ORDER BY 1, 2, 3",
        "SELECT step, scope_id, number, class, x, y, z, voxels FROM v_object ORDER BY 1, 2, 3",
        "SELECT step, count(*) FROM v_step GROUP BY 1 ORDER BY 1",
    ]

    private struct Collection {
        let cellar: CellarProcess

        /// The tomogram is simulated where it is not there.
        init(_ name: String, in folder: TemporaryDirectory) throws {
            if !FileManager.default.fileExists(atPath: folder.file("data")) {
                let simulated = try CellarProcess(folder: folder.path)(
                    "simulate", "data", "--tomograms", "1", "--size", "64,64,16", "--snr", "0.3")
                #expect(simulated.status == 0)
            }
            try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
            cellar = CellarProcess(folder: folder.file(name))
            #expect(try cellar("init").status == 0)
            #expect(try cellar("recipe", "set", "features.mode=structure").status == 0)
            #expect(try cellar("add", "../data/tomo_01.mrc", "--dataset", "sim").status == 0)
            #expect(try cellar("slab", "add", "tomo_01", "--z", "4..<8").status == 0)
        }

        /// Runs a command that uses the cluster.
        func clustered(_ words: [String], seconds: Double = 600) throws -> SpawnedProgram.Result {
            var program = cellar.program(words)
            program.environment["SLURM_CONF"] = TestedSlurm.configuration
            program.timeLimitInSeconds = seconds
            return try program.run()
        }

        func answers() throws -> [String] { try questions.map { try cellar("query", $0, "--format", "csv").output } }
    }

    @Test("gives what threads give, also where its coordinator is killed meanwhile", .timeLimit(.minutes(20)))
    func equal() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let (threads, slurm) = (try Collection("threads", in: folder), try Collection("slurm", in: folder))
        #expect(try threads.cellar("run").status == 0)
        #expect(try slurm.clustered(["cluster", "init", "slurm"]).end == .exit(0))
        // Its jobs go on, and the next run takes their results.
        #expect(try slurm.clustered(["run", "--on", "slurm"], seconds: 8).end == .timeLimit)
        let run = try slurm.clustered(["run", "--on", "slurm", "--profile", "main"])
        #expect(run.end == .exit(0), "\(run.output)\(run.errors)")
        #expect(try slurm.answers() == threads.answers())
        #expect(try slurm.cellar("verify", "--deep").status == 0)
        #expect(try slurm.cellar("run").output == "Everything is fresh.\n")
    }

    @Test("goes on as a job, is shown, and ends on request or when all is fresh", .timeLimit(.minutes(20)))
    func detached() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let collection = try Collection("detached", in: folder)
        #expect(try collection.clustered(["cluster", "init", "slurm"]).end == .exit(0))
        let planned = try collection.clustered(["plan", "--on", "slurm"])
        #expect(planned.output.contains("describe") && planned.output.contains("tasks in at least"), "\(planned)")
        #expect(try collection.clustered(["run", "--detach", "--on", "slurm"]).output.contains("Submitted as job"))
        let again = try collection.clustered(["run", "--detach", "--on", "slurm"])
        #expect(again.end == .exit(1) && again.errors.contains("`cellar cancel` ends it"), "\(again)")
        #expect(try collection.clustered(["status"]).output.contains("submitted run: job"))
        #expect(try collection.clustered(["cancel"]).output.contains("Ended the run that was submitted"))
        #expect(!(try collection.clustered(["status"]).output.contains("submitted run")))

        #expect(try collection.clustered(["run", "--detach", "--on", "slurm"]).output.contains("Submitted as job"))
        let deadline = ContinuousClock.now + .seconds(600)
        while try collection.clustered(["plan", "--check"]).end != .exit(0), ContinuousClock.now < deadline { sleep(3) }
        #expect(try collection.cellar("run").output == "Everything is fresh.\n")
        #expect(try collection.cellar("verify", "--deep").status == 0)
        // Where each item was computed.
        let jobs = try collection.cellar(
            "query", "SELECT count(*) FROM v_step WHERE job LIKE '%_%' AND host <> '' AND memory_bytes > 0", "--format", "csv")
        #expect((Int(jobs.output.split(separator: "\n").last ?? "") ?? 0) > 0, "\(jobs.output)")
        #expect(try collection.cellar("why", "tomo_01").output.contains("job "))
        #expect(try collection.clustered(["cancel"]).output == "No job computes for this catalog.\n")
        #expect(try collection.clustered(["log"]).output == "Nothing failed, and no job goes on.\n")
    }

    @Test("of an item that failed, the log says what its worker printed", .timeLimit(.minutes(10)))
    func logs() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let collection = try Collection("logs", in: folder)
        #expect(try collection.clustered(["cluster", "init", "slurm"]).end == .exit(0))
        // Its header promises more than is there.
        truncate(folder.file("data/tomo_01.mrc"), 40_000)
        let run = try collection.clustered(["run", "--on", "slurm"])
        #expect(run.end == .exit(1), "\(run)")
        let log = try collection.clustered(["log"]).output
        #expect(log.contains("describe of sim/tomo_01") && log.contains(", job ") && log.contains("failed: "), "\(log)")
        #expect(try collection.clustered(["log", "tomo_01", "describe"]).output == log)
    }

    @Test("without profiles, and with a partition that does not exist, is one sentence")
    func refusals() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let collection = try Collection("none", in: folder)
        let none = try collection.clustered(["run", "--on", "slurm"])
        #expect(none.end == .exit(1) && none.errors.contains("`cellar cluster init slurm` writes one"), "\(none)")
        let text = "profiles: {main: {spool: \(folder.file("spool")), partition: nope}}\n"
        try text.write(toFile: folder.file("none/.cellar/clusters.yaml"), atomically: true, encoding: .utf8)
        let refused = try collection.clustered(["run", "--on", "slurm"])
        #expect(refused.end == .exit(1) && refused.errors.contains("invalid partition specified: nope"), "\(refused)")
        #expect(try collection.cellar("run", "--profile", "main").status == 2)
    }
}
