import Basics
import CellarKit
import Rendering

extension Report {
    /// How sizes, densities and distances of the measured objects are distributed.
    func addDistributions(to page: inout HTMLPage) throws {
        let condition = "tomogram_id IN (\(idList)) AND step IN ('measure', 'measure-picks')"
        var plots: [any Plot] = []
        for (column, isLogarithmic) in [("volume_nm3", true), ("density_mean", false), ("membrane_distance", false)] {
            try plots.append(
                contentsOf: drawn {
                    let source = try FigureSource(.column(column), by: "class", where: condition, in: connection)
                    return try HistogramFigure(source, bins: 30, isLogarithmic: isLogarithmic).plot
                })
        }
        addSheet(of: plots, to: &page)
    }

    /// Precision by recall of all classes, and how the scores of tomograms are distributed.
    func addScores(of metrics: [String], to page: inout HTMLPage) throws {
        var plots = try drawn {
            try PrecisionRecallFigure(workspace.catalog, where: "tomogram_id IN (\(idList))", in: connection).plot
        }
        for metric in metrics {
            try plots.append(
                contentsOf: drawn {
                    let source = try FigureSource(
                        .metric(metric), by: "dataset", where: "tomogram_id IN (\(idList))", in: connection)
                    return try BoxFigure(source, isLogarithmic: false).plot
                })
        }
        addSheet(of: plots, to: &page)
    }

    /// A plot, or nothing where there is nothing to draw.
    private func drawn(_ plot: () throws -> any Plot) throws -> [any Plot] {
        do {
            return [try plot()]
        } catch let error as CatalogError where error.code == .notFound {
            return []
        }
    }

    private func addSheet(of plots: [any Plot], to page: inout HTMLPage) {
        guard !plots.isEmpty else { return }
        let columns = 3
        let rows = stride(from: 0, to: plots.count, by: columns).map { Array(plots[$0..<min($0 + columns, plots.count)]) }
        page.figure(PlotSheet(rows: rows, plotWidth: 380, plotHeight: 260).drawing())
    }
}
