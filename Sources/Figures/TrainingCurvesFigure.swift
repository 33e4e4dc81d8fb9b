import Basics
public import Catalog
public import CatalogSchema
public import Rendering

/// The training curves of a training set as plots: a row for each step, with the losses, the Dice coefficients, and every other
/// curve that it logged.
public struct TrainingCurvesFigure: Sendable {
    /// A row of plots for each step.
    public let sheet: PlotSheet

    /// - Throws: ``CatalogError`` where nothing stands and nothing runs, or the database cannot be read.
    public init(of set: TrainingSetRecord, in catalog: Catalog) throws {
        try self.init(catalog.results.curves(of: set), ofTrainingSet: set.name)
    }

    /// - Parameters:
    ///   - curves: all curves of the training set. For each step, those of the running item are drawn, or else of the standing
    ///     result.
    ///   - name: the name of the training set, for the error.
    /// - Throws: ``CatalogError`` where nothing stands and nothing runs.
    init(_ curves: [TrainingCurve], ofTrainingSet name: String) throws(CatalogError) {
        let rows = Dictionary(grouping: curves, by: \.step).sorted { $0.key < $1.key }.compactMap {
            step, curves -> [any Plot]? in
            let states: [TrainingCurve.State] = [.running, .standing]
            guard let state = states.first(where: { state in curves.contains { $0.state == state } }) else { return nil }
            return Self.plots(
                curves.filter { $0.state == state }, title: step + (state == .running ? ", running" : ""))
        }
        guard !rows.isEmpty else {
            let reason =
                curves.isEmpty ? "has no curves yet" : "has curves only of earlier parameters or of runs that were stopped"
            throw CatalogError(
                .invalid, "the training set \(name) \(reason); `cellar run` trains on it where it is current, and logs them")
        }
        sheet = PlotSheet(rows: rows)
    }

    private static func plots(_ curves: [TrainingCurve], title: String) -> [any Plot] {
        var plots: [any Plot] = []
        var rest = curves
        for (ending, axis) in [
            ("loss", PlotAxis("loss", scale: .automatic)), ("dice", PlotAxis("Dice", range: 0...1)),
        ] {
            let together = rest.filter { $0.name.hasSuffix(ending) }
            rest.removeAll { $0.name.hasSuffix(ending) }
            if !together.isEmpty { plots.append(plot(together, title: title, axis)) }
        }
        plots += rest.map { plot([$0], title: title, PlotAxis($0.name, scale: .automatic)) }
        return plots
    }

    private static func plot(_ curves: [TrainingCurve], title: String, _ axis: PlotAxis) -> any Plot {
        LinePlot(
            title, x: PlotAxis("epoch", isWhole: true), y: axis, series: curves.map { PlotSeries($0.name, $0.points) })
    }
}
