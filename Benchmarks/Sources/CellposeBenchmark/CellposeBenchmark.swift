import BenchmarkSupport
import Cellpose
import ImageProcessing
import Tensors

/// Measures the network of CellPose on tiles of 224²; weights may be random (`Tests/CellposeTests/Golden/check_cellpose.py`).
///
///     cellpose-benchmark FILE [RUNS]           tiles one by one, in batches, and a slice of 1024²
@main
enum CellposeBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2 else { Report.fail(usage: "cellpose-benchmark FILE [RUNS]") }
        let runs = arguments.count > 2 ? Int(arguments[2]) ?? 11 : 11
        let model = try CellposeModel(path: arguments[1])
        print("\(Threads.count) threads")
        for count in [1, 2, 4, 8] {
            let tiles = Tensor(shape: [count, 224, 224, 2], values: noise(count * 224 * 224 * 2))
            measure("CPnet, tiles of 224² ×\(count), each", runs, count) { _ = model.network(tiles) }
        }
        if let image = Image(height: 1024, width: 1024, values: noise(1024 * 1024)) {
            try measure("CellPose maps of 1024², diameter 30, 36 tiles", max(runs / 4, 1), 1) {
                _ = try model.maps(of: image, diameter: 30)
            }
        }
        Report.row("peak resident memory", "\(Report.text(Double(ProcessUse.peakResidentBytes) / 1e6, 0)) MB")
    }

    private static func noise(_ count: Int) -> [Float] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) * 0x1p-24
        }
    }

    private static func measure(_ what: String, _ runs: Int, _ parts: Int, _ body: () throws -> Void) rethrows {
        try body()
        let uses = try (0..<runs).map { _ in try ProcessUse.measure(body) }
        let wall = Report.median(uses.map(\.seconds)) * 1e3 / Double(parts)
        let processor = Report.median(uses.map(\.processorSeconds)) * 1e3 / Double(parts)
        Report.row(
            "\(what), median of \(runs)", "\(Report.text(wall, 1)) ms, processor \(Report.text(processor, 1)) ms")
    }
}
