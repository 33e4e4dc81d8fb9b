import Basics
public import Catalog
public import Rendering

/// A figure as data: what it shows, of which values, and in which groups.
///
/// ```swift
/// var request = FigureRequest(.histogram(.column("volume_nm3")))
/// request.condition = "class = 'ribosome'"
/// try DrawingFile.write(request.figure(of: catalog).drawing(), to: output)
/// ```
///
/// Values are streamed from the views of the catalog; memory holds counts, quantiles or a sample of them.
public struct FigureRequest: Hashable, Sendable {
    /// The kind of a figure, with its values.
    public enum Content: Hashable, Sendable {
        /// The number of values in each of `bins` bins, 1 … 1000.
        case histogram(FigureQuantity, bins: Int = 40)
        /// Median, quartiles, and the 5th and 95th percentile of each group.
        case box(FigureQuantity)
        /// What the objects of each group are made of: the parts with each value of a column of `v_object`, such as `kind_name`. Objects
        /// without a value are left out.
        case composition(column: String)
        /// Two columns of `v_object`, a dot for each object; or two metrics, a dot for each tomogram. A name that is no column is
        /// a metric.
        case scatter(x: String, y: String)
        /// Precision by recall of each class, of the evaluations that stand.
        case precisionRecall
        /// The mean of a metric, as it was at each run.
        case runs(metric: String)
    }

    public var content: Content
    /// The column by which values are grouped. nil for the usual one: `class` for columns of objects in a histogram or a scatter
    /// plot, none for a metric in a histogram, none beside the step for runs, and `dataset` else. ``Content/precisionRecall``
    /// ignores it.
    public var grouping: String?
    /// An SQL expression that may follow WHERE: over the columns of `v_object` or `v_metric`; of `v_step` for
    /// ``Content/precisionRecall``; of `v_metric_history` for ``Content/runs(metric:)``. nil for all values.
    public var condition: String?
    /// Whether axes of values are logarithmic. Histograms and boxes leave out values that are not positive. Curves ignore it.
    public var isLogarithmic = false

    public init(_ content: Content, grouping: String? = nil, condition: String? = nil, isLogarithmic: Bool = false) {
        self.content = content
        self.grouping = grouping
        self.condition = condition
        self.isLogarithmic = isLogarithmic
    }

    /// Reads the values, and lays out the figure.
    ///
    /// - Parameter timeLimitInSeconds: the longest time of one query. Five million objects are read in less than 600 s.
    /// - Throws: ``CatalogError``: of the code `notFound` where there is nothing to draw; where a column or a metric does not
    ///   exist, where the condition is no SQL, or where there are more groups than colours.
    /// - Complexity: reads all values once, or twice for histograms and boxes; reads no file but the database.
    public func figure(of catalog: Catalog, timeLimitInSeconds: Double = 600) throws -> Figure {
        try figure(of: catalog, in: QueryConnection(catalog, timeLimitInSeconds: timeLimitInSeconds))
    }

    func figure(of catalog: Catalog, in connection: QueryConnection) throws -> Figure {
        switch content {
        case .histogram(let quantity, let bins):
            guard (1...1000).contains(bins) else {
                throw CatalogError(.invalid, "a histogram cannot have \(bins) bins; give 1 to 1000")
            }
            var key = grouping
            // A metric is of one class already.
            if case .column = quantity { key = grouping ?? "class" }
            let source = try FigureSource(quantity, by: key, where: condition, in: connection)
            return Figure(plot: try HistogramFigure(source, bins: bins, isLogarithmic: isLogarithmic).plot)
        case .box(let quantity):
            let source = try FigureSource(quantity, by: grouping ?? "dataset", where: condition, in: connection)
            let plot = try BoxFigure(source, isLogarithmic: isLogarithmic).plot
            return Figure(plot: plot, width: 640, height: plot.suitableHeight)
        case .composition(let column):
            let source = try FigureSource(.column(column), by: grouping ?? "dataset", where: condition, in: connection)
            let plot = try CompositionFigure(source).plot
            return Figure(plot: plot, width: 640, height: plot.suitableHeight)
        case .scatter(let x, let y):
            let columns = try ViewColumns(FigureQuantity.objectView, in: connection).names
            let (x, y) = (FigureQuantity(x, columns: columns), FigureQuantity(y, columns: columns))
            var usual = "dataset"
            if case .column = x { usual = "class" }
            return Figure(
                plot: try ScatterFigure(
                    x: x, y: y, by: grouping ?? usual, where: condition, isLogarithmic: isLogarithmic, in: connection
                ).plot)
        case .precisionRecall: return Figure(plot: try PrecisionRecallFigure(catalog, where: condition, in: connection).plot)
        case .runs(let metric):
            return Figure(plot: try RunsFigure(metric: metric, by: grouping, where: condition, in: connection).plot)
        }
    }
}

/// Values that a figure can be of.
public enum FigureQuantity: Hashable, Sendable {
    /// A column of `v_object`: a value for each object.
    case column(String)
    /// A metric, by its name, such as `membrane/dice`: a value for each item that recorded it.
    case metric(String)

    static let objectView = "v_object"

    /// - Parameter columns: of `v_object`. A name that is none of them is a metric.
    init(_ name: String, columns: [String]) { self = columns.contains(name) ? .column(name) : .metric(name) }

    var view: String { if case .column = self { Self.objectView } else { "v_metric" } }
    /// The value in a row of the view, as SQL.
    var expression: String { if case .column(let name) = self { name } else { "value" } }
    var noun: String { if case .column = self { "objects" } else { "values" } }

    /// The name for an axis, with the unit.
    var label: String {
        switch self {
        case .column(let name), .metric(let name): MeasureLabel.text(name)
        }
    }
}

/// A plot, and a size that suits it. Its title says how many values it is of.
public struct Figure: Sendable {
    public let plot: any Plot
    /// In points.
    public var width: Double
    /// In points.
    public var height: Double

    public init(plot: any Plot, width: Double = 480, height: Double = 300) {
        (self.plot, self.width, self.height) = (plot, width, height)
    }

    /// A drawing that holds only this plot.
    public func drawing() -> VectorDrawing { plot.drawing(width: width, height: height) }
}
