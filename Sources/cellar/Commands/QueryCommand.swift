import ArgumentParser
import CellarKit

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
