import BenchmarkSupport
import Catalog
import Engine
import Foundation

/// Measures `status` and `plan` on a catalog of many tomograms with ten steps each, of which nothing is stale.
///
///     plan-benchmark make FOLDER TOMOGRAMS    makes the catalog, by running the ten steps
///     plan-benchmark measure FOLDER [RUNS]    plans it in a fresh process each time, and prints medians
@main
enum PlanBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "make" where arguments.count == 4: try make(in: arguments[2], tomograms: Int(arguments[3]) ?? 10_000)
        case "measure" where arguments.count >= 3:
            try measure(arguments[2], runs: arguments.count > 3 ? Int(arguments[3]) ?? 5 : 5)
        case "once" where arguments.count == 3:
            try JSONEncoder().encode(once(arguments[2])).write(to: URL(fileURLWithPath: "/dev/stdout"))
        default: Report.fail(usage: "plan-benchmark make FOLDER TOMOGRAMS | measure FOLDER [RUNS]")
        }
    }

    static func make(in folder: String, tomograms: Int) throws {
        let use = try ProcessUse.measure {
            try BenchmarkCatalog.make(in: folder, tomograms: tomograms, steps: ChainStep.all).run(jobs: 2)
        }
        Report.row(
            "made \(tomograms) tomograms × 10 steps",
            "\(Report.text(use.seconds, 1)) s, processor \(Report.text(use.processorSeconds, 1)) s")
    }

    /// What one fresh process measured.
    struct Measurement: Codable {
        var items: Int
        /// From opening the catalog until the plan is there.
        var planSeconds: Double
        /// The numbers that `status` shows beside it.
        var summarySeconds: Double
        var processorSeconds: Double
        var peakResidentBytes: Int
    }

    static func once(_ folder: String) throws -> Measurement {
        let begin = ProcessUse.now
        let benchmark = try BenchmarkCatalog.open(in: folder, steps: ChainStep.all)
        let plan = try Planner(benchmark.catalog, graph: benchmark.graph, recipe: benchmark.recipe).plan()
        let planned = ProcessUse.now.since(begin)
        _ = try benchmark.catalog.summary()
        let all = ProcessUse.now.since(begin)
        let items = plan.summaries.reduce(0) { $0 + $1.fresh }
        guard !plan.hasWork, items == plan.tomogramCount * ChainStep.all.count else {
            Report.fail(usage: "plan-benchmark measure FOLDER: something is stale in \(folder); make it anew")
        }
        return Measurement(
            items: items, planSeconds: planned.seconds, summarySeconds: all.seconds - planned.seconds,
            processorSeconds: all.processorSeconds, peakResidentBytes: ProcessUse.peakResidentBytes)
    }

    static func measure(_ folder: String, runs: Int) throws {
        let measurements = try (0..<max(1, runs)).map { _ in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments = ["once", folder]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return try JSONDecoder().decode(Measurement.self, from: data)
        }
        func median(_ figure: (Measurement) -> Double) -> Double { Report.median(measurements.map(figure)) }
        let items = measurements.first?.items ?? 0
        Report.row(
            "plan, \(items) items, nothing stale, median of \(measurements.count)",
            "\(Report.text(median(\.planSeconds), 3)) s", bar: items > 100_000 ? "< 2 s" : "< 0.25 s")
        Report.row(
            "status: plan and summary",
            "\(Report.text(median { $0.planSeconds + $0.summarySeconds }, 3)) s, "
                + "processor \(Report.text(median(\.processorSeconds), 3)) s", bar: items > 100_000 ? "< 2 s" : "< 0.25 s")
        Report.row(
            "peak resident memory", "\(Report.text(median { Double($0.peakResidentBytes) } / 1e6, 0)) MB", bar: "< 1 GiB")
    }
}
