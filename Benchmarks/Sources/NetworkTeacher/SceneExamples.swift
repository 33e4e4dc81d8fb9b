import Basics
import Simulation
import Synchronization
import Tensors
import Training
import Volumes

/// Patches of random scenes, which are simulated while the network learns: no scene is kept in a file, and none is seen for long.
///
/// The patches of a step are drawn from a pool of scenes. The pool of a step follows from the step's number, so that a training that was
/// stopped goes on with the same patches.
final class SceneExamples: TrainingExamples {
    struct Settings {
        var seed: UInt64 = 1
        var side = 192
        var depth = 48
        /// The scenes in the pool, and the steps after which one of them is replaced.
        var pool = 12
        var stepsOfScene = 12
        var patch = 160
        var context = 2
        var batch = 8
        var validationScenes = 6
        var validationBatches = 12
        var voxelSizeInAngstroms = 13.5
        var foreground = 0.6
    }

    private struct Scene: Sendable {
        let volume: PatchVolume
        let region: LabelledRegion
    }

    private let settings: Settings
    private let augmentations: Augmentations
    private var scenes: [Int: Scene] = [:]
    private let heldOut: PatchExamples

    init(_ settings: Settings, augmentations: Augmentations) throws {
        (self.settings, self.augmentations) = (settings, augmentations)
        // Scenes that never teach: from the other end of the seeds.
        let scenes = try (0..<settings.validationScenes).map { try Self.scene(1_000_000 + $0, settings) }
        heldOut = try Self.examples(scenes, settings, augmentations)
    }

    var validationBatches: Int { heldOut.validationBatches }

    func validationBatch(_ index: Int) throws -> TrainingBatch { try heldOut.validationBatch(index) }

    func batch(step: Int) throws -> TrainingBatch {
        let first = step / settings.stepsOfScene
        let wanted = first..<first + settings.pool
        for number in scenes.keys where !wanted.contains(number) { scenes[number] = nil }
        for number in wanted where scenes[number] == nil { scenes[number] = try Self.scene(number, settings) }
        return try Self.examples(wanted.compactMap { scenes[$0] }, settings, augmentations).batch(step: step)
    }

    private static func examples(_ scenes: [Scene], _ settings: Settings, _ augmentations: Augmentations) throws -> PatchExamples
    {
        guard let shape = VolumeShape(z: 1, y: settings.patch, x: settings.patch) else {
            throw TrainingError(.invalid, "patches of \(settings.patch) voxels cannot be")
        }
        let regions = scenes.enumerated().map { number, scene in
            LabelledRegion(
                volume: number, box: scene.region.box, foreground: scene.region.foreground,
                labels: { try scene.region.labels(in: $0) })
        }
        let sampler = try PatchSampler(
            volumes: scenes.map(\.volume), regions: regions, shape: shape, context: settings.context,
            foregroundShare: regions.contains { $0.foreground.count > 0 } ? settings.foreground : 0, jitter: settings.patch / 3)
        return PatchExamples(
            training: sampler, heldOut: sampler, orientations: Orientation.slab, augmentations: augmentations,
            batch: settings.batch,
            validationBatches: settings.validationBatches, seed: settings.seed)
    }

    /// Simulates a scene.
    private static func scene(_ number: Int, _ settings: Settings) throws -> Scene {
        var scenes = RandomisedScenes()
        scenes.voxelSizesInAngstroms = settings.voxelSizeInAngstroms...settings.voxelSizeInAngstroms
        // As the network of the program was taught. With a share of .6 it found fewer membranes (Benchmarks/NOTES.md).
        scenes.phaseFlippedShare = 0
        let parameters = scenes.parameters(
            seed: settings.seed &* 1_000_003 &+ UInt64(number), x: settings.side, y: settings.side, z: settings.depth)
        let tomogram = try TomogramSimulation(parameters).run()
        let shape = tomogram.greyValues.shape
        let values = tomogram.greyValues.floats()
        // As the program does before a network sees a tomogram: cut off at two percentiles, mean 0, standard deviation 1.
        let sorted = values.sorted()
        let (low, high) = (sorted[sorted.count / 200], sorted[sorted.count - 1 - sorted.count / 200])
        let clipped = values.map { min(max($0, low), high) }
        let mean = clipped.reduce(0.0) { $0 + Double($1) } / Double(clipped.count)
        let variance = clipped.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(clipped.count)
        let volume = try PatchVolume(shape: shape, mean: mean, standardDeviation: variance.squareRoot()) { box in
            part(clipped, box, shape)
        }
        let labels = TaughtClasses.labels(of: tomogram)
        var runs = ForegroundRuns(box: shape.box)
        for z in 0..<shape.z {
            // The outside is no foreground that patches are centred on.
            let slice = labels[z * shape.voxelsPerSlice..<(z + 1) * shape.voxelsPerSlice].map { $0 == 6 ? 0 : $0 }
            try runs.append(slice)
        }
        let region = LabelledRegion(volume: 0, box: shape.box, foreground: .voxels(runs)) { box in part(labels, box, shape) }
        return Scene(volume: volume, region: region)
    }

    /// The values of a box of an array `[z][y][x]`.
    private static func part<Value>(_ values: [Value], _ box: Box, _ shape: VolumeShape) -> [Value] {
        var result: [Value] = []
        result.reserveCapacity(box.shape.count)
        for z in box.z {
            for y in box.y {
                let row = (z * shape.y + y) * shape.x
                result += values[row + box.x.lowerBound..<row + box.x.upperBound]
            }
        }
        return result
    }
}
