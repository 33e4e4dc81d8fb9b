import Basics
import Catalog
import Engine
import Foundation
import Pipeline
import Rendering
import Volumes

/// What was found: tomograms, objects, agreement with annotations, pictures.
extension Report {
    /// The steps that measure objects, as an SQL list, without parentheses.
    private static let measuringSteps = [MeasureStep.name, MeasurePicksStep.name].map(\.sqlLiteral).joined(separator: ", ")
    /// The name of the output of evaluation steps that records the pairs of classes, and the rules.
    private static let comparison = EvaluateStep.outputs.comparison.output.name

    // MARK: Tomograms

    /// The metrics of the steps that measure objects, and of the sample, by tomogram and name, each with its trace.
    private func measuredMetrics() throws -> [Int64: [String: Number]] {
        var metrics: [Int64: [String: Number]] = [:]
        try connection.run(
            """
            SELECT s.tomogram_id, m.name, m.value, s.trace_id FROM v_step AS s
            JOIN v_metric AS m ON m.step = s.step AND m.scope_id = s.scope_id
            WHERE s.step IN (\(Self.measuringSteps), \(SampleStep.name.sqlLiteral)) AND s.tomogram_id IN (\(idList))
            """
        ) { row in
            guard let id = row[0].integer, let value = row[2].number, let trace = row[3].integer else { return }
            metrics[id, default: [:]][row[1].plainText] = Number(value: value, trace: trace)
        }
        return metrics
    }

    /// A table with a row for each tomogram: its size, that of the sample, and what was measured in it.
    func addTomograms(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        page.heading("Tomograms")
        let metrics = try measuredMetrics()
        let names = Set(metrics.values.flatMap(\.keys))
        /// Of each class, in this order.
        let measures = [
            ("objects", "objects"), ("fraction", "fraction"), ("concentration", "per µm³"),
            ("lamella_concentration", "per µm³ of lamella"),
        ]
        let classes = Set(names.compactMap { $0.split(separator: "/").count == 2 ? String($0.split(separator: "/")[0]) : nil })
            .sorted()
        let sample = [("sample_thickness_nm", "thickness, nm"), ("sample_tilt_degrees", "tilt, °")].filter {
            names.contains($0.0)
        }
        let measured = classes.flatMap { name in
            measures.compactMap { measure, words in
                names.contains("\(name)/\(measure)") ? ("\(name)/\(measure)", "\(name), \(words)") : nil
            }
        }
        let columns = sample + measured
        let rows = tomograms.map { tomogram -> [HTMLPage.Cell] in
            [
                HTMLPage.Cell(text: "\(tomogram.dataset)/\(tomogram.name)"), HTMLPage.Cell(text: tomogram.size),
                HTMLPage.Cell(text: tomogram.voxelSize?.brief ?? "", isNumber: true),
                HTMLPage.Cell(text: "\(tomogram.slabs)", isNumber: true),
            ] + columns.map { cell(metrics[tomogram.id]?[$0.0], &traces) }
        }
        page.table(["tomogram", "voxels", "voxel size, Å", "slabs"] + columns.map(\.1), rows)
        if measured.isEmpty {
            page.paragraph(
                "Nothing has been measured yet: `cellar training add` says what to learn from, `cellar run` does the rest.")
        }
    }

    /// The number of measured objects of each class, of the results that stand.
    func objectCounts() throws -> [String: Int64] {
        var counts: [String: Int64] = [:]
        try connection.run(
            """
            SELECT class, sum(count) FROM v_object_summary
            WHERE measure = 'volume_nm3' AND step IN (\(Self.measuringSteps)) AND tomogram_id IN (\(idList)) GROUP BY class
            """
        ) { row in counts[row[0].plainText] = row[1].integer ?? 0 }
        return counts
    }

    // MARK: Objects

