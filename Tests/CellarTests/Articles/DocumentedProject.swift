import Foundation
import TestSupport
import Testing

/// A project in which the commands of articles run: two small simulated tomograms with annotations, a slab, a training set and results of
/// every step. It is made once, as the demo makes its own, with networks that learn for a second, and copied.
struct DocumentedProject {
    private final class Template: Sendable {
        let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
            let cellar = CellarProcess(in: directory)
            func run(_ command: [String]) throws {
                let result = try cellar(command)
                try #require(result.status == 0, "\(command): \(result.errors)")
            }
            try run(["simulate", "data", "--tomograms", "2", "--size", "192,192,40", "--snr", "2"])
            try run(["init"])
            try run(["add", "data/tomo_01.mrc", "data/tomo_02.mrc", "--dataset", "simulated", "--meta", "source=demo"])
            try run(["recipe", "preset", "quick"])
            try run(["recipe", "set"] + Self.hasty)
            let labels = ["membrane", "ribosome", "proteasome", "complex", "actin", "microtubule", "gold"]
            for name in ["tomo_01", "tomo_02"] {
                try run(
                    ["annotate", name, "--labels", "data/truth/\(name)_labels.mrc"]
                        + labels.enumerated().flatMap { ["--class", "\($1)=\($0 + 1)"] })
                try run(
                    ["annotate", name, "--points", "data/truth/\(name)_particles.csv", "--radius", "110"]
                        + ["ribosome", "proteasome", "complex", "gold"].flatMap { ["--class", $0] })
            }
            try run(["slab", "add", "tomo_01", "--z", "2..<36"])
            try run(["training", "add", "first"])
            try run(["run"])
        }

        /// Small tiles without a model, and networks that are small and learn little.
        private static let hasty: [String] = {
            let pairs = "ribosome=macromolecule,proteasome=macromolecule,complex=macromolecule,gold="
            return [
                "features.mode=structure", "prepare.tiles.size=128", "membrane.thickness=50",
                "pseudo-labels.sources.sheets=false", "pseudo-labels.sources.model=false",
                "train-membrane.network.width=4", "train-membrane.network.levels=2", "train-membrane.epoch.count=2",
                "train-membrane.epoch.steps=4", "train-membrane.start=random", "train-membrane.initial=none",
                "train-particles.network.width=4", "train-particles.epoch.count=2", "train-particles.epoch.steps=2",
                "train-particles.start=random",
                "evaluate-picks.classes=\(pairs)", "evaluate-pseudo-labels.classes=\(pairs)",
                "evaluate.classes=ribosome=macromolecule,proteasome=small-particle,complex=small-particle,actin=filament,"
                    + "microtubule=filament,gold=",
            ]
        }()
    }

    private static let template = Result { try Template() }

    let cellar: CellarProcess
    private let directory: TemporaryDirectory
    var folder: String { directory.path }

    /// Makes a copy, with a copick project and a folder of the CryoET Data Portal beside the catalog.
    init() throws {
        let template = try Self.template.get()
        directory = try TemporaryDirectory()
        cellar = CellarProcess(in: directory)
        let copied = try cellar(running: ["cp", "-a", "\(template.directory.path)/.", directory.path])
        try #require(copied.status == 0, "\(copied.errors)")
        let copick = CopickFixture(directory)
        try copick.configure("copick.json", objects: [("ribosome", true, 2, 125)])
        try copick.tomogram("TS_1")
        try copick.picks("TS_1", "alice_1_ribosome", points: [[10, 20, 30]])
        let portal = directory.file("10301/run/Reconstructions/VoxelSpacing13.480/Tomograms/100")
        try FileManager.default.createDirectory(atPath: portal, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: directory.file("data/tomo_01.mrc"), toPath: "\(portal)/run.mrc")
    }

    /// Runs a line of a shell, in which `cellar` is the built program.
    func shell(_ line: String) throws -> CellarProcess.Result {
        let program = CellarProcess.executable.deletingLastPathComponent().path
        return try cellar(running: ["bash", "-c", "PATH=\"$0:$PATH\"\n\(line)", program])
    }

    /// Adds what a collection has that lives: a tomogram that is fainter than the others of its dataset, one with the voxels of another and
    /// with a voxel size that its header contradicts, one whose file broke, and what a person says of a particle.
    func fill() throws {
        for line in [
            "cellar simulate odd --tomograms 1 --size 64,64,32 --snr 0.05",
            "cellar add odd/tomo_01.mrc --dataset simulated --name faint",
            "cellar add data/tomo_02.mrc --dataset again --name twin --voxel-size 14",
            "cp odd/tomo_01.mrc broken.mrc && cellar add broken.mrc --dataset broken && truncate -s 3000 broken.mrc",
            "cellar curate tomo_02 --add --class macromolecule --at 60,60,16",
            "cellar run --until sample || [ $? = 1 ]",
        ] {
            let result = try shell(line)
            try #require(result.status == 0, "\(line): \(result.errors)")
        }
    }
}
