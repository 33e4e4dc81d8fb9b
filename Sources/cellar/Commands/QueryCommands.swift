import ArgumentParser
import CellarKit

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what the catalog holds.",
        discussion: "Each list is a public view (Schema/views.md): any column of it can be asked for, and used in --where.")

    /// What can be listed.
    enum Subject: String, CaseIterable, ExpressibleByArgument {
        case datasets, tomograms, slabs, annotations, curation, models, artifacts, steps, failures, runs

        var view: String {
            switch self {
            case .datasets: "v_dataset"
            case .tomograms: "v_tomogram"
            case .slabs: "v_slab"
            case .annotations: "v_annotation"
            case .curation: "v_curation"
            case .models: "v_model"
            case .artifacts: "v_artifact"
            case .steps: "v_step"
            case .failures: "v_failure"
            case .runs: "v_run"
            }
        }

        /// Columns that fit a terminal.
        var columns: String {
            switch self {
            case .datasets: "id, name, tomograms, voxel_size, created_at"
            case .tomograms:
                "id, dataset, name, size_x, size_y, size_z, voxel_size, voxel_size_source, density_mean, density_std, slabs, annotations"
            case .slabs: "id, dataset, tomogram, z_first, z_end, slices"
            case .annotations: "id, dataset, tomogram, kind, classes, points, path"
            case .curation: "id, dataset, tomogram, class, x, y, z, verdict, score, author, curated_at, counts"
            case .models: "id, name, kind, substr(digest, 1, 12) AS digest, licence, provenance, path"
            case .artifacts: "id, substr(digest, 1, 12) AS digest, kind, bytes, evictable, state, uses"
            case .steps: "step, dataset, tomogram, z_first, z_end, run_id, seconds, started_at"
            case .failures: "step, dataset, tomogram, z_first, status, error"
            case .runs: "id, started_at, status, done, failed, skipped, host, command"
            }
        }
    }

    @Argument(help: "datasets, tomograms, slabs, annotations, curation, models, artifacts, steps, failures, or runs.")
    var subject: Subject

    @Option(name: .customLong("where"), help: ArgumentHelp("An SQL expression over the columns of the view.", valueName: "sql"))
    var expression: String?

    @Option(help: ArgumentHelp("Which columns; * for all.", valueName: "a,b"))
    var columns: String?

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        try printView(
            subject.view, columns: columns ?? subject.columns, where: expression, format: formatOptions.format,
            in: catalogOptions.open().catalog)
    }
}

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask the catalog in SQL.",
        discussion: """
            Reads the public views of Schema/views.md: v_tomogram, v_slab, v_annotation, v_step, v_failure, v_trace, v_artifact, v_metric, \
            v_evaluation, v_object, v_object_summary, v_neighbour, v_model, v_run, v_event, and others. Nothing can be changed by a query.

            cellar query 'SELECT dataset, avg(density_std) FROM v_tomogram GROUP BY dataset'
            cellar query 'SELECT name FROM v_tomogram WHERE voxel_size < :limit' --param limit=10
            """)

    @Argument(help: "One SELECT.")
    var sql: String

    @Option(
        name: .customLong("param"),
        help: ArgumentHelp("A value for :key in the SQL, any number of times.", valueName: "key=value"))
    var parameters: [String] = []

    @Option(help: ArgumentHelp("Stop after this many seconds.", valueName: "seconds"))
    var timeLimit: RealNumber<TimeLimit> = 60.0

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        if let bad = parameters.first(where: { !$0.contains("=") || $0.hasPrefix("=") }) {
            throw ValidationError("--param \(bad) has no name; write --param key=value.")
        }
    }

    func run() throws {
        let pairs = parameters.map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) }
        let values = Dictionary(pairs.map { ($0[0], QueryValue(parsing: $0[1])) }, uniquingKeysWith: { _, last in last })
        try printQuery(
            sql, parameters: values, format: formatOptions.format,
            connection: QueryConnection(catalogOptions.open().catalog, timeLimitInSeconds: timeLimit.value))
    }
}
