import ArgumentParser
import Basics
import CellarKit
import Foundation

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Simulate a small collection and run every step there is on it.",
        discussion: "A new folder with its own catalog, which nothing else deletes: do it yourself when you have seen it.")

    @Argument(help: "A new folder.")
    var directory = "cellar-demo"

    @Option(help: "How many tomograms, at least two: networks learn from the first, and are tested on the others.")
    var tomograms: WholeNumber<2, 1000> = 3

    @Option(help: ArgumentHelp("Voxels along x, y and z.", valueName: "x,y,z"))
    var size = VolumeSize(x: 256, y: 256, z: 64)

    func validate() throws {
        guard min(size.x, size.y) >= 128, size.z >= 32 else {
            throw ValidationError("--size is too small for a demo; give 128,128,32 or more.")
        }
    }

    func run() throws {
        guard !FileManager.default.fileExists(atPath: directory) else {
            throw CatalogError(.alreadyExists, "\(directory) exists already; name a new folder, or delete it")
        }
        let data = "\(directory)/data"
        step("simulate \(data) --tomograms \(tomograms) --size \(size) --snr 0.5")
        let parameters = SimulateCommand.parameters(size: size, seed: 1, snr: 0.5)
        let paths = try SimulateCommand.write(
            SimulatedCollection(directory: data, count: tomograms.value, parameters: parameters), areReplaced: false,
            showing: ProgressOptions.shown("simulate"))

        try perform(["init", directory])
        try perform(["add"] + paths + ["--dataset", "simulated", "--meta", "source=demo"])
        // A bilayer is some 50 Å thick; how thick networks draw it depends on who taught them.
        let thickness = "\(MembraneStep.name).thickness=50"
        try perform(["recipe", "set", thickness])
        // Before anything was picked: the network that comes with the program.
        let middle = "\(size.z / 2)"
        try perform(["run"])
        try perform(["show", "tomo_02", "--z", middle, "--step", SegmentStep.name, "--output", "\(directory)/first.png"])
        // The truth is shown to the steps that evaluate, and to no other.
        let particles = ["ribosome", "proteasome", "complex"]
        let labels = ["membrane"] + particles + ["actin", "microtubule", "gold"]
        for path in paths {
            let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
            try perform(
                ["annotate", name, "--labels", "\(data)/truth/\(name)_labels.mrc"]
                    + labels.enumerated().flatMap { ["--class", "\($1)=\($0 + 1)"] })
            try perform(
                ["annotate", name, "--points", "\(data)/truth/\(name)_particles.csv", "--radius", "110"]
                    + (particles + ["gold"]).flatMap { ["--class", $0] })
        }
        let pairs = (particles.map { "\($0)=macromolecule" } + ["gold="]).joined(separator: ",")
        try perform([
            "recipe", "set", "\(EvaluatePicksStep.name).classes=\(pairs)", "\(EvaluatePseudoLabelsStep.name).classes=\(pairs)",
            "\(EvaluateStep.name).classes=ribosome=macromolecule,proteasome=small-particle,complex=small-particle,actin=filament,"
                + "microtubule=filament,gold=",
        ])
        try perform(["run"])
        try perform(["query", Self.summary])

        // A few slices to learn from, deeper than a particle; nobody says what is in them. The sample ends at a tenth of the depth:
        // networks that have not seen its surface find particles all over it.
        let slices = min(24, size.z * 3 / 4)
        let first = size.z / 32
        try perform(["slab", "add", "tomo_01", "--z", "\(first)..<\(first + slices)"])
        try perform(["training", "add", "first"])
        try perform(["recipe", "preset", "quick"])
        // The preset set the thickness anew, too.
        try perform(["recipe", "set", thickness])
        try perform(["plan"])
        try perform(["run"])

        try perform(
            ["show", "tomo_01", "--z", "\(first + slices * 3 / 4)", "--overview", "--output", "\(directory)/overview.png"])
        try perform(["show", "tomo_02", "--z", middle, "--labels", "--output", "\(directory)/truth.png"])
        try perform(["show", "tomo_02", "--z", middle, "--step", SegmentStep.name, "--output", "\(directory)/segmentation.png"])
        try perform(["show", "tomo_02", "--z", middle, "--step", PickStep.name, "--output", "\(directory)/particles.png"])
        try perform(["show", "first", "--curves", "--output", "\(directory)/curves.png"])
        try perform(["report", "\(directory)/report"])
        try perform(["query", Self.summary])
        print(
            """

            Look at \(directory)/report/index.html, \(directory)/first.png, \(directory)/overview.png and \(directory)/segmentation.png.
            The first segmentation is by a network that learned from simulated scenes alone, as these tomograms are; the second one also learned
            for minutes from slices that nobody labelled, which is short, and may be worse: compare the two tables. Your tomograms are harder: it
            shows the way, and is no measure of quality.

            Try next:
              cd \(directory)
              cellar recipe set split.particle.largest_diameter=300 && cellar why tomo_01 && cellar run
              cellar recipe set segment.network=builtin pick.network=builtin && cellar run      # as at first
              cellar stats evaluation
              cellar export points tomo_02 --output particles.star
            """)
    }

    /// What came of it, on tomograms that the networks have not seen and on the one that they learned from.
    private static let summary = """
        SELECT tomogram, CASE trained_on WHEN 1 THEN 'yes' ELSE 'no' END AS learned_from,
            round(max(value) FILTER (WHERE class = 'membrane' AND measure = 'dice'), 3) AS membrane_dice,
            round(max(value) FILTER (WHERE class = 'macromolecule' AND measure = 'f1'), 3) AS particle_f1,
            CAST(max(value) FILTER (WHERE measure = 'true') AS INTEGER) AS particles,
            CAST(max(value) FILTER (WHERE measure = 'found') AS INTEGER) AS found
        FROM v_evaluation WHERE step IN ('\(EvaluateStep.name)', '\(EvaluatePicksStep.name)') GROUP BY tomogram ORDER BY tomogram
        """

    private func step(_ text: String) {
        print("\n" + Terminal.output.bold("$ cellar \(text)"))
        // It is seen before the command begins, also by a program that reads along.
        OutputStreams.standard.flush()
    }

    /// Runs a command as if it had been typed in the folder of the demo.
    private func perform(_ arguments: [String]) throws {
        step(arguments.joined(separator: " "))
        let needsCatalog = arguments.first != "init"
        var command = try CellarCommand.parseAsRoot(arguments + (needsCatalog ? ["--catalog", directory] : []))
        try command.run()
        try OutputStreams.standard.check()
    }
}
