import BenchmarkSupport
import Catalog
import Engine
import Foundation
import GRDB

/// Measures `status` and `plan` on a catalog of many tomograms with ten steps each: where nothing is stale, and after a
/// parameter of the last or the first step changed.
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
        case "once" where arguments.count >= 3:
            let measurement = try once(arguments[2], changing: arguments.dropFirst(3).first)
            FileHandle.standardOutput.write(try JSONEncoder().encode(measurement))
        default: Report.fail(usage: "plan-benchmark make FOLDER TOMOGRAMS | measure FOLDER [RUNS]")
        }
    }

    static func make(in folder: String, tomograms: Int) throws {
        let use = try ProcessUse.measure {
            let benchmark = try BenchmarkCatalog.make(in: folder, tomograms: tomograms, steps: ChainStep.all)
            try benchmark.run(jobs: 2)
            try addArtifactRows(benchmark.catalog.directory)
        }
        Report.row(
            "made \(tomograms) tomograms × 10 steps",
            "\(Report.text(use.seconds, 1)) s, processor \(Report.text(use.processorSeconds, 1)) s")
    }

    /// Makes each output an artifact, as those of most steps are, but in the database alone: a million files would take
    /// half an hour, and nothing that is measured here opens one.
    static func addArtifactRows(_ directory: CatalogDirectory) throws {
        try DatabaseQueue(path: directory.database).write { db in
            try db.execute(
                sql: """
                    INSERT INTO artifact (digest, kind, bytes, evictable, state, created_at)
                    SELECT digest, 'benchmark', 4096, 1, 'present', started_at
                    FROM trace_output JOIN trace ON trace.id = trace_id ORDER BY trace_id;
                    UPDATE trace_output
                    SET value = NULL, artifact_id = (SELECT id FROM artifact WHERE artifact.digest = trace_output.digest);
                    """)
        }
    }

    /// What one fresh process measured.
    struct Measurement: Codable {
        var items: Int
        /// Items that are not fresh.
        var work: Int
        /// From opening the catalog until the plan is there.
        var planSeconds: Double
        /// The numbers that `status` shows beside it.
        var summarySeconds: Double
        var processorSeconds: Double
        var peakResidentBytes: Int
    }

    /// - Parameter step: a step of which a parameter is changed first, if any.
    static func once(_ folder: String, changing step: String?) throws -> Measurement {
        let begin = ProcessUse.now
        let benchmark = try BenchmarkCatalog.open(in: folder, steps: ChainStep.all)
        var recipe = benchmark.recipe
        if let step { try recipe.set("\(step).gain", to: "2") }
        let plan = try Planner(benchmark.catalog, graph: benchmark.graph, recipe: recipe).plan()
        let planned = ProcessUse.now.since(begin)
        _ = try benchmark.catalog.summary()
        let all = ProcessUse.now.since(begin)
        guard plan.hasWork == (step != nil) else {
            Report.fail(usage: "plan-benchmark measure FOLDER: something is stale in \(folder); make it anew")
        }
        return Measurement(
            items: plan.summaries.reduce(0) { $0 + $1.total }, work: plan.summaries.reduce(0) { $0 + $1.stale + $1.waiting },
            planSeconds: planned.seconds, summarySeconds: all.seconds - planned.seconds,
            processorSeconds: all.processorSeconds, peakResidentBytes: ProcessUse.peakResidentBytes)
    }

    static func measure(_ folder: String, runs: Int) throws {
        let fresh = try measurements(folder, runs: runs)
        let items = fresh.first?.items ?? 0
        let bar = items > 100_000 ? "< 2 s" : "< 0.25 s"
        func median(_ measurements: [Measurement], _ figure: (Measurement) -> Double) -> Double {
            Report.median(measurements.map(figure))
        }
        func row(_ what: String, _ measurements: [Measurement], bar: String) {
            Report.row(
                "\(what): plan, and status beside it",
                "\(Report.text(median(measurements, \.planSeconds), 3)) s + "
                    + "\(Report.text(median(measurements, \.summarySeconds), 3)) s, processor "
                    + "\(Report.text(median(measurements, \.processorSeconds), 3)) s, "
                    + "\(Report.text(median(measurements) { Double($0.peakResidentBytes) } / 1e6, 0)) MB",
                bar: bar)
        }
        row("\(items) items, nothing stale, median of \(fresh.count)", fresh, bar: "\(bar), < 1 GiB")
        for step in [ChainStep.all.last, ChainStep.all.first].compactMap({ $0?.name }) {
            let changed = try measurements(folder, runs: runs, changing: step)
            row("\(step) changed, \(changed.first?.work ?? 0) items not fresh", changed, bar: "")
        }
    }

    static func measurements(_ folder: String, runs: Int, changing step: String? = nil) throws -> [Measurement] {
        try (0..<max(1, runs)).map { _ in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments = ["once", folder] + (step.map { [$0] } ?? [])
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            // It said what is wrong.
            guard process.terminationStatus == 0 else { exit(process.terminationStatus) }
            return try JSONDecoder().decode(Measurement.self, from: data)
        }
    }
}