    /// Mean, deviation and range of each measure of each class, over all tomograms; and histograms.
    func addObjects(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        let names = [
            "volume_nm3": "volume, nm³", "diameter_nm": "diameter, nm", "surface_nm2": "surface, nm²", "elongation": "elongation",
            "density_mean": "density", "membrane_distance": "to the membrane, Å", "confidence": "confidence",
        ]
        let summaries = try rows(
            """
            SELECT class, measure, sum(count), sum(sum) / sum(count), sum(sum_of_squares) / sum(count), min(minimum), max(maximum)
            FROM v_object_summary WHERE step IN (\(Self.measuringSteps)) AND tomogram_id IN (\(idList))
            GROUP BY class, measure ORDER BY class, measure
            """)
        guard !summaries.isEmpty else { return }
        page.heading("Objects")
        page.table(
            ["class", "", "objects", "mean", "standard deviation", "least", "greatest"],
            summaries.map { row in
                let (mean, squares) = (row[3].number ?? 0, row[4].number ?? 0)
                // Equal values have no deviation; rounding may leave one.
                let variance = row[5] == row[6] ? 0 : max(squares - mean * mean, 0)
                let measure = row[1].plainText
                let words = names[measure] ?? measure.replacing("nearest/", with: "to the nearest ") + ", Å"
                return [HTMLPage.Cell(text: row[0].plainText), HTMLPage.Cell(text: words)]
                    + [row[2].number, mean, variance.squareRoot(), row[5].number, row[6].number].map {
                        HTMLPage.Cell(text: $0?.brief ?? "", isNumber: true)
                    }
            })
        try addDistributions(to: &page)
        page.paragraph(
            "These are of all tomograms together; the items `\(MeasureStep.name)` and `\(MeasurePicksStep.name)` of each gave them."
        )
    }

    // MARK: Evaluation

