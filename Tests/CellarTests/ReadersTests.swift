import Foundation
import TestSupport
import Testing

/// A catalog that somebody else may only read: another user of the machine, or one to whom the disk is mounted read-only.
@Suite("Who may only read a catalog") struct ReadersTests {
    /// Every command that only looks, with what it needs.
    static let commands: [[String]] = [
        ["status"], ["plan"], ["why", "tomo_01"], ["list", "tomograms"], ["list", "datasets"], ["list", "artifacts"],
        ["list", "runs"],
        ["query", "SELECT count(*) FROM v_step"], ["stats"], ["stats", "steps"], ["recipe", "show"], ["recipe", "diff"],
        ["recipe", "check"], ["recipe", "preset"], ["model", "list"], ["slab", "list"], ["slab", "suggest"],
        ["training", "list"],
        ["verify", "--deep"], ["gc"], ["gc", "--keep-runs", "1", "--budget", "1M"], ["remove", "tomograms", "--where", "1"],
        ["plot", "histogram", "--metric", "density_mean", "--output", "OUT/a.svg"],
        ["show", "tomo_01", "--output", "OUT/b.png"], ["show", "tomo_01", "--step", "mask", "--output", "OUT/c.png"],
        ["export", "points", "tomo_01", "--step", "pseudo-labels", "--output", "OUT/d.star"], ["report", "OUT/report"],
        ["backup", "OUT/backup"],
    ]

    /// A folder that everybody may read, with a catalog in which all has run.
    private func collection() throws -> (folder: TemporaryDirectory, cellar: CellarProcess) {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        for command in [
            ["init"], ["simulate", "data", "--tomograms", "1", "--size", "64,64,16", "--snr", "0.5"],
            ["recipe", "set", "features.mode=structure", "prepare.tiles.size=64"],
            ["add", "data/tomo_01.mrc", "--dataset", "sim"],
            ["slab", "add", "tomo_01", "--z", "4..<8"], ["run"],
        ] {
            let result = try cellar(command)
            #expect(result.status == 0, "\(command) \(result.errors)")
        }
        return (folder, cellar)
    }

    private func permit(_ folder: String, _ permissions: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["chmod", "-R", permissions, folder]
        try process.run()
        process.waitUntilExit()
    }

    /// Calls the closure with the folder's catalog as another user sees it, and the words that begin a command line of theirs.
    private func asOther(_ folder: TemporaryDirectory, _ body: (_ prefix: [String]) throws -> Void) throws {
        try permit(folder.path, "a+rX,a-w")
        defer { try? permit(folder.path, "u+w") }
        // Who is root may write whatever the permissions say.
        try body(getuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["env"])
    }

