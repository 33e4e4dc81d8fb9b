import ArgumentParser
import CellarKit

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what the catalog holds.",
        discussion: "Each list is a public view (Schema/views.md): any column of it can be asked for, and used in --where.")

    /// What can be listed.
    enum Subject: String, CaseIterable, ExpressibleByArgument {
        case datasets, tomograms, slabs, annotations, models, artifacts, steps, failures, runs

        var view: String {
            switch self {
            case .datasets: "v_dataset"
            case .tomograms: "v_tomogram"
            case .slabs: "v_slab"
            case .annotations: "v_annotation"
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
            case .models: "id, name, kind, substr(digest, 1, 12) AS digest, licence, provenance, path"
            case .artifacts: "id, substr(digest, 1, 12) AS digest, kind, bytes, evictable, state, uses"
            case .steps: "step, dataset, tomogram, z_first, z_end, run_id, seconds, started_at"
            case .failures: "step, dataset, tomogram, z_first, status, error"
            case .runs: "id, started_at, status, done, failed, skipped, host, command"
            }
        }
    }

    @Argument(help: "datasets, tomograms, slabs, annotations, models, artifacts, steps, failures, or runs.")
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

/// Prints rows of a public view.
func printView(
    _ view: String, columns: String, where expression: String?, format: OutputFormat, in catalog: Catalog
) throws {
    try printQuery(
        QueryConnection.select(columns: columns, from: view, where: expression), parameters: [:], format: format,
        connection: QueryConnection(catalog))
}

/// Prints what a query gives, row by row as SQLite finds them.
///
/// - Returns: how many rows there were.
@discardableResult
func printQuery(
    _ sql: String, parameters: [String: QueryValue], format: OutputFormat, connection: QueryConnection
) throws -> Int {
    var printer: RowPrinter?
    var count = 0
    try connection.run(sql, parameters: parameters) {
        printer = RowPrinter(format, columns: $0)
    } row: { row in
        printer?.add(row)
        // Nobody reads on: what is left need not be found.
        try OutputStreams.standard.check()
        count += 1
    }
    printer?.finish()
    return count
}
