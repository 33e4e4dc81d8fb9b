import Basics
import Foundation
import Tensors
import Training

/// Teaches the network that comes with the program, on random scenes of Cellar's own simulation and nothing else.
///
///     network-teacher OUTPUT.safetensors [--steps N] [--width W] [--seed S] [--rate R] [--initial FILE] [--state FILE]
///
/// The network is a U-Net in two dimensions that sees two slices on each side. A training that is stopped goes on where it was, if the state
/// file is there; another network is where it begins instead of random weights (`--initial`).
/// Sources/CBuiltinModels/README.md says what taught the network that is in the program, and for how long.
struct Arguments {
    var output = ""
    var steps = 6000
    var width = 16
    var seed: UInt64 = 1
    var state: String?
    var initial: String?
    var rate = 0.002

    init(_ words: [String]) throws {
        var rest = words[...]
        while let word = rest.popFirst() {
            func number<Value: LosslessStringConvertible>() throws -> Value {
                guard let text = rest.popFirst(), let value = Value(text) else {
                    throw TrainingError(.invalid, "\(word) needs a number")
                }
                return value
            }
            switch word {
            case "--steps": steps = try number()
            case "--width": width = try number()
            case "--seed": seed = try number()
            case "--rate": rate = try number()
            case "--state": state = rest.popFirst()
            case "--initial": initial = rest.popFirst()
            default: output = word
            }
        }
        guard !output.isEmpty else { throw TrainingError(.invalid, "name the file to write") }
    }
}

/// The description that the program reads (`NetworkDescription` in Pipeline).
struct Description: Encodable {
    struct ParticleOutput: Encodable {
        let name: String
        let output: Int
        let diameterInAngstroms: Double
        let leastScore: Double
    }

    let step = "simulation"
    let classes = TaughtClasses.classes
    let voxelSizeInAngstroms: Double
    let diametersInAngstroms: [Double] = []
    let patchSize: Int
    let seed: Int
    let epoch: Int
    let thresholds = TaughtClasses.thresholds
    let members: [String] = []
    let outputs = TaughtClasses.outputs
    let particles = [
        ParticleOutput(
            name: "macromolecule", output: TaughtClasses.coreOutput, diameterInAngstroms: 250,
            leastScore: TaughtClasses.leastScore)
    ]
}

func teach() throws {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    var settings = SceneExamples.Settings()
    settings.seed = arguments.seed
    let augmentations = try Augmentations(
        parsing: "rotation 0.5 -45..45, zoom 0.5 0.8..1.25, noise 0.4 0..0.8, blur 0.3 0.3..1.3, spectrum 0.5 0.1..0.5, "
            + "wedge 0.2 40..70, contrast 0.7 0.6..1.6, brightness 0.5 -0.4..0.4, gamma 0.3 0.7..1.4, gradient 0.3 0..0.6, blank 0.2 0.05..0.25"
    )
    let examples = try SceneExamples(settings, augmentations: augmentations)
    let architecture = NetworkArchitecture.unet(
        try UNetArchitecture(
            dimensions: 2, classes: TaughtClasses.outputs.count, width: arguments.width, levels: 4, normalization: .group(8),
            context: settings.context))
    let stepsOfEpoch = 100
    let training = try TrainingSettings(
        batch: settings.batch, stepsPerEpoch: stepsOfEpoch, epochs: arguments.steps / stepsOfEpoch, learningRate: arguments.rate,
        weightDecay: 0.01, schedule: .oneCycle, averaging: 0.998, seed: arguments.seed)
    let network =
        try arguments.initial.map { try NetworkCheckpoint.read($0, expecting: architecture) }
        ?? architecture.network(seed: arguments.seed)
    let trainer = Trainer(
        network, loss: SegmentationLoss(.softmax), settings: training, examples: examples,
        state: arguments.state.map { URL(fileURLWithPath: $0) })
    let result = try trainer.run(epoch: { epoch in
        let line =
            "epoch \(epoch.number): loss \(epoch.loss), held out \(epoch.validationLoss ?? 0), Dice \(epoch.validationDice ?? 0), "
            + "thresholds \(epoch.thresholds ?? []), \(Int(epoch.seconds)) s\n"
        FileHandle.standardOutput.write(Data(line.utf8))
    })
    let description = Description(
        voxelSizeInAngstroms: settings.voxelSizeInAngstroms, patchSize: settings.patch, seed: Int(arguments.seed),
        epoch: result.epoch)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try NetworkCheckpoint.write(
        result.network, to: arguments.output,
        metadata: ["cellar.training": String(decoding: try encoder.encode(description), as: UTF8.self)], halves: true)
}

do {
    try teach()
} catch {
    FileHandle.standardError.write(Data("network-teacher: \(error)\n".utf8))
    exit(1)
}
