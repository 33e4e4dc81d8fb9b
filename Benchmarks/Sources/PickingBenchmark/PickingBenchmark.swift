import Basics
import BenchmarkSupport
import Foundation
import Tensors
import Training
import Volumes

/// Measures how fast particles are found in probabilities, and what the sliding window costs beside its network.
///
///     picking-benchmark [SLICES] [SIDE] [DIAMETER] [THREADS]
@main
struct PickingBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
        guard arguments.count <= 4, arguments.allSatisfy({ $0 ?? 0 > 0 }) else {
            Report.fail(usage: "picking-benchmark [SLICES] [SIDE] [DIAMETER] [THREADS]")
        }
        let values = arguments.compactMap { $0 } + [300, 1000, 20, 2].dropFirst(arguments.count)
        Threads.count = values[3]
        guard let shape = VolumeShape(z: values[0], y: values[1], x: values[1]) else {
            Report.fail(usage: "picking-benchmark [SLICES] [SIDE] [DIAMETER] [THREADS]")
        }
        try peaks(in: shape, diameter: Double(values[2]))
        try window(over: shape)
    }

    /// Balls on a grid 1.5 diameters wide, moved by up to an eighth of it: a dense cytosol.
    private static func peaks(in shape: VolumeShape, diameter: Double) throws {
        var random = RandomStream(seed: 1)
        var balls: [BallLabels.Ball] = []
        let step = 1.5 * diameter
        for z in stride(from: diameter, to: Double(shape.z) - diameter, by: step) {
            for y in stride(from: diameter, to: Double(shape.y) - diameter, by: step) {
                for x in stride(from: diameter, to: Double(shape.x) - diameter, by: step) {
                    func moved(_ place: Double) -> Double { place + (random.unit() - 0.5) * diameter / 4 }
                    balls.append(BallLabels.Ball(center: SIMD3(moved(x), moved(y), moved(z)), radius: diameter / 2))
                }
            }
        }
        var finder = try PeakFinder(height: shape.y, width: shape.x, diameterInVoxels: diameter)
        var (seconds, processor, found) = (0.0, 0.0, 0)
        for z in 0..<shape.z {
            guard let box = shape.slices(z..<z + 1) else { continue }
            // Those that reach this slice: labels look at every ball.
            let near = balls.filter { abs($0.center.z - Double(z)) <= diameter }
            let slice = try BallLabels(near).labels(in: box).map { $0 * 255 }
            let use = try ProcessUse.measure { try finder.append(slice) }
            seconds += use.seconds
            processor += use.processorSeconds
        }
        let use = ProcessUse.measure { found = finder.finish().count }
        seconds += use.seconds
        processor += use.processorSeconds
        let memory = ProcessUse.peakResidentBytes / 1_000_000
        report(
            "peaks of diameter \(Int(diameter))", shape, seconds, processor,
            "\(found) of \(balls.count) balls, \(memory) MB")
    }

    private static func window(over shape: VolumeShape) throws {
        let axis = try WindowAxis(block: 96, margin: 16, taper: 8, alignment: 8)
        let sliding = try SlidingWindow(grid: BlockGrid(shape: shape, window: Window(z: axis, y: axis, x: axis)), outputs: 1)
        var slices = 0
        let use = try ProcessUse.measure {
            try sliding.run(
                read: { [Float](repeating: 1, count: $0.shape.count) }, network: { $0 }, emit: { _, _ in slices += 1 })
        }
        report("window of \(sliding.grid.count) blocks, no network", shape, use.seconds, use.processorSeconds, "\(slices) slices")
    }

    private static func report(_ name: String, _ shape: VolumeShape, _ seconds: Double, _ processor: Double, _ check: String) {
        let rate = Report.text(Double(shape.count) / seconds / 1e6, 0)
        Report.row(
            "Cellar: \(name), \(shape)",
            "\(Report.text(seconds, 1)) s, processor \(Report.text(processor, 1)) s, \(rate) Mvoxel/s (\(check))")
    }
}
