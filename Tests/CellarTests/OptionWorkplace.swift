import CellarKit
import Foundation
import TestSupport
import Testing

@testable import Engine
@testable import cellar

/// A small collection with results of every kind, and files of every odd kind beside it: as often as wanted, each for one who
/// tries commands on it, and made anew after those that changed it.
struct OptionWorkplace {
    /// What is made once and copied.
    final class Template: Sendable {
        fileprivate let folder: String
        private let results: HandmadeResults
        fileprivate let user: Tester

        /// - Parameter user: who runs commands, and owns all files.
        init(for user: Tester) throws {
            self.user = user
            results = try HandmadeResults()
            folder = results.folder.path
            try Self.addResults(results)
            try Self.addFiles(results.folder)
            let odd = results.folder.file("odd")
            try FileManager.default.createDirectory(atPath: odd, withIntermediateDirectories: true)
            mkdir("\(odd)/locked-folder", 0)
            for suffix in OddValue.extensions {
                mkdir("\(odd)/folder\(suffix)", 0o755)
                mkfifo("\(odd)/pipe\(suffix)", 0o644)
                symlink("/dev/full", "\(odd)/full\(suffix)")
                try results.folder.write("odd/locked\(suffix)", [1, 2, 3])
                chmod("\(odd)/locked\(suffix)", 0)
            }
            try Self.addBundle(results.folder)
            // What takes long to copy, and no command here needs.
            try FileManager.default.removeItem(atPath: results.folder.file(".cellar/models/builtin-diffusion"))
            if let id = user.id { try OptionWorkplace.shell("/bin/chown", "-Rh", "\(id):\(id)", folder) }
        }

        private static func addResults(_ results: HandmadeResults) throws {
            #expect(try results.cellar("slab", "add", "t", "--z", "4..<6").status == 0)
            let objects = (1...9).map { number in
                FoundObject(
                    number: number, class: number.isMultiple(of: 3) ? "membrane" : "ribosome", centroidInAngstroms: .zero,
                    voxels: 1,
                    volumeInCubicNanometers: Double(number * number), elongation: 1 + Double(number) / 9,
                    boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
            }
            try results.publish("measure", objects: objects)
            let curve = """
                {"membrane": {"source": "segment", "recall": [0.2, 0.9], "precision": [1, 0.4], "threshold": [0.9, 0.1]}}
                """
            for (key, dice) in [("first", 0.5), ("second", 0.75)] {
                try results.publish("evaluate", key: key, metrics: [("membrane/dice", dice)], values: ["curves": curve])
            }
            try results.publishSegmentation()
            try results.publishCentreSurface()
            try results.publishPicks()
            let picks = try #require(
                try results.catalog.results.standingArtifact(
                    step: "pick", scopeID: results.tomogramID, output: "particles"))
            var measured = Array(objects.prefix(4))
            for index in measured.indices { measured[index].kind = .init(number: 1 + index % 2, certainty: 0.9) }
            try results.publishDescriptors()
            let kinds = try Project(at: CatalogDirectory(path: results.folder.file(".cellar"))).findKinds()
            #expect(kinds.numbers == [1, 2])
            try results.publish(
                "measure-picks", inputs: [.init(name: "pick.particles", digest: picks, value: nil)],
                models: ["kinds": results.catalog.collection.model(named: kinds.model).digest.hexadecimal], objects: measured)
            try results.catalog.collection.nameKind(2, "small")
            let header = #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
            let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
            try results.publishNetwork("train-membrane", bytes: length + Array(header.utf8) + [UInt8](1...8))
        }

        /// A bundle of one task without items.
        private static func addBundle(_ folder: TemporaryDirectory) throws {
            let bundle = BundleFolder(path: folder.file("spool/run-1-1-test"))
            for name in ["tasks", "results/0", "progress"] { try SealedFile.makeFolder("\(bundle.path)/\(name)") }
            let blobs = folder.file(".cellar/blobs")
            try SealedFile.write(
                BundleHeader(
                    version: CellarCommand.version, catalog: "", runID: 1, blobs: blobs, workFolder: "",
                    prefersLittleMemory: false,
                    recipe: [:], steps: [], models: [], tasks: [BundleHeader.Task(step: "", items: 0)]), to: bundle.header)
            try SealedFile.write(
                BundleTask(bundle: bundle.id, number: 0, tomograms: [], scopes: [], items: []), to: bundle.task(0))
        }

        private static func addFiles(_ folder: TemporaryDirectory) throws {
            let axes = HandmadeResults.shape
            let shape = try #require(VolumeShape(z: axes.z, y: axes.y, x: axes.x))
            for (name, type) in [("labels.mrc", ScalarType.uint8), ("extra.mrc", .float32)] {
                let writer = try MRCWriter(
                    path: folder.file(name), shape: shape, scalarType: type, voxelSize: VoxelSize(cubicInAngstroms: 10))
                let buffer =
                    type == .uint8
                    ? VoxelBuffer(shape: shape, values: (0..<shape.count).map { UInt8($0 % 2) })
                    : VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0 % 89) })
                try writer.append(#require(buffer))
                try writer.finish()
            }
            try folder.write("small.safetensors", OneFileModel.bytes())
            let tokenizer = Repository.file("Tests/DiffusionTests/Golden/data/sd1-tiny/model/tokenizer")
            try FileManager.default.copyItem(atPath: tokenizer, toPath: folder.file("tokenizer"))
            try folder.write("points.csv", Array("x [A],y [A],z [A]\n100,100,20\n200,100,30\n".utf8))
            try folder.write("probe/question.json", Array(#"{"catalog": "/", "version": "0", "token": "t"}"#.utf8))
            try folder.write("tomograms.csv", Array("path,name,dataset,grid\nextra.mrc,table,g,A3\n".utf8))
            let copick = CopickFixture(folder)
            try copick.configure("copick.json", objects: [("ribosome", true, 1, 125)])
            try copick.tomogram("TS_1")
            try copick.picks("TS_1", "alice_1_ribosome", points: [[10, 10, 10]])
            let portal = folder.file("10301/run/Reconstructions/VoxelSpacing10.000/Tomograms/100")
            try FileManager.default.createDirectory(atPath: portal, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: folder.file("extra.mrc"), toPath: "\(portal)/run.mrc")
        }
    }

