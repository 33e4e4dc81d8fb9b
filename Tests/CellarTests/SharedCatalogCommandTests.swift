import Foundation
import Synchronization
import TestSupport
import Testing

/// A catalog on a file system that hosts share, by the program's commands. The local disk is taken for NFS.
@Suite("The commands on a shared catalog") struct SharedCatalogCommandTests {
    private let folder: TemporaryDirectory
    private let cellar: CellarProcess

    init() throws {
        folder = try TemporaryDirectory()
        var cellar = CellarProcess(in: folder)
        cellar.variables["CELLAR_FILE_SYSTEM"] = "nfs4"
        self.cellar = cellar
        for command in [
            ["init", "--blobs", "scratch"], ["simulate", "data", "--tomograms", "2", "--size", "64,64,16", "--snr", "0.5"],
            ["recipe", "set", "features.mode=structure", "prepare.tiles.size=64"],
            ["add", "data/tomo_01.mrc", "--dataset", "sim"], ["slab", "add", "tomo_01", "--z", "4..<8"],
        ] {
            let result = try cellar(command)
            try #require(result.status == 0, "\(command) \(result.errors)")
            try #require(!result.errors.contains("snapshot"), "\(command) \(result.errors)")
        }
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.file(".cellar")) }

    private var lease: String { (try? String(contentsOfFile: folder.file(".cellar/owner.lease"), encoding: .utf8)) ?? "" }

    @Test("that read work on a snapshot and say so, those that write name the owner, and a killed owner keeps nobody waiting")
    func besideRun() throws {
        let (run, _, _) = try cellar.start(["run"])
        let begin = ContinuousClock.now
        while !lease.contains("run yes") {
            try #require(run.isRunning && ContinuousClock.now - begin < .seconds(60), "it never owned the catalog")
            usleep(5_000)
        }
        kill(run.processIdentifier, SIGSTOP)
        let wrong = Mutex<[String]>([])
        let reading: [[String]] = [
            ["status"], ["plan"], ["why", "tomo_01"], ["list", "tomograms"], ["query", "SELECT count(*) FROM v_step"], ["stats"],
            ["slab", "list"], ["model", "list"], ["training", "list"], ["verify", "--deep"], ["gc"], ["backup", "copy"],
            ["recipe", "set", "mask.offset=2"],
        ]
        let writing: [[String]] = [
            ["run"], ["add", "data/tomo_02.mrc", "--dataset", "sim"], ["slab", "add", "tomo_01", "--z", "8..<10"],
            ["slab", "remove", "1"], ["training", "add", "first"], ["model", "builtin"], ["gc", "--apply"],
            ["remove", "tomograms", "--where", "1", "--apply"],
        ]
        DispatchQueue.concurrentPerform(iterations: reading.count + writing.count) { index in
            let isReading = index < reading.count
            let command = isReading ? reading[index] : writing[index - reading.count]
            guard let result = try? cellar(command) else { return wrong.withLock { $0.append("\(command) did not start") } }
            let owner = "(process \(run.processIdentifier)) owns the catalog"
            let isRight =
                isReading
                ? result.status == 0
                    && (command[0] == "recipe" || result.errors.contains("this is a snapshot, ") && result.errors.contains(owner))
                : result.status == 1
                    && result.errors.split(separator: "\n").contains { $0.contains(owner) && $0.contains("wait for it to end") }
            if !isRight { wrong.withLock { $0.append("\(command): \(result.status) \(result.output)\(result.errors)") } }
        }
        #expect(wrong.withLock { $0 } == [])
        kill(run.processIdentifier, SIGKILL)
        run.waitUntilExit()
        let rest = try cellar("run")
        #expect(rest.status == 0 && !rest.errors.contains("owns the catalog"), "\(rest.output)\(rest.errors)")
        #expect(try cellar("run").output == "Everything is fresh.\n")
        #expect(try cellar("verify", "--deep").status == 0)
        #expect(try cellar("gc", "--apply").status == 0)
        let left = try names()
        #expect(
            !left.contains { $0.hasSuffix("-wal") || $0.hasSuffix("-shm") || $0.hasSuffix(".tmp") || $0.contains("lease") },
            "\(left)")
        #expect(!left.contains("blobs"))
    }

    @Test("that write at the same time write one after the other, or say who was before them")
    func race() throws {
        let ended = Mutex<[(status: Int32, errors: String)]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            guard let result = try? cellar("slab", "add", "tomo_01", "--z", "\(index)..<\(index + 1)") else { return }
            ended.withLock { $0.append((result.status, result.errors)) }
        }
        let results = ended.withLock { $0 }
        #expect(results.count == 8)
        for result in results where result.status != 0 { #expect(result.errors.contains("owns the catalog"), "\(result.errors)") }
        let made = results.count { $0.status == 0 }
        #expect(made >= 1)
        let count = try cellar("query", "SELECT count(*) AS n FROM v_slab", "--format", "csv")
        #expect(count.output == "n\n\(made + 1)\n")
    }

    @Test("tell where catalog and results lie; a folder of results that is gone is a sentence")
    func elsewhere() throws {
        let doctor = try cellar("doctor")
        #expect(doctor.output.contains("NFS, shared: one process at a time writes"), "\(doctor.output)")
        #expect(doctor.output.contains("scratch, NFS, shared"))
        #expect(try cellar("run", "--until", "describe").status == 0)
        #expect(
            try !FileManager.default.contentsOfDirectory(atPath: folder.file("scratch")).filter { $0.utf8.count == 2 }.isEmpty)
        #expect(try cellar("backup", "copy").status == 0)
        #expect(try cellar("verify", "--deep", "--catalog", "copy").status == 0)
        let over = try cellar("export", "tomogram", "tomo_01", "--output", "scratch/x.mrc")
        #expect(over.status == 1 && over.errors.contains("lies in the catalog"), "\(over.errors)")
        try FileManager.default.moveItem(atPath: folder.file("scratch"), toPath: folder.file("away"))
        for command in [["run"], ["verify"], ["gc"], ["backup", "other"]] {
            let result = try cellar(command)
            #expect(result.status == 1 && result.errors.contains("is gone; mount its disk"), "\(command): \(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("scratch")))
    }
}
