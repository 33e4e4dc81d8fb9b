import CellarKit
import Foundation

extension Report {
    /// One row for each annotation, step and class: the numbers that are compared most, each with its trace.
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
            "dice", "iou", "precision", "recall", "f1", "pick_precision", "pick_recall", "surface_dice", "skeleton_dice",
            "cl_dice", "boundary_distance_mean",
            "boundary_distance_95",
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
            "Distances are in Å. A tomogram that a network was trained on says little about it. Particles are right by the rule and the "
                + "radius that the item's output `comparison` states, below.")
        try addRules(to: &page)
    }

    /// By which rule particles were right, and which annotated class was which.
    private func addRules(to page: inout HTMLPage) throws {
        let stated = try rows(
            """
            SELECT DISTINCT s.step, o.value FROM v_step AS s JOIN v_output AS o ON o.trace_id = s.trace_id
            WHERE o.name = 'comparison' AND s.step LIKE 'evaluate%' AND s.tomogram_id IN (\(idList)) ORDER BY 1, 2
            """
        )
        .filter { !$0[1].plainText.hasPrefix("{\"classes\":{}") }
        if !stated.isEmpty { page.listing(stated.map { "\($0[0].plainText): \($0[1].plainText)" }.joined(separator: "\n")) }
    }
}
