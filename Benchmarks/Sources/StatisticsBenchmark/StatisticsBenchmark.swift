import BenchmarkSupport
import Catalog
import CellarKit
import Foundation
import GRDB

/// Measures the questions of `cellar stats` on a catalog of a million metrics and five million objects, and how long `cellar` takes
/// to answer a small one.
///
///     statistics-benchmark make FOLDER                       makes the catalog: some minutes, 0.8 GB
///     statistics-benchmark measure FOLDER [RUNS]             each question on a connection of its own, medians
///     statistics-benchmark start FOLDER CELLAR [RUNS]        processes of `cellar` from start to end, medians
@main
enum StatisticsBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "make" where arguments.count == 3: try make(in: arguments[2])
        case "measure" where arguments.count >= 3:
            try measure(arguments[2], runs: arguments.count > 3 ? Int(arguments[3]) ?? 5 : 5)
        case "start" where arguments.count >= 4:
            try start(arguments[2], cellar: arguments[3], runs: arguments.count > 4 ? Int(arguments[4]) ?? 15 : 15)
        default: Report.fail(usage: "statistics-benchmark make FOLDER | measure FOLDER [RUNS] | start FOLDER CELLAR [RUNS]")
        }
    }

    private static func directory(in folder: String) -> CatalogDirectory { CatalogDirectory(path: "\(folder)/.cellar") }

    /// The sums over objects, as publishing them writes: of each measure, by the column that it is of. Distances to neighbours are
    /// made up, and without rows of their own.
    private static let summaries = [
        ("volume_nm3", "volume_nm3"), ("diameter_nm", "diameter_nm"), ("radius", "radius_angstrom"),
        ("confidence", "confidence"), ("surface_nm2", "surface_nm2"), ("elongation", "elongation"),
        ("density_mean", "density_mean"), ("membrane_distance", "membrane_distance_angstrom"),
        ("nearest/macromolecule", "x_angstrom"), ("nearest/membrane", "y_angstrom"),
    ]

    static func make(in folder: String) throws {
        let directory = directory(in: folder)
        _ = try Catalog.create(at: directory)
        let use = try ProcessUse.measure {
            try DatabaseQueue(path: directory.database).write { db in
                try db.execute(sql: String(decoding: PackageResources.fill_sql, as: UTF8.self))
                for (measure, column) in summaries {
                    try db.execute(
                        sql: """
                            INSERT INTO object_summary
                            SELECT trace_id, class, '\(measure)', count(*), sum(\(column)), sum(\(column) * \(column)),
                                min(\(column)), max(\(column))
                            FROM object GROUP BY trace_id, class
                            """)
                }
            }
        }
        Report.row("made 4000 tomograms, 1 M metrics, 5 M objects", "\(Report.text(use.seconds, 1)) s")
    }

    static func measure(_ folder: String, runs: Int) throws {
        let questions: [(String, Statistics)] = [
            ("datasets", Statistics(.datasets)), ("objects", Statistics(.objects)),
            ("objects by dataset", Statistics(.objects, by: "dataset")),
            ("objects of one tomogram", Statistics(.objects, where: "tomogram = 'tomogram_17'")),
            ("objects: volumes by run", Statistics(.objects, by: "run_id", where: "measure = 'volume_nm3'")),
            ("evaluation", Statistics(.evaluation)),
            ("evaluation, Dice by dataset", Statistics(.evaluation, by: "dataset", where: "measure = 'dice'")),
            ("evaluation by model, unseen tomograms", Statistics(.evaluation, by: "model", where: "trained_on = 0")),
            ("tomograms", Statistics(.tomograms, metric: "membrane/dice")),
            ("changes of Dice", Statistics(.changes, where: "measure = 'dice'")), ("changes", Statistics(.changes)),
            ("steps", Statistics(.steps)), ("steps by run", Statistics(.steps, by: "run_id")),
        ]
        for (name, question) in questions {
            try report(name, folder, runs: runs, bar: "< 200 ms") { try question.sql(for: $0) }
        }
        try report("overview", folder, runs: runs, bar: "< 200 ms") { _ in Statistics.overview }
        for (name, sql) in [
            ("objects of one tomogram, one by one", "SELECT * FROM v_object WHERE tomogram = 'tomogram_17'"),
            ("mean volume by looking at all objects", "SELECT class, avg(volume_nm3) FROM v_object GROUP BY class"),
            ("v_failure", "SELECT * FROM v_failure"),
        ] {
            try report(name, folder, runs: runs, bar: "") { _ in sql }
        }
    }

    /// - Parameter statement: is looked up within what is measured.
    private static func report(
        _ name: String, _ folder: String, runs: Int, bar: String, _ statement: (QueryConnection) throws -> String
    ) throws {
        var rows = 0
        let uses = try (0..<max(1, runs)).map { _ in
            try ProcessUse.measure {
                rows = 0
                let connection = try QueryConnection(Catalog.open(at: directory(in: folder)))
                try connection.run(statement(connection)) { _ in rows += 1 }
            }
        }
        Report.row(
            "\(name), \(rows) rows",
            "\(Report.text(Report.median(uses.map(\.seconds)) * 1e3, 0)) ms, processor "
                + "\(Report.text(Report.median(uses.map(\.processorSeconds)) * 1e3, 0)) ms", bar: bar)
    }

    static func start(_ folder: String, cellar: String, runs: Int) throws {
        for arguments in [
            ["--version"], ["list", "runs"], ["list", "tomograms", "--where", "id = 17"], ["stats", "--sql"],
            ["stats", "datasets"],
        ] {
            let seconds = try (0..<max(1, runs)).map { _ in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: cellar)
                process.arguments = arguments + (arguments == ["--version"] ? [] : ["--catalog", folder])
                process.standardOutput = FileHandle.nullDevice
                return try ProcessUse.measure {
                    try process.run()
                    process.waitUntilExit()
                }.seconds
            }
            Report.row(
                "cellar \(arguments.joined(separator: " "))", "\(Report.text(Report.median(seconds) * 1e3, 0)) ms", bar: "< 50 ms"
            )
        }
    }
}
