public import ArgumentParser
public import Catalog
import CellarKit

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Count and average what the catalog knows.",
        discussion: """
            \(Statistics.Topic.allCases.map { "\($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

            cellar stats objects --by dataset
            cellar stats evaluation --where 'trained_on = 0' --by training_set
            cellar stats tomograms --metric membrane/dice --count 5
            cellar stats changes --from 3 --to 7 --where "measure = 'f1'"
            cellar stats steps --sql

            Each topic is one SQL statement over the public views (Schema/views.md), which --sql prints: change it and ask it with \
            `cellar query`. Without a topic, it says what there is.
            """)

    @Argument(
        help: ArgumentHelp(
            "datasets, objects, membranes, compartments, context, kinds, evaluation, tomograms, changes, or steps.",
            valueName: "topic"))
    var topic: Statistics.Topic?

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "An SQL expression over the columns of the topic's view, such as \"dataset = 'pombe'\".", valueName: "sql"))
    var expression: String?

    @Option(help: ArgumentHelp("A column of the topic's view to group by, before others.", valueName: "column"))
    var by: String?

    @Option(help: ArgumentHelp("Of tomograms: the metric, such as membrane/dice.", valueName: "name"))
    var metric: String?

    @Option(help: "Of tomograms: how many at either end; 10, if not given.")
    var count: WholeNumber<1, 1_000_000>?

    @Option(help: ArgumentHelp("Of changes: the earlier run; the one before --to, if not given.", valueName: "run"))
    var from: ItemNumber?

    @Option(help: ArgumentHelp("Of changes: the later run; the last one, if not given.", valueName: "run"))
    var to: ItemNumber?

    @Flag(help: "Print the SQL statement instead of its answer.")
    var sql = false

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        if topic == nil, expression != nil || by != nil {
            throw ValidationError(
                "--where and --by need a topic; give one of \(Statistics.Topic.allCases.map(\.rawValue).joined(separator: ", "))."
            )
        }
        if topic != .tomograms, metric != nil || count != nil {
            throw ValidationError("--metric and --count are of tomograms; leave them out, or ask for `tomograms`.")
        }
        if topic != .changes, from != nil || to != nil {
            throw ValidationError("--from and --to are of changes; leave them out, or ask for `changes`.")
        }
        if topic == .tomograms {
            if by != nil { throw ValidationError("tomograms are listed one by one, and not grouped: leave out --by.") }
            if metric == nil {
                throw ValidationError("--metric says by what tomograms are ordered; give it, such as --metric membrane/dice.")
            }
        }
    }

    func run() throws {
        let connection = try QueryConnection(catalogOptions.open().catalog)
        guard let topic else { return try printOverview(connection) }
        let statement = try Statistics(
            topic, by: by, where: expression, metric: metric, count: count?.value ?? 10, from: from?.id, to: to?.id
        ).sql(for: connection)
        if sql { return print(statement + ";") }
        if try printQuery(statement, parameters: [:], format: formatOptions.format, connection: connection) == 0 {
            note("Nothing\(expression == nil ? " yet" : " for which --where is true"): \(topic.advice).")
        }
    }

    private func printOverview(_ connection: QueryConnection) throws {
        _ = try ViewColumns("v_object_summary", in: connection)
        if sql { return print(Statistics.overview + ";") }
        try printQuery(Statistics.overview, parameters: [:], format: formatOptions.format, connection: connection)
        guard formatOptions.format == .table else { return }
        print("")
        for topic in Statistics.Topic.allCases { print("cellar stats \(topic.rawValue): \(topic.summary)") }
    }
}

extension Statistics.Topic: ExpressibleByArgument {}
