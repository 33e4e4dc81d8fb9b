import BenchmarkSupport
import Engine
import Foundation

/// Measures the first run of trivial items, each of which writes a trace, a tiny artifact and two metrics: what the
/// engine costs beside the work of the steps.
///
///     engine-benchmark FOLDER [ITEMS]...
@main
enum EngineBenchmark {
    static func main() throws {
        guard let folder = CommandLine.arguments.dropFirst().first else {
            Report.fail(usage: "engine-benchmark FOLDER [ITEMS]...")
        }
        let sizes = CommandLine.arguments.dropFirst(2).compactMap { Int($0) }
        for items in sizes.isEmpty ? [1000, 5000, 20_000, 50_000] : sizes {
            let place = "\(folder)/engine-\(items)"
            defer { try? FileManager.default.removeItem(atPath: place) }
            let benchmark = try BenchmarkCatalog.make(in: place, tomograms: items, steps: [TinyStep()])
            var ran = 0
            let use = try ProcessUse.measure { ran = try benchmark.run(jobs: 2)?.progress.ran ?? 0 }
            guard ran == items else { Report.fail(usage: "engine-benchmark FOLDER: only \(ran) of \(items) items ran") }
            Report.row(
                "first run of \(items) trivial items, 2 jobs",
                "\(Report.text(Double(items) / use.seconds, 0)) items/s in \(Report.text(use.seconds)) s; "
                    + "processor \(Report.text(use.processorSeconds / Double(items) * 1e3, 3)) ms an item",
                bar: "≥ 500 items/s")
        }
    }
}
