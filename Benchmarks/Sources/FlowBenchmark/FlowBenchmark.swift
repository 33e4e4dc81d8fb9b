import BenchmarkSupport
import Cellpose
import Foundation
import ImageProcessing
import Tensors

/// Measures how masks are made from flows, on 200 discs in 1024²; `flow_cellpose.py` beside it measures CellPose on the same bits,
/// and can run this program between its own runs, so that both meet the same machine.
///
///     flow-benchmark [RUNS] [THREADS]
@main
struct FlowBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
        guard arguments.count <= 2, let runs = arguments.first ?? 5, let threads = arguments.dropFirst().first ?? 2,
            runs > 0, threads > 0, let labels = discs(), let said = try network(labels)
        else { Report.fail(usage: "flow-benchmark [RUNS] [THREADS]") }
        Threads.count = threads
        let masks = try CellposeMasks()
        let flows = try FlowField(y: said.y, x: said.x)
        let foreground = said.probability.map { $0 > 0 }
        try measure("flows of labels", runs) { checksum(try FlowTargets()(labels).y) }
        try measure("following flows, 200 steps", runs) { try FlowDynamics()(flows, in: foreground).positions.count }
        let points = try FlowDynamics()(flows, in: foreground)
        try measure("masks of end points", runs) { Int(try MaskAssembly()(points).values.max() ?? 0) }
        try measure("check of flow errors", runs) { Int(try FlowErrorCheck()(labels, flows: flows).values.max() ?? 0) }
        try measure("holes and small objects", runs) { Int(try MaskCleanup()(labels).values.max() ?? 0) }
        try measure("all, flows to masks", runs) {
            Int(try masks(flowY: said.y, flowX: said.x, probability: said.probability).values.max() ?? 0)
        }
    }

    private static func measure(_ name: String, _ runs: Int, _ body: () throws -> Int) rethrows {
        var check = try body()
        let uses = try (0..<runs).map { _ in try ProcessUse.measure { check = try body() } }
        let wall = Report.text(Report.median(uses.map(\.seconds)) * 1e3, 1)
        let processor = Report.text(Report.median(uses.map(\.processorSeconds)) * 1e3, 1)
        Report.row("Cellar: \(name)", "\(wall) ms, processor \(processor) ms (check \(check))")
    }

    private static func checksum(_ image: Image<Float>) -> Int {
        image.values.reduce(0) { ($0 &* 31 &+ Int($1.bitPattern)) % 1_000_003 }
    }

    /// 200 discs of radius 24 … 33 in 1024²: `discs` of flow_cellpose.py.
    private static func discs() -> Image<Int32>? {
        guard var labels = Image<Int32>(height: 1024, width: 1024, repeating: 0) else { return nil }
        var words = Words(seed: 1)
        for index in 0..<200 {
            let word = words.next()
            let (centreY, centreX) = (34 + index / 14 * 68 + Int(word % 5), 36 + index % 14 * 73 + Int((word >> 8) % 5))
            let radius = 24 + Int((word >> 16) % 10)
            for y in max(centreY - radius, 0)...min(centreY + radius, 1023) {
                for x in max(centreX - radius, 0)...min(centreX + radius, 1023)
                where (y - centreY) * (y - centreY) + (x - centreX) * (x - centreX) <= radius * radius {
                    labels[y: y, x: x] = Int32(index + 1)
                }
            }
        }
        return labels
    }

    /// Five times the flows of the labels, rounded to 1/64, with noise up to 1; probability 2 on objects and −2 elsewhere.
    private static func network(_ labels: Image<Int32>) throws -> (y: Image<Float>, x: Image<Float>, probability: Image<Float>)? {
        let flows = try FlowTargets()(labels)
        var words = Words(seed: 2)
        var (y, x): ([Float], [Float]) = ([], [])
        for index in labels.values.indices {
            let word = words.next()
            func said(_ flow: Float, _ noise: UInt64) -> Float {
                (Float((Double(flow) * 320).rounded(.toNearestOrEven)) + Float((Int(noise & 255) - 128) >> 1)) / 64
            }
            y.append(said(flows.y.values[index], word))
            x.append(said(flows.x.values[index], word >> 8))
        }
        guard let y = Image(height: labels.height, width: labels.width, values: y),
            let x = Image(height: labels.height, width: labels.width, values: x)
        else { return nil }
        return (y, x, labels.map { $0 > 0 ? 2 : -2 })
    }
}

/// SplitMix64.
private struct Words {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