    private let template: Template
    private let directory: TemporaryDirectory
    private let user: Tester
    /// Where commands run.
    let folder: String

    init(_ template: Template) throws {
        (self.template, user) = (template, template.user)
        directory = try TemporaryDirectory()
        folder = directory.file("project")
        try renew()
    }

    /// Makes it as it was at first.
    func renew() throws {
        try Self.shell("/bin/rm", "-rf", folder)
        try Self.shell("/bin/cp", "-a", template.folder, folder)
        // Its paths are absolute: all workplaces would write into the template's folder, each in the way of the others.
        let copick = "\(folder)/copick.json"
        let text = try String(contentsOfFile: copick, encoding: .utf8)
        try text.replacingOccurrences(of: template.folder, with: folder).write(toFile: copick, atomically: false, encoding: .utf8)
    }

    /// Runs a command of the program.
    func run(_ arguments: [[UInt8]], timeLimitInSeconds: Double) throws -> SpawnedProgram.Result {
        var program = CellarProcess(folder: folder).program([])
        program.arguments = arguments
        program.timeLimitInSeconds = timeLimitInSeconds
        if let id = user.id {
            let words = ["--reuid=\(id)", "--regid=\(id)", "--clear-groups", program.executable]
            program.arguments = words.map { Array($0.utf8) } + arguments
            program.executable = Tester.setpriv
        }
        return try program.run()
    }

    fileprivate static func shell(_ words: String...) throws {
        let result = try SpawnedProgram(words[0], words.dropFirst().map { Array($0.utf8) }, in: "/").run()
        try #require(result.end == .exit(0), "\(words): \(result.errors)")
    }

    // MARK: What a command may have changed

    /// Everything that a command could change: each row of each table, and each file by size, time and inode.
    struct Snapshot: Equatable {
        var tables: [String: [[QueryValue]]] = [:]
        var files: [String: [Int]] = [:]

        /// The first thing that is not as it was.
        func difference(from earlier: Snapshot) -> String {
            for name in Set(tables.keys).union(earlier.tables.keys).sorted() where tables[name] != earlier.tables[name] {
                return "the table \(name)"
            }
            for name in Set(files.keys).union(earlier.files.keys).sorted() where files[name] != earlier.files[name] {
                return "the file \(name)"
            }
            return "nothing"
        }
    }

    func snapshot() throws -> Snapshot {
        var snapshot = Snapshot()
        let connection = try QueryConnection(Catalog.open(at: CatalogDirectory(path: "\(folder)/.cellar")))
        var names: [String] = []
        try connection.run("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") { row in
            if case .text(let name)? = row.first { names.append(name) }
        }
        for name in names { try connection.run("SELECT * FROM \"\(name)\"") { snapshot.tables[name, default: []].append($0) } }
        try Self.addFiles(below: folder, prefix: "", to: &snapshot)
        return snapshot
    }

    private static func addFiles(below folder: String, prefix: String, to snapshot: inout Snapshot) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            // The database is compared by its rows, and a lock holds nothing.
            if prefix == ".cellar/", name.hasPrefix("catalog.sqlite") || name == "run.lock" { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            let times = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
            snapshot.files[prefix + name] =
                [Int(status.st_mode), Int(status.st_ino)] + (isFolder ? [] : [Int(status.st_size)] + times)
            if isFolder, access("\(folder)/\(name)", R_OK | X_OK) == 0 {
                try addFiles(below: "\(folder)/\(name)", prefix: "\(prefix)\(name)/", to: &snapshot)
            }
        }
    }
}

/// Who runs the program: not root, whom no permission stops, if there is a way.
struct Tester {
    static let setpriv = "/usr/bin/setpriv"

    /// The user that commands are given to; nil for the one who tests.
    let id: Int?
    /// Whether permissions mean something to it.
    let isStoppedByPermissions: Bool

    init() {
        let nobody = 65_534
        // What setpriv starts may pass folders of root, but not what that starts: a program below /root can start no worker.
        let nested = ["/bin/sh", "-c", #"exec "$0" --version"#, CellarProcess.executable.path]
        let probe = SpawnedProgram(
            Self.setpriv,
            (["--reuid=\(nobody)", "--regid=\(nobody)", "--clear-groups"] + nested).map {
                Array($0.utf8)
            }, in: "/")
        if geteuid() != 0 {
            (id, isStoppedByPermissions) = (nil, true)
        } else if (try? probe.run())?.end == .exit(0) {
            (id, isStoppedByPermissions) = (nobody, true)
        } else {
            (id, isStoppedByPermissions) = (nil, false)
        }
    }
}
