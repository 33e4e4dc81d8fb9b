import ArgumentParser
import CellarKit

struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draw what the catalog knows as a PNG or an SVG.",
        discussion: """
            histogram: how often values of --column (of v_object) or --metric fall into bins, by class or --by
            box: median, quartiles and 5 to 95 % of the same, by dataset or --by
            composition: what objects are, by --column such as class or kind_name, for each dataset or --by
            neighbours: how near particles lie to one another, and how near at random in the same compartments
            kinds: a map of the particles on which the kinds of `cellar kind find` lie farthest apart
            scatter: --x against --y, two columns of v_object, or two metrics with a dot for each tomogram
            pr: precision by recall, of the evaluations that stand
            runs: the mean of --metric as it was at each run

            cellar plot histogram --column volume_nm3 --log --output volumes.svg
            cellar plot box --metric membrane/dice --by dataset --output dice.png
            cellar plot composition --column kind_name --output kinds.svg
            cellar plot neighbours --where "kind_name = 'ribosome'" --output near.svg
            cellar plot kinds --output map.svg
            cellar plot scatter --x diameter_nm --y membrane_distance --where "class = 'ribosome'" --output distances.png
            cellar plot scatter --x membrane/dice --y macromolecule/f1 --output both.png
            cellar plot pr --where "step = 'evaluate'" --output pr.svg
            cellar plot runs --metric membrane/dice --output runs.svg

            Every picture says how many values it is of. Memory does not grow with them: of histograms counts are kept, of boxes \
            quantiles, and of more than 20000 dots a sample. The data are those of `cellar stats` and `cellar query`.
            """)

    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case histogram, box, composition, neighbours, kinds, scatter, pr, runs
    }

    @Argument(help: "histogram, box, composition, neighbours, kinds, scatter, pr, or runs.")
    var kind: Kind

    @Option(help: ArgumentHelp("The picture to write.", valueName: "file.png|file.svg"))
    var output: String

    @Option(help: ArgumentHelp("Of histogram, box and composition: a column of v_object.", valueName: "column"))
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
        case .composition:
            guard column != nil else {
                throw ValidationError("--column says what to draw; give it, such as --column class.")
            }
        case .scatter:
            guard x != nil, y != nil else { throw ValidationError("--x and --y say what to draw; give both.") }
        case .runs:
            guard metric != nil else {
                throw ValidationError("--metric says what to draw; give it, such as --metric membrane/dice.")
            }
        case .pr, .neighbours, .kinds: break
        }
        if kind != .histogram, bins != nil {
            throw ValidationError("--bins are of histograms; leave it out, or draw `histogram`.")
        }
        if ![.histogram, .box, .composition].contains(kind), column != nil {
            throw ValidationError("--column is of histogram, box and composition; leave it out, or draw one of them.")
        }
        if ![.histogram, .box, .runs].contains(kind), metric != nil {
            throw ValidationError("--metric is of histogram, box and runs; leave it out, or draw one of them.")
        }
        if kind != .scatter, x != nil || y != nil {
            throw ValidationError("--x and --y are of scatter; leave them out, or draw `scatter`.")
        }
        if kind == .pr, by != nil { throw ValidationError("pr tells classes apart: leave out --by.") }
        if [.neighbours, .kinds].contains(kind), by != nil {
            throw ValidationError("\(kind.rawValue) is of all particles together: leave out --by.")
        }
        if ![.histogram, .box, .scatter].contains(kind), isLogarithmic {
            throw ValidationError("--log is of histogram, box and scatter; leave it out, or draw one of them.")
        }
    }

    func run() throws {
        let project = try catalogOptions.open()
        let catalog = project.catalog
        let file = try writingOptions.file(output, knownTo: catalog.directory)
        let figure: Figure
        if let content {
            figure = try FigureRequest(content, grouping: by, condition: expression, isLogarithmic: isLogarithmic)
                .figure(of: catalog)
        } else if kind == .kinds {
            let map = try project.kindMap(where: expression)
            figure = map.figure
            if map.others > 0 {
                note(
                    "\(map.others == 1 ? "One tomogram was" : "\(map.others) tomograms were") left out, described in another way than the kinds, "
                        + "or picked anew since; `cellar run` describes what is there now")
            }
        } else {
            figure = try NeighbourFigure(of: catalog, store: project.store(), where: expression).figure
        }
        try DrawingFile.write(figure.drawing(), to: file)
        print("\(output): \(figure.plot.title)")
    }

    /// nil for neighbours and kinds, which need more than the database.
    private var content: FigureRequest.Content? {
        let quantity = column.map { FigureQuantity.column($0) } ?? .metric(metric ?? "")
        return switch kind {
        case .histogram: .histogram(quantity, bins: bins?.value ?? 40)
        case .box: .box(quantity)
        case .composition: .composition(column: column ?? "")
        case .neighbours, .kinds: nil
        case .scatter: .scatter(x: x ?? "", y: y ?? "")
        case .pr: .precisionRecall
        case .runs: .runs(metric: metric ?? "")
        }
    }
}
