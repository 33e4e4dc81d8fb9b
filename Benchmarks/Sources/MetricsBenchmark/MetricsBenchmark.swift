import BenchmarkSupport
import Foundation
import ImageProcessing
import Metrics
import Volumes

/// Measures what evaluating, measuring and drawing a segmentation cost: overlap, surfaces and skeletons of membranes, picks, and
/// every object.
///
///     metrics-benchmark [SLICES] [SIDE] [PICKS]
@main
struct MetricsBenchmark {
    static let usage = "metrics-benchmark [SLICES] [SIDE] [PICKS]"

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
        guard arguments.count <= 3, arguments.allSatisfy({ $0 ?? 0 > 0 }) else { Report.fail(usage: usage) }
        let values = arguments.compactMap { $0 } + [300, 1000, 10_000].dropFirst(arguments.count)
        guard let shape = VolumeShape(z: values[0], y: values[1], x: values[1]), let size = VoxelSize(cubicInAngstroms: 13.48),
            let scene = CellScene(shape: shape)
        else {
            Report.fail(usage: usage)
        }
        try picks(values[2])
        try measure(scene, size)
        try draw(scene, size)
        try evaluate(scene, size)
    }

    /// The centre surface of the membrane, and membranes drawn around it.
    private static func draw(_ scene: CellScene, _ size: VoxelSize) throws {
        let shape = scene.shape
        var finder = CentreSurfaceFinder(shape: shape, voxelSize: size)
        let drawing = try SheetDrawing(shape: shape, voxelSize: size, thicknessInAngstroms: 60)
        var surface: [Image<UInt8>] = []
        var (seconds, voxels) = ((found: 0.0, drawn: 0.0), 0)
        for z in 0..<shape.z {
            let mask = scene.labels(z).map { $0 == 1 }
            voxels += mask.foregroundCount
            seconds.found += try ProcessUse.measure { surface += try finder.add(mask) }.processorSeconds
        }
        var drawn = 0
        for z in stride(from: 0, to: shape.z, by: 16) {
            seconds.drawn += try ProcessUse.measure {
                drawn += drawing.masks(of: z..<min(z + 16, shape.z)) { surface[$0] }.map(\.foregroundCount).reduce(0, +)
            }.processorSeconds
        }
        let million = Double(shape.count) / 1e6
        Report.row(
            "centre surface: \(shape), \(voxels) voxels of membrane",
            "\(Report.text(million / seconds.found, 0)) million voxels a second of one core; drawn 60 Å thick "
                + "\(Report.text(million / seconds.drawn, 0)) (\(drawn) voxels)")
    }

    private static func picks(_ count: Int) throws {
        // As dense as their radius allows, so that many want the same truth.
        var random = SeededRandom(seed: 1)
        let side = 100 * pow(Double(count), 1.0 / 3)
        func place() -> SIMD3<Double> { SIMD3(random.unit() * side, random.unit() * side, random.unit() * side) }
        let truth = (0..<count).map { _ in place() }
        for radius in [40.0, 80, 135] {
            let picks = truth.map { center in
                Pick(
                    center: center + SIMD3(random.unit() - 0.5, random.unit() - 0.5, random.unit() - 0.5) * radius * 1.5,
                    score: random.unit())
            }
            for rule in [PickRule.oneToOne(radiusInAngstroms: radius), .greedy(radiusInAngstroms: radius)] {
                var pairs = 0
                let use = try ProcessUse.measure { pairs = try rule.score(picks, truth: truth).truePositives }
                Report.row("picks, \(rule)", "\(Report.text(use.seconds, 3)) s for \(count) picks and truths (\(pairs) pairs)")
            }
        }
    }

    /// Everything that is asked of a label volume: objects with surfaces and densities, distances to membranes, neighbours.
    private static func measure(_ scene: CellScene, _ size: VoxelSize) throws {
        let shape = scene.shape
        var measurement = try ObjectMeasurement(shape: shape, voxelSize: size, classes: [1: "membrane", 2: "particle"])
        var membrane = ClassDistances(shape: shape, voxelSize: size)
        var objects: [MeasuredObject] = []
        var (objectSeconds, otherSeconds, processor) = (0.0, 0.0, 0.0)
        func timed(_ seconds: inout Double, _ body: () throws -> Void) rethrows {
            let use = try ProcessUse.measure(body)
            seconds += use.seconds
            processor += use.processorSeconds
        }
        for z in 0..<shape.z {
            let (labels, density) = (scene.labels(z), scene.density(z))
            try timed(&objectSeconds) { try measurement.add(labels, density: density) }
            try timed(&otherSeconds) { try membrane.add(labels.map { $0 == 1 }) }
        }
        try timed(&objectSeconds) { objects = try measurement.finish() }
        var farthest = 0.0
        try timed(&otherSeconds) {
            let centers = objects.filter { $0.className == "particle" }.map(\.centroidInAngstroms)
            farthest = try membrane.distancesInAngstroms(from: centers).compactMap { $0 }.max() ?? 0
            _ = try NearestNeighbors.nearest(among: centers)
        }
        let area = objects.reduce(0) { $0 + ($1.surfaceAreaInSquareNanometers ?? 0) }
        Report.row(
            "measure: \(objects.count) objects of \(shape)",
            "\(Report.text(objectSeconds + otherSeconds, 1)) s, of which objects \(Report.text(objectSeconds, 1)) s; processor "
                + "\(Report.text(processor, 1)) s; \(ProcessUse.peakResidentBytes / 1_000_000) MB (surface \(Report.text(area / 1e6, 3)) µm², "
                + "farthest from a membrane \(Report.text(farthest / 10, 0)) nm)")
    }

    /// Everything that is asked of a class and its truth: overlap, sweep, distances of surfaces, skeletons of either kind, and
    /// centre surfaces.
    private static func evaluate(_ scene: CellScene, _ size: VoxelSize) throws {
        let shape = scene.shape
        var overlap = Overlap()
        var histogram = ProbabilityHistogram()
        var surfaces = try SurfaceComparison(shape: shape, voxelSize: size)
        var skeletons = try SkeletonComparison(shape: shape, skeleton: .surface)
        var lines = try SkeletonComparison(shape: shape, skeleton: .curve)
        var sheets = try SheetComparison(shape: shape, voxelSize: size)
        var seconds = [String: Double]()
        var processor = 0.0
        func timed(_ name: String, _ body: () throws -> Void) rethrows {
            let use = try ProcessUse.measure(body)
            seconds[name, default: 0] += use.seconds
            processor += use.processorSeconds
        }
        for z in 0..<shape.z {
            let (truth, prediction) = (scene.labels(z).map { $0 == 1 }, scene.prediction(z))
            let probability = prediction.bytes(foreground: 200)
            try timed("overlap") {
                try overlap.add(prediction: prediction, truth: truth)
                try histogram.add(probability: probability, truth: truth)
            }
            try timed("surfaces") { try surfaces.add(prediction: prediction, truth: truth) }
            try timed("surface skeletons") { try skeletons.add(prediction: prediction, truth: truth) }
            try timed("centre lines") { try lines.add(prediction: prediction, truth: truth) }
            try timed("centre surfaces") { try sheets.add(prediction: prediction, truth: truth) }
        }
        var text = ""
        try timed("surfaces") {
            let distances = try surfaces.finish()
            text =
                "\(distances.predictionToTruth.elements + distances.truthToPrediction.elements) elements, mean "
                + "\(Report.text(distances.mean ?? 0, 2)) Å, 95 % \(Report.text(distances.hausdorff() ?? 0, 1)) Å"
        }
        try timed("surface skeletons") { text += ", Dice of skeletons \(Report.text(try skeletons.finish().dice ?? 0, 3))" }
        try timed("centre surfaces") {
            let agreement = try sheets.finish()
            text +=
                ", of centre surfaces \(Report.text(agreement.dice ?? 0, 3)), "
                + "\(Report.text(agreement.prediction.thicknessInAngstroms ?? 0, 1)) and "
                + "\(Report.text(agreement.truth.thicknessInAngstroms ?? 0, 1)) Å thick"
        }
        let memory = ProcessUse.peakResidentBytes / 1_000_000
        try timed("centre lines") { text += ", clDice \(Report.text(try lines.finish().dice ?? 0, 3))" }
        let parts = seconds.sorted { $0.key < $1.key }.map { "\($0.key) \(Report.text($0.value, 1)) s" }.joined(separator: ", ")
        Report.row(
            "evaluate: \(shape)",
            "\(Report.text(seconds.values.reduce(0, +), 1)) s: \(parts); processor \(Report.text(processor, 1)) s; "
                + "\(memory) MB, with centre lines \(ProcessUse.peakResidentBytes / 1_000_000) MB (\(text), Dice "
                + "\(Report.text(overlap.dice ?? 0, 3)))")
    }
}