    /// A table with a row for each annotation, step and class: the scores that are compared most, each with its trace.
    func addEvaluation(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        struct Row {
            var cells: [String: Number] = [:]
            var isTrainedOn = false
        }
        var rows: [[String]: Row] = [:]
        try connection.run(
            """
            SELECT e.dataset, e.tomogram, e.annotation, e.step, e.class, e.measure, e.value, s.trace_id, e.trained_on
            FROM v_evaluation AS e JOIN v_step AS s ON s.step = e.step AND s.scope_id = e.annotation
            WHERE e.tomogram_id IN (\(idList)) AND e.class IS NOT NULL
            """
        ) { row in
            guard let value = row[6].number, let trace = row[7].integer else { return }
            let key = [row[4].plainText, row[3].plainText, "\(row[0].plainText)/\(row[1].plainText)", row[2].plainText]
            rows[key, default: Row()].cells[row[5].plainText] = Number(value: value, trace: trace)
            rows[key]?.isTrainedOn = row[8].integer == 1
        }
        page.heading("Beside annotations")
        guard !rows.isEmpty else {
            return page.paragraph("Nothing is compared: `cellar annotate` says where labels or points of a person are.")
        }
        let measures = [
            "dice", "iou", "precision", "recall", "f1", "pick_precision", "pick_recall", "surface_dice", "surface_precision",
            "surface_recall", "thickness_found", "thickness_true", "skeleton_dice", "cl_dice", "boundary_dice",
            "boundary_distance_mean", "boundary_distance_95",
            "average_precision", "true", "found", "match_radius",
        ].filter { measure in rows.values.contains { $0.cells[measure] != nil } }
        page.table(
            ["class", "step", "tomogram", "annotation", "trained on"] + measures.map { $0.replacing("_", with: " ") },
            rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, row in
                key.map { HTMLPage.Cell(text: $0) } + [HTMLPage.Cell(text: row.isTrainedOn ? "yes" : "no")]
                    + measures.map { cell(row.cells[$0], &traces) }
            })
        let scores = Set(rows.flatMap { key, row in ["dice", "f1"].filter { row.cells[$0] != nil }.map { "\(key[0])/\($0)" } })
        try addScores(of: scores.sorted(), to: &page)
        page.paragraph(
            "Distances and thicknesses are in Å. A tomogram that a network was trained on says little about it. Particles are right "
                + "by the rule and the radius that the item's output `\(Self.comparison)` states, below.")
        try addRules(to: &page)
    }

    /// For each evaluation, the rule by which a particle counts as right, and the pairs of classes that were compared.
    private func addRules(to page: inout HTMLPage) throws {
        let stated = try rows(
            """
            SELECT DISTINCT s.step, o.value FROM v_step AS s JOIN v_output AS o ON o.trace_id = s.trace_id
            WHERE o.name = \(Self.comparison.sqlLiteral) AND s.step LIKE \("\(EvaluateStep.name)%".sqlLiteral) AND s.tomogram_id IN (\(idList)) ORDER BY 1, 2
            """
        )
        .filter { !$0[1].plainText.hasPrefix("{\"classes\":{}") }
        if !stated.isEmpty { page.listing(stated.map { "\($0[0].plainText): \($0[1].plainText)" }.joined(separator: "\n")) }
    }

    // MARK: Plots

    /// Histograms of volume, density and distance to the membrane of the measured objects.
    func addDistributions(to page: inout HTMLPage) throws {
        let condition = "tomogram_id IN (\(idList)) AND step IN (\(Self.measuringSteps))"
        var plots: [any Plot] = []
        for (column, isLogarithmic) in [("volume_nm3", true), ("density_mean", false), ("membrane_distance", false)] {
            plots += try plot(
                FigureRequest(
                    .histogram(.column(column), bins: 30), grouping: "class", condition: condition, isLogarithmic: isLogarithmic))
        }
        addSheet(of: plots, to: &page)
    }

    /// Precision by recall of all classes, and a box plot of each score.
    func addScores(of metrics: [String], to page: inout HTMLPage) throws {
        let condition = "tomogram_id IN (\(idList))"
        var plots = try plot(FigureRequest(.precisionRecall, condition: condition))
        for metric in metrics {
            plots += try plot(FigureRequest(.box(.metric(metric)), grouping: "dataset", condition: condition))
        }
        addSheet(of: plots, to: &page)
    }

    /// The plot of a figure; empty where there is nothing to draw.
    private func plot(_ request: FigureRequest) throws -> [any Plot] {
        do {
            return [try request.figure(of: catalog, in: connection).plot]
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

    // MARK: Pictures

    /// The longest side of a picture, in pixels.
    private static let side = 360

    /// The middle slice of some tomograms, alone and with each result over it.
    func addPictures(to page: inout HTMLPage) throws {
        guard pictureCount > 0 else { return }
        page.heading("Pictures")
        let store = try self.store()
        for tomogram in evenly(tomograms, pictureCount) {
            let record = try catalog.collection.tomogram(named: "\(tomogram.dataset)/\(tomogram.name)")
            page.heading("\(tomogram.dataset)/\(tomogram.name)", level: 3)
            let pictures: TomogramPictures
            do {
                pictures = try TomogramPictures(catalog, store, tomogram: record, z: nil, maximumSide: Self.side)
            } catch let error as VolumeError {
                // The file of a tomogram may be on a disk that is away; its numbers stand.
                page.paragraph("It cannot be drawn: \(error)")
                continue
            }
            try page.figures { page in
                try page.figure(png: PNGEncoder().encode(pictures.plain()), caption: "slice \(pictures.z)")
                let steps: [(TomogramStep, String)] = [(.segment, "what the U-Net found"), (.pick, "what the picker found")]
                for (step, words) in steps where try pictures.hasResult(of: step) {
                    try page.figure(
                        png: PNGEncoder().encode(pictures.picture(of: step)), caption: "slice \(pictures.z), \(words)")
                }
            }
        }
    }

    /// `count` elements of a list at even distances, the first and the last included.
    private func evenly<Element>(_ list: [Element], _ count: Int) -> [Element] {
        guard list.count > count, count > 1 else { return Array(list.prefix(count)) }
        return (0..<count).map { list[$0 * (list.count - 1) / (count - 1)] }
    }
}
