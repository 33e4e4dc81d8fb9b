import ArgumentParser
import CellarKit
import Foundation

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Simulate a small collection and run every step there is on it.",
        discussion: "A new folder with its own catalog: delete it when you have seen it.")

    @Argument(help: "A new folder.")
    var directory = "cellar-demo"

    @Option(help: "How many tomograms.")
    var tomograms = 3

    @Option(help: ArgumentHelp("Voxels along x, y and z.", valueName: "x,y,z"))
    var size = VolumeSize(x: 512, y: 512, z: 96)

    func run() throws {
        guard !FileManager.default.fileExists(atPath: directory) else {
            throw CatalogError(.alreadyExists, "\(directory) exists already; name a new folder, or delete it")
        }
        let data = "\(directory)/data"
        step("simulate \(data) --tomograms \(tomograms) --size \(size) --phase-plate --snr 0.3")
        let paths = try SimulateCommand.simulate(
            in: data, count: tomograms, size: size, seed: 1, voxelSize: 13.48, snr: 0.3, phasePlate: true)

        try perform(["init", directory])
        try perform(["add"] + paths + ["--dataset", "simulated", "--meta", "source=demo"])
        try perform([
            "annotate", "tomo_01", "--labels", "\(data)/truth/tomo_01_labels.mrc", "--class", "membrane=1", "--class",
            "ribosome=2",
        ])
        try perform(["run", "--until", "describe"])
        try perform(["slab", "suggest", "--count", "2", "--slices", "20", "--add"])
        try perform(["plan"])
        try perform(["run"])
        try perform([
            "list", "tomograms", "--columns", "name, size_x, size_y, size_z, voxel_size, density_mean, density_std, slabs",
        ])
        let middle = "\(size.z / 2)"
        try perform(["show", "tomo_01", "--z", middle, "--labels", "--output", "\(directory)/truth.png"])
        let slab = try Workspace(directory: CatalogDirectory.find(named: directory, from: ".")).catalog.firstSlab()
        if let slab {
            let slice = ["\(slab.tomogramId)", "--z", "\((slab.zFirst + slab.zEnd) / 2)"]
            try perform(["show"] + slice + ["--overview", "--output", "\(directory)/overview.png"])
            try perform(["show"] + slice + ["--step", "pseudo-labels", "--output", "\(directory)/pseudo-labels.png"])
            try perform(["export", "points", slice[0], "--output", "\(directory)/particles.star"])
        }
        print(
            """

            Try next:
              cd \(directory)
              cellar recipe set prepare.clahe.clip_limit=3 && cellar why \(slab.map { "\($0.tomogramId)" } ?? "tomo_01")
              cellar run && cellar plan
              cellar query "SELECT tomogram, class, count(*) AS objects, round(avg(volume_nm3)) AS volume_nm3 FROM v_object GROUP BY tomogram, class"
            """)
    }

    private func step(_ text: String) { print("\n" + Terminal.output.bold("$ cellar \(text)")) }

    /// Runs a command as if it had been typed in the folder of the demo.
    private func perform(_ arguments: [String]) throws {
        step(arguments.joined(separator: " "))
        let needsCatalog = arguments.first != "init"
        var command = try CellarCommand.parseAsRoot(arguments + (needsCatalog ? ["--catalog", directory] : []))
        try command.run()
    }
}
