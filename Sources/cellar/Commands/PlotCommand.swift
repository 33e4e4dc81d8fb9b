import ArgumentParser
import CellarKit

struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draw what the catalog knows as a PNG or an SVG.",
        discussion: """
            histogram: how often values of --column (of v_object) or --metric fall into bins, by class or --by
            box: median, quartiles and 5 to 95 % of the same, by dataset or --by
            scatter: --x against --y, two columns of v_object, or two metrics with a dot for each tomogram
            pr: precision by recall, of the evaluations that stand
            runs: the mean of --metric as it was at each run

            cellar plot histogram --column volume_nm3 --log --output volumes.svg
            cellar plot box --metric membrane/dice --by dataset --output dice.png
            cellar plot scatter --x diameter_nm --y membrane_distance --where "class = 'ribosome'" --output near.png
            cellar plot scatter --x membrane/dice --y macromolecule/f1 --output both.png
            cellar plot pr --where "step = 'evaluate'" --output pr.svg
            cellar plot runs --metric membrane/dice --output runs.svg

            Every picture says how many values it is of. Memory does not grow with them: of histograms counts are kept, of boxes \
            quantiles, and of more than 20000 dots a sample. The data are those of `cellar stats` and `cellar query`.
            """)

    enum Kind: String, CaseIterable, ExpressibleByArgument { case histogram, box, scatter, pr, runs }

    @Argument(help: "histogram, box, scatter, pr, or runs.")
    var kind: Kind

    @Option(help: ArgumentHelp("The picture to write.", valueName: "file.png|file.svg"))
    var output: String

    @Option(help: ArgumentHelp("Of histogram and box: a column of v_object.", valueName: "column"))
    var column: String?

    @Option(help: ArgumentHelp("Of histogram, box and runs: a metric, such as membrane/dice.", valueName: "name"))
    var metric: String?

    @Option(help: ArgumentHelp("Of scatter: a column of v_object, or a metric.", valueName: "name"))
    var x: String?

    @Option(help: ArgumentHelp("Of scatter: a column of v_object, or a metric.", valueName: "name"))
    var y: String?

    @Option(help: ArgumentHelp("A column by which values are told apart.", valueName: "column"))
    var by: String?

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "An SQL expression over the columns of v_object, v_metric, v_step (pr), or v_metric_history (runs).", valueName: "sql"
        ))
    var expression: String?

    @Flag(name: .customLong("log"), help: "Logarithmic axes of values; what is not positive is left out.")
    var isLogarithmic = false

    @Option(help: "Of histogram: how many bins; 40, if not given.")
    var bins: WholeNumber<1, 1000>?

    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        guard DrawingFile.isSupported(output) else {
            throw ValidationError("'\(output)' ends in neither .png nor .svg; give a name that ends in one of them.")
        }
        switch kind {
        case .histogram, .box:
            guard (column == nil) != (metric == nil) else {
                throw ValidationError("--column or --metric says what to draw; give one of them.")
            }
        case .scatter:
            guard x != nil, y != nil else { throw ValidationError("--x and --y say what to draw; give both.") }
        case .runs:
            guard metric != nil else {
                throw ValidationError("--metric says what to draw; give it, such as --metric membrane/dice.")
            }
        case .pr: break
        }
        if kind != .histogram, bins != nil {
            throw ValidationError("--bins are of histograms; leave it out, or draw `histogram`.")
        }
        if kind != .histogram, kind != .box, column != nil {
            throw ValidationError("--column is of histogram and box; leave it out, or draw one of them.")
        }
        if kind == .scatter || kind == .pr, metric != nil {
            throw ValidationError("--metric is of histogram, box and runs; leave it out, or draw one of them.")
        }
        if kind != .scatter, x != nil || y != nil {
            throw ValidationError("--x and --y are of scatter; leave them out, or draw `scatter`.")
        }
        if kind == .pr, by != nil { throw ValidationError("pr tells classes apart: leave out --by.") }
        if kind == .pr || kind == .runs, isLogarithmic {
            throw ValidationError("--log is of histogram, box and scatter; leave it out, or draw one of them.")
        }
    }

    func run() throws {
        let catalog = try catalogOptions.open().catalog
        let file = try writingOptions.file(output, knownTo: catalog.directory)
        let request = FigureRequest(content, grouping: by, condition: expression, isLogarithmic: isLogarithmic)
        let figure = try request.figure(of: catalog)
        try DrawingFile.write(figure.drawing(), to: file)
        print("\(output): \(figure.plot.title)")
    }

    private var content: FigureRequest.Content {
        let quantity = column.map { FigureQuantity.column($0) } ?? .metric(metric ?? "")
        return switch kind {
        case .histogram: .histogram(quantity, bins: bins?.value ?? 40)
        case .box: .box(quantity)
        case .scatter: .scatter(x: x ?? "", y: y ?? "")
        case .pr: .precisionRecall
        case .runs: .runs(metric: metric ?? "")
        }
    }
}
