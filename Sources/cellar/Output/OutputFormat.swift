import ArgumentParser

/// How rows are printed.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    case csv
    case json
    /// One JSON object on each line.
    case ndjson
}

struct FormatOptions: ParsableArguments {
    @Option(help: "How rows are printed: table, csv, json, or ndjson (one JSON object on each line).")
    var format = OutputFormat.table
}
