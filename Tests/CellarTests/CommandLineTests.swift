import Basics
import BlobStore
import Foundation
import TestSupport
import Testing
import Volumes

@Suite struct CommandLineTests {
    /// A folder with a catalog of one simulated tomogram. Its recipe does without weights, which takes a tenth of the time.
    private func collection(size: String = "64,64,16") throws -> (folder: TemporaryDirectory, cellar: CellarProcess) {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
        #expect(try cellar("recipe", "set", "features.mode=structure").output == "features.mode: diffusion → structure\n")
        #expect(try cellar("simulate", "data", "--tomograms", "1", "--size", size, "--snr", "0.3").status == 0)
        #expect(try cellar("add", "data/tomo_01.mrc", "--dataset", "sim").status == 0)
        return (folder, cellar)
    }

    private func rows(_ text: String) throws -> [[String: Any]] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    }

    /// What `doctor` finds, but for how full the disk is that the test happens to run on.
    private func findings(of cellar: CellarProcess) throws -> [String] {
        let doctor = try cellar("doctor")
        let findings = doctor.output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("! ") }
        #expect(doctor.status == (findings.isEmpty ? 0 : 1), "\(doctor.output)\(doctor.errors)")
        // Where this machine keeps temporary folders is not what is tested.
        return findings.filter { !$0.contains("is free on the disk") && !$0.contains("lies in memory") }
    }

    @Test("exit codes: 0 done, 1 something failed, 2 usage, 3 plan --check found work")
    func exitCodes() throws {
        let (_, cellar) = try collection()
        #expect(try cellar("--help").status == 0)
        #expect(try cellar("--version").status == 0)
        #expect(try cellar("frobnicate").status == 2)
        #expect(try cellar("slab", "add", "tomo_01", "--z", "5..2").status == 2)
        #expect(try cellar("run", "--jobs", "0").status == 2)
        #expect(try cellar("show", "nothing", "--output", "x.png").status == 1)
        #expect(try cellar("plan", "--check").status == 3)
        #expect(try cellar("run").status == 0)
        #expect(try cellar("plan", "--check").status == 0)
        let nowhere = CellarProcess(folder: "/")
        let lost = try nowhere("status")
        #expect(lost.status == 1)
        #expect(lost.errors.contains("there is no catalog in / or above it"))
    }

    @Test("a session from nothing to an answer")
    func session() throws {
        let (folder, cellar) = try collection()
        // As a new catalog has it, with the model that comes with the program, on tiles that are made no larger than the slice.
        let settings = try cellar("recipe", "set", "features.mode=diffusion", "prepare.tiles.size=64").output
        #expect(settings == "prepare.tiles.size: 512 → 64\nfeatures.mode: structure → diffusion\n")
        #expect(try cellar("recipe", "diff", "--defaults").output.contains("features.model: none → builtin-diffusion\n"))
        #expect(try cellar("slab", "add", "sim/tomo_01", "--z", "4..<8").status == 0)
        #expect(try cellar("annotate", "tomo_01", "--labels", "data/truth/tomo_01_labels.mrc", "--class", "membrane").status == 0)
        // Particles beside the membranes, which count for nothing.
        #expect(try cellar("recipe", "set", "evaluate-pseudo-labels.unnamed=ground").status == 0)
        let classes = "ribosome=macromolecule,proteasome=macromolecule,complex=macromolecule,gold="
        let pairs = ["evaluate-pseudo-labels", "evaluate-picks"].map { "\($0).classes=\(classes)" }
        #expect(
            try cellar(
                "annotate", "tomo_01", "--points", "data/truth/tomo_01_particles.csv", "--class", "ribosome", "--class",
                "proteasome",
                "--class", "complex", "--class", "gold", "--radius", "125"
            ).status == 0)
        #expect(try cellar("why", "tomo_01", "prepare").output.contains("no earlier run"))
        let run = try cellar("run")
        #expect(run.output.hasPrefix("run 1: 47 items ran"), "\(run.output)\(run.errors)")
        #expect(try cellar("run").output == "Everything is fresh.\n")
        // Particles have other names than what was found, which somebody has to say.
        let unmatched = try #require(findings(of: cellar).first)
        #expect(unmatched.contains("compared nothing with 1 annotations of complex, gold, proteasome, ribosome"))
        #expect(try cellar(["recipe", "set"] + pairs).status == 0)
        #expect(try cellar("run").output.contains("4 items ran"))
        #expect(try findings(of: cellar) == [])

        let tomogram = try #require(rows(cellar("list", "tomograms", "--format", "json").output).first)
        #expect(tomogram["voxel_size"] as? Double == 13.48)
        #expect(tomogram["voxel_size_source"] as? String == "header")
        #expect(tomogram["slabs"] as? Int == 1)
        #expect(tomogram["annotations"] as? Int == 2)
        #expect(tomogram["density_std"] is Double)

        #expect(try cellar("recipe", "set", "prepare.clahe.clip_limit=3").output == "prepare.clahe.clip_limit: 2.0 → 3.0\n")
        #expect(try cellar("recipe", "diff").output.contains("prepare.clahe.clip_limit: 2.0 → 3.0\n"))
        #expect(
            try cellar("why", "tomo_01").output.hasPrefix(
                "sim/tomo_01: recipe prepare.clahe.clip_limit: 2.0 → 3.0 (prepare)\n"))
        let plan = try rows(cellar("plan", "--format", "json").output)
        let stale = plan.filter { $0["stale"] as? Int != 0 }
        #expect(stale.map { $0["step"] as? String } == ["prepare"] && stale.map { $0["stale"] as? Int } == [4])
        let second = try cellar("run").output
        #expect(second.hasPrefix("run 3: 4 items ran, 25 found again"), "\(second)")

        for (name, extra) in [
            ("raw", []), ("labels", ["--labels"]), ("prepared", ["--step", "prepare"]),
            ("split", ["--step", "split"]), ("pseudo", ["--step", "pseudo-labels"]), ("overview", ["--overview"]),
        ] {
            let path = "\(name).png"
            let arguments = ["show", "tomo_01", "--z", "5", "--output", path] + extra
            let (process, _, _) = try cellar.start(arguments)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file(path)))
            #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        }
        #expect(try cellar("show", "tomo_01", "--z", "5", "--explain").output.contains("split: "))
        for (arguments, path) in [
            (["labels"], "labels.mrc"), (["labels", "--objects"], "objects.mrc"), (["map"], "map.mrc"),
        ] {
            #expect(try cellar(["export"] + arguments + ["tomo_01", "--output", path]).status == 0)
            let volume = try VolumeLocation(path: folder.file(path)).open()
            #expect(volume.shape == VolumeShape(z: 16, y: 64, x: 64))
            #expect(abs(try #require(volume.header.voxelSize).zInAngstroms - 13.48) < 1e-3)
        }
        for name in ["points.star", "points.csv", "points.json"] {
            #expect(try cellar("export", "points", "tomo_01", "--output", name).status == 0)
            #expect(FileManager.default.fileExists(atPath: folder.file(name)))
        }
        let convention = ["export", "points", "tomo_01", "--output", "points.star", "--force", "--convention"]
        #expect(try cellar(convention + ["imod"]).errors.contains("relion5-centered"))
        #expect(try cellar(convention + ["feet"]).status == 2)
        #expect(try cellar("report", "report", "--dataset", "sim").output.hasPrefix("report/index.html: 1 tomograms"))
        let page = try String(contentsOfFile: folder.file("report/index.html"), encoding: .utf8)
        // A number, and the item that it links to.
        #expect(page.contains("href=\"#trace-") && page.contains("id=\"trace-"))
        #expect(page.contains("data:image/png;base64,") && !page.contains("<script"))
        #expect(try cellar("report", "report", "--dataset", "nothing").errors.contains("the dataset nothing has no tomogram"))
        #expect(try cellar("report", "data/tomo_01.mrc/x").errors.contains("cannot be written"))
        #expect(try cellar("verify", "--deep").status == 0)
        #expect(try findings(of: cellar) == [])
        #expect(try cellar("backup", "copy").status == 0)
        #expect(try cellar("plan", "--check", "--catalog", "copy").status == 0)
        #expect(try cellar("gc", "--budget", "0", "--apply").status == 0)
        #expect(try cellar("plan", "--check").status == 0)
        #expect(try cellar("slab", "remove", "1").status == 0)
        #expect(try cellar("status").output.contains("1 tomograms in 1 datasets, 0 slabs"))
    }

    @Test("rows as csv, json and ndjson carry every digit, and quote what needs it")
    func formats() throws {
        let (_, cellar) = try collection()
        let sql = "SELECT 1 AS a, 0.1 + 0.2 AS b, 'x,\"y\"' AS c, NULL AS d, x'00ff' AS e"
        #expect(try cellar("query", sql, "--format", "csv").output == "a,b,c,d,e\n1,0.30000000000000004,\"x,\"\"y\"\"\",,00ff\n")
        #expect(
            try cellar("query", sql, "--format", "ndjson").output
                == "{\"a\": 1, \"b\": 0.30000000000000004, \"c\": \"x,\\\"y\\\"\", \"d\": null, \"e\": \"00ff\"}\n")
        #expect(try rows(cellar("query", "SELECT 1 AS a WHERE 0", "--format", "json").output).isEmpty)
        #expect(try cellar("query", "SELECT :n + 1 AS n", "--param", "n=41", "--format", "csv").output == "n\n42\n")
    }

    @Test("a query cannot change anything, nor run for ever")
    func queries() throws {
        let (_, cellar) = try collection()
        for sql in ["DELETE FROM tomogram", "ATTACH 'x' AS y", "PRAGMA journal_mode = DELETE", "SELECT 1; SELECT 2", ""] {
            let result = try cellar("query", sql)
            #expect(result.status == 1, "\(sql)")
            #expect(result.errors.hasPrefix("cellar: ") && result.errors.split(separator: "\n").count == 1)
        }
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        let stopped = try cellar("query", endless, "--time-limit", "0.3")
        #expect(stopped.status == 1)
        #expect(stopped.errors.contains("took longer than 0.3 s"))
    }

    @Test("files that are no tomograms are named, and the others are added with --keep-going")
    func badFiles() throws {
        let (folder, cellar) = try collection()
        try folder.write("garbage.mrc", (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 37) })
        try folder.write("empty.rec", [])
        let result = try cellar(
            "add", "garbage.mrc", "empty.rec", "missing.mrc", "data/truth/tomo_01_labels.mrc", "--dataset", "more", "--keep-going"
        )
        #expect(result.status == 1)
        #expect(result.output == "added: 1 tomogram in more\n")
        for name in ["garbage.mrc", "empty.rec", "missing.mrc"] { #expect(result.errors.contains(name)) }
    }

    @Test("gc drops what no result names, and evictable artifacts beyond the budget, and only with --apply")
    func garbage() throws {
        let (folder, cellar) = try collection()
        #expect(try cellar("slab", "add", "tomo_01", "--z", "0..<3").status == 0)
        #expect(try cellar("run").status == 0)
        let store = try BlobStore(directory: folder.file(".cellar/blobs"))
        // What a run leaves that is killed between its files and its rows, and while it writes one.
        let orphan = try store.stage(kind: "orphan") { try $0.write("values", shape: [1], values: [Float(1)]) }
        try store.commit([orphan])
        _ = try store.stage(kind: "stray") { try $0.write("values", shape: [1], values: [Float(2)]) }

        #expect(try cellar("gc").output.hasPrefix("2 stray files"))
        #expect(store.contains(orphan.digest))
        #expect(try cellar("gc", "--apply").status == 0)
        #expect(!store.contains(orphan.digest))
        #expect(try store.inventory().strays.isEmpty)
        let present = try rows(cellar("list", "artifacts", "--where", "state = 'present'", "--format", "json").output).count
        #expect(try store.inventory().digests.count == present)
        #expect(present >= 1 + 3 * 4)

        #expect(try cellar("gc", "--budget", "0", "--apply").status == 0)
        // The histogram, the labels, the particles and their descriptors stay.
        let kinds = try rows(cellar("list", "artifacts", "--where", "state = 'present'", "--format", "json").output).compactMap {
            $0["kind"] as? String
        }
        #expect(
            kinds.sorted()
                == ["centre-surfaces", "descriptors", "picks", "pseudo-labels", "segmentation", "tomogram-histogram"])
        #expect(try cellar("plan", "--check").status == 0)
        // Nothing that was dropped is shown as if it were there.
        #expect(try cellar("show", "tomo_01", "--z", "1", "--step", "prepare", "--output", "x.png").status == 1)
    }

    @Test("verify finds a damaged artifact, and --repair has it computed again")
    func damage() throws {
        let (folder, cellar) = try collection()
        #expect(try cellar("slab", "add", "tomo_01", "--z", "0..<2").status == 0)
        #expect(try cellar("run").status == 0)
        let store = try BlobStore(directory: folder.file(".cellar/blobs"))
        let victim = try #require(
            try store.inventory().digests.max { (store.byteCount(of: $0) ?? 0) < (store.byteCount(of: $1) ?? 0) })
        var bytes = try Data(contentsOf: URL(fileURLWithPath: store.path(of: victim)))
        bytes[bytes.count / 2] ^= 0x40
        try bytes.write(to: URL(fileURLWithPath: store.path(of: victim)))
        let found = try cellar("verify", "--deep")
        #expect(found.status == 1)
        #expect(found.errors.contains(victim.hexadecimal))
        #expect(try cellar("verify", "--deep", "--repair").status == 1)
        #expect(try cellar("verify", "--deep").status == 0)
    }

    @Test("verify --repair has what is missing computed again, and leaves alone what cannot be read")
    func repairs() throws {
        let (folder, cellar) = try collection()
        #expect(try cellar("slab", "add", "tomo_01", "--z", "0..<2").status == 0)
        #expect(try cellar("run").status == 0)
        let store = try BlobStore(directory: folder.file(".cellar/blobs"))
        let digests = try store.inventory().digests
        let (missing, refused) = (digests[0], digests[1])
        try FileManager.default.removeItem(atPath: store.path(of: missing))
        // A folder in its place: nobody can read it, and nobody knows what it was.
        let place = store.path(of: refused)
        try FileManager.default.moveItem(atPath: place, toPath: folder.file("aside"))
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        let repair = try cellar("verify", "--deep", "--repair")
        #expect(repair.status == 1)
        #expect(repair.errors.contains("could not be checked"), "\(repair.errors)")
        #expect(repair.output.contains("noted that 1 artifacts are missing"), "\(repair.output)")
        #expect(repair.output.contains("removed 0 damaged artifacts"))
        #expect(FileManager.default.fileExists(atPath: place))
        try FileManager.default.removeItem(atPath: place)
        try FileManager.default.moveItem(atPath: folder.file("aside"), toPath: place)
        #expect(try cellar("verify", "--deep").status == 0)
    }

    @Test("of many that set parameters at once, none loses what another one set")
    func manyRecipes() throws {
        let (folder, cellar) = try collection()
        let settings = [
            "prepare.clahe.clip_limit=3.5", "prepare.tiles.size=96", "mask.offset=2.0", "features.mode=structure",
            "features.timesteps.count=3", "features.seed=7",
        ]
        let processes = try settings.map { try cellar.start(["recipe", "set", $0]) }
        for process in processes {
            process.process.waitUntilExit()
            #expect(process.process.terminationStatus == 0)
        }
        let shown = try rows(cellar("recipe", "show", "--format", "json").output)
        for setting in settings {
            let parts = setting.split(separator: "=").map(String.init)
            #expect(shown.contains { $0["parameter"] as? String == parts[0] && $0["value"] as? String == parts[1] }, "\(setting)")
        }
        withExtendedLifetime(folder) {}
    }

    @Test(
        "a diffusion model in one file is added with what it is, found by its content, and joined with a tokenizer from elsewhere"
    )
    func modelInOneFile() throws {
        let (folder, cellar) = try collection()
        try folder.write("small.safetensors", OneFileModel.bytes())
        let added = try cellar("model", "add", "small", "small.safetensors", "--kind", "diffusion")
        #expect(added.status == 0 && added.output.contains("Stable Diffusion 1 in one file"), "\(added.errors)")
        #expect(added.output.contains("no tokenizer, so the empty prompt only"))
        #expect(try cellar("model", "verify", "small").output == "small: sound\n")
        // The same tensors at another place are the same model.
        try folder.write("elsewhere/other-name.safetensors", OneFileModel.bytes())
        let again = try cellar("model", "add", "small", "elsewhere/other-name.safetensors", "--kind", "diffusion")
        #expect(again.output.contains("same weights as before"))

        #expect(try cellar("slab", "add", "tomo_01", "--z", "4..<5").status == 0)
        let settings = ["features.mode=diffusion", "features.model=small", "prepare.tiles.size=64", "features.timesteps.count=1"]
        #expect(try cellar(["recipe", "set"] + settings).status == 0)
        let run = try cellar("run", "--until", "features")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try cellar("recipe", "set", "features.prompt=a cell").status == 0)
        #expect(try cellar("run", "--until", "features").status == 1)

        // A vocabulary that is complete enough for this prompt, though not CLIP's.
        let golden = Repository.file("Tests/DiffusionTests/Golden/data/sd1-tiny/model")
        let joined = try cellar("model", "add", "small", "small.safetensors", "--kind", "diffusion", "--tokenizer", golden)
        #expect(joined.output.contains("tokenizer in") && joined.output.contains("new weights"), "\(joined.errors)")
        #expect(try cellar("model", "verify", "small").output == "small: sound\n")
        #expect(try cellar("run", "--until", "features").status == 0)
        let repeated = try cellar("model", "add", "small", "small.safetensors", "--kind", "diffusion", "--tokenizer", golden)
        #expect(repeated.output.contains("same weights as before"), "\(repeated.errors)")

        for (name, bytes, says) in [
            ("xl", HandmadeHeader.of("conditioner.embedders.0.model.ln_final.weight"), "Stable Diffusion XL"),
            ("flux", HandmadeHeader.of("double_blocks.0.img_mod.lin.weight"), "Flux"),
        ] {
            try folder.write("\(name).safetensors", bytes)
            let refused = try cellar("model", "add", name, "\(name).safetensors", "--kind", "diffusion")
            #expect(refused.status == 1 && refused.errors.contains(says), "\(refused.errors)")
        }
        try folder.write("sam.safetensors", HandmadeHeader.of("W2"))
        let sam = try cellar("model", "add", "sam", "sam.safetensors", "--kind", "cellpose")
        #expect(sam.status == 1 && sam.errors.contains("cpsam"), "\(sam.errors)")
        let tokenizer = try cellar("model", "add", "sam", "sam.safetensors", "--kind", "cellpose", "--tokenizer", golden)
        #expect(tokenizer.status == 1 && tokenizer.errors.contains("has no tokenizer"), "\(tokenizer.errors)")
    }

    @Test("models are added, listed, verified, used; bad ones are refused with a sentence")
    func models() throws {
        let (folder, cellar) = try collection()
        let golden = Repository.file("Tests/DiffusionTests/Golden/data/sd2-tiny/model")
        try FileManager.default.copyItem(atPath: golden, toPath: folder.file("sd"))
        #expect(try cellar("model", "add", "tiny", "sd", "--kind", "diffusion").output.hasPrefix("tiny: diffusion model"))
        #expect(try cellar("model", "add", "tiny", "sd", "--kind", "diffusion").output.contains("same weights"))
        #expect(try cellar("model", "add", "other", "sd", "--kind", "telepathy").status == 2)
        #expect(try cellar("model", "add", "none", "sd", "--kind", "diffusion").status == 1)
        #expect(try cellar("model", "add", "other", "nowhere", "--kind", "diffusion").errors.contains("there is no model"))
        #expect(try cellar("model", "add", "other", "data", "--kind", "diffusion").status == 1)
        let list = try rows(cellar("model", "list", "--format", "json").output)
        let names = ["builtin-diffusion", "builtin-cellpose", "builtin-structures", "tiny"]
        #expect(list.compactMap { $0["name"] as? String } == names)
        #expect(list[0]["licence"] as? String == "Apache-2.0")
        #expect(try cellar("model", "verify", "tiny").output == "tiny: sound\n")
        // The models that come with the program: what is lost comes back.
        try FileManager.default.removeItem(atPath: folder.file(".cellar/models/builtin-cellpose.safetensors"))
        #expect(try cellar("model", "verify").status == 1)
        #expect(try cellar("model", "builtin").output.contains("builtin-cellpose: cellpose model"))
        #expect(try cellar("model", "verify").status == 0)
        #expect(try cellar("model", "verify", "unknown").status == 1)

        #expect(try cellar("slab", "add", "tomo_01", "--z", "4..<5").status == 0)
        let settings = ["features.mode=diffusion", "features.model=tiny", "prepare.tiles.size=64", "features.timesteps.count=1"]
        #expect(try cellar(["recipe", "set"] + settings).status == 0)
        let run = try cellar("run", "--low-memory")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try cellar("doctor").output.contains("openblas"))

        let weights = folder.file("sd/unet/diffusion_pytorch_model.safetensors")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
        try bytes.dropLast().write(to: URL(fileURLWithPath: weights))
        let damaged = try cellar("model", "verify")
        #expect(damaged.status == 1)
        #expect(damaged.errors.contains("diffusion_pytorch_model.safetensors"), "\(damaged.errors)")
    }

    @Test(
        "the doctor sees that a disk is almost full, and what to do",
        .enabled(if: SmallDisk.isPermitted, "mounting a small file system is not permitted here"))
    func fullDisk() throws {
        let disk = try SmallDisk(megabytes: 128)
        let cellar = CellarProcess(folder: disk.path)
        #expect(try cellar("init").status == 0)
        let doctor = try cellar("doctor")
        #expect(doctor.status == 1)
        let finding = "! less than 1 GiB is free on the disk of \(disk.path)/.cellar; make room"
        #expect(doctor.output.contains(finding), "\(doctor.output)")
        #expect(try findings(of: cellar) == [])
    }

    @Test("an interrupted run ends by itself, and the next one goes on from there")
    func interruption() throws {
        let (_, cellar) = try collection(size: "256,256,64")
        #expect(try cellar("slab", "add", "tomo_01", "--z", "0..<64").status == 0)
        let (process, output, _) = try cellar.start(["run", "--jobs", "1", "--until", "prepare"])
        Thread.sleep(forTimeInterval: 0.4)
        process.interrupt()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        // A quick machine may have been done before.
        let isDone = try process.terminationStatus == 0 && cellar("plan", "--check", "--until", "prepare").status == 0
        #expect(process.terminationStatus == 1 || isDone, "\(text)")
        #expect(try cellar("run", "--until", "prepare").status == 0)
        #expect(try cellar("plan", "--check", "--until", "prepare").status == 0)
        #expect(try cellar("verify", "--deep").status == 0)
    }

    @Test("the same seed gives the same tomogram, and another one another")
    func simulation() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        for (name, seed) in [("a", "3"), ("b", "3"), ("c", "4")] {
            #expect(try cellar("simulate", name, "--tomograms", "1", "--size", "48,40,16", "--seed", seed).status == 0)
        }
        func digest(_ name: String) throws -> Digest {
            try VolumeSurvey.run(VolumeLocation(path: folder.file("\(name)/tomo_01.mrc")).open()).digest
        }
        #expect(try digest("a") == digest("b"))
        #expect(try digest("a") != digest("c"))
        #expect(try cellar("simulate", "d", "--size", "1,2").status == 2)
        #expect(try cellar("simulate", "d", "--snr=-1").status == 2)
    }

    @Test("training sets are chosen by columns of slabs and tomograms, listed, used and removed")
    func training() throws {
        let (_, cellar) = try collection()
        #expect(try cellar("training", "add", "none").errors.contains("the training set none would be empty"))
        for z in ["2..<4", "6..<9"] { #expect(try cellar("slab", "add", "tomo_01", "--z", z).status == 0) }
        #expect(try cellar("training", "add", "all").output == "training set all: 2 slabs, current\n")
        let thick = try cellar("training", "add", "thick", "--where", "slices > 2 AND voxel_size > 13 AND name = 'tomo_01'")
        #expect(thick.output == "training set thick: 1 slab\n")
        #expect(thick.errors.contains("cellar training use thick"))
        #expect(try cellar("training", "add", "odd", "--where", "no_such_column").status == 1)
        let sets = try rows(cellar("training", "list", "--format", "json").output)
        #expect(sets.map { $0["name"] as? String } == ["all", "thick"])
        #expect(sets.map { $0["slabs"] as? Int } == [2, 1])
        #expect(sets[1]["selection"] as? String == "slices > 2 AND voxel_size > 13 AND name = 'tomo_01'")
        #expect(try cellar("status").output.contains("training set: all\n"))
        #expect(try cellar("training", "use", "thick").output == "training set thick is current\n")
        #expect(try cellar("status").output.contains("training set: thick\n"))
        let refused = try cellar("slab", "remove", "1")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("slab 1 is a member of the training set all"))
        #expect(try cellar("training", "remove", "all").output == "removed the training set all\n")
        #expect(try cellar("slab", "remove", "1").status == 0)
        #expect(try cellar("training", "use", "all").status == 1)

        #expect(try cellar("annotate", "tomo_01", "--labels", "data/truth/tomo_01_labels.mrc", "--class", "membrane").status == 0)
        let drawn = try cellar("training", "add", "drawn", "--annotations", "--where", "kind = 'labels' AND size_z = 16")
        #expect(drawn.output == "training set drawn: 1 annotation\n", "\(drawn.errors)")
        #expect(try cellar("training", "add", "drawn").errors.contains("there is a training set drawn already"))
        let removed = try cellar("training", "remove", "thick")
        #expect(removed.errors.contains("no training set is current now"))
    }

    @Test("gc counts the folders of items that nothing goes on with, and drops them with --apply")
    func workspaces() throws {
        let (folder, cellar) = try collection()
        let workspace = folder.file(".cellar/work/" + String(repeating: "ab", count: 32))
        try FileManager.default.createDirectory(atPath: workspace, withIntermediateDirectories: true)
        try Data(count: 2048).write(to: URL(fileURLWithPath: "\(workspace)/state"))
        #expect(try cellar("gc").output.contains("1 abandoned workspace, 2.0 KiB\n"))
        #expect(FileManager.default.fileExists(atPath: workspace))
        #expect(try cellar("gc", "--apply").status == 0)
        #expect(!FileManager.default.fileExists(atPath: workspace))
    }
}

/// A safetensors file of one tensor of one float.
private enum HandmadeHeader {
    static func of(_ name: String) -> [UInt8] {
        let json = Array("{\"\(name)\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}".utf8)
        return [UInt8(json.count)] + [UInt8](repeating: 0, count: 7) + json + [0, 0, 0, 0]
    }
}