    private func snapshot(of folder: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: "\(folder)/.cellar") ?? .init() {
            files[name] = FileManager.default.contents(atPath: "\(folder)/.cellar/\(name)") ?? Data()
        }
        return files
    }

    private func check(_ folder: TemporaryDirectory, _ prefix: [String], _ commands: [[String]] = Self.commands) throws {
        let output = try TemporaryDirectory()
        try permit(output.path, "a+rwx")
        for command in commands {
            let words = command.map { $0.replacing("OUT", with: output.path) } + ["--catalog", folder.path]
            let result = try CellarProcess(folder: "/")(running: prefix + [CellarProcess.executable.path] + words)
            #expect(result.status == 0, "\(command): \(result.output)\(result.errors)")
        }
    }

    @Test("can ask all that does not write, and leaves no trace")
    func anotherUser() throws {
        let (folder, cellar) = try collection()
        let before = try snapshot(of: folder.path)
        try asOther(folder) { prefix in
            try check(folder, prefix)
            #expect(try snapshot(of: folder.path) == before)
            let words = [CellarProcess.executable.path, "slab", "add", "tomo_01", "--z", "0..<2", "--catalog", folder.path]
            let refused = try CellarProcess(folder: "/")(running: prefix + words)
            #expect(refused.status == 1 && refused.errors.contains("can only be read: this user may not write that folder"))
            #expect(
                try CellarProcess(folder: "/")(
                    running: prefix + [CellarProcess.executable.path, "run", "--catalog", folder.path]
                ).status == 1)
        }
        // Its owner goes on as before.
        #expect(try cellar("run").output == "Everything is fresh.\n")
    }

    @Test("can ask while its owner writes, and after its owner was killed")
    func besideWriter() throws {
        let (folder, cellar) = try collection()
        let some = Self.commands.filter { ["status", "list", "query", "plan", "stats", "verify"].contains($0[0]) }
        // A run that is stopped in its middle leaves the log of the database lying there.
        let (process, _, _) = try cellar.start(["run", "--jobs", "1"])
        #expect(try cellar("recipe", "set", "prepare.clahe.clip_limit=3").status == 0)
        process.waitUntilExit()
        let (killed, _, _) = try cellar.start(["run"])
        // It has opened the catalog where the catalog says that it runs: nobody can read beside one that is stopped while it opens.
        let running = ["query", "SELECT count(*) FROM v_run WHERE status = 'running'", "--format", "csv"]
        let end = ContinuousClock.now + .seconds(120)
        while try !cellar(running).output.hasSuffix("\n1\n"), killed.isRunning, ContinuousClock.now < end { usleep(5_000) }
        kill(killed.processIdentifier, SIGSTOP)
        try asOther(folder) { prefix in try check(folder, prefix, some) }
        kill(killed.processIdentifier, SIGKILL)
        killed.waitUntilExit()
        try asOther(folder) { prefix in try check(folder, prefix, some) }
        #expect(try cellar("run").status == 0)
    }

    @Test(
        "may be one to whom the disk is mounted read-only",
        .enabled(if: SmallDisk.isPermitted, "mounting a disk needs the right to"))
    func readOnlyMount() throws {
        let (folder, _) = try collection()
        let disk = try SmallDisk(megabytes: 64)
        for name in [".cellar", "data"] {
            try FileManager.default.copyItem(atPath: folder.file(name), toPath: "\(disk.path)/\(name)")
        }
        try disk.makeReadOnly()
        let output = try TemporaryDirectory()
        for command in Self.commands {
            let words = command.map { $0.replacing("OUT", with: output.path) } + ["--catalog", disk.path]
            let result = try CellarProcess(folder: "/")(words)
            #expect(result.status == 0, "\(command): \(result.output)\(result.errors)")
        }
        let refused = try CellarProcess(folder: "/")("run", "--catalog", disk.path)
        #expect(refused.status == 1 && refused.errors.hasPrefix("cellar: "))
    }

    @Test("a backup is whole: it works where its original is gone, and so does a catalog that was moved")
    func backup() throws {
        let (folder, cellar) = try collection()
        #expect(try cellar("recipe", "set", "features.mode=diffusion").status == 0)
        #expect(try cellar("run").status == 0)
        #expect(try cellar("backup", "copy").status == 0)
        try FileManager.default.removeItem(atPath: folder.file(".cellar"))
        for command in [["verify", "--deep"], ["model", "verify"], ["plan", "--check"], ["recipe", "check"]] {
            let result = try cellar(command + ["--catalog", "copy"])
            #expect(result.status == 0, "\(command) \(result.output)\(result.errors)")
        }
        let models = try cellar("model", "list", "--catalog", "copy", "--format", "csv").output
        #expect(models.contains("models/builtin-diffusion") && !models.contains(folder.path))
        // What was dropped for the copy is computed again from the models that went along.
        try FileManager.default.moveItem(atPath: folder.file("copy"), toPath: folder.file(".cellar"))
        #expect(try cellar("recipe", "set", "eigenvectors.count=7").status == 0)
        let run = try cellar("run")
        #expect(run.status == 0, "\(run.errors)")
    }
}
