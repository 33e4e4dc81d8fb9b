import CellarKit
import Foundation
import Rendering

extension Report {
    /// What the objects of each class are like, over all tomograms; and how their sizes are distributed.
    func addObjects(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        let names = [
            "volume_nm3": "volume, nm³", "diameter_nm": "diameter, nm", "surface_nm2": "surface, nm²", "elongation": "elongation",
            "density_mean": "density", "membrane_distance": "to the membrane, Å", "confidence": "confidence",
        ]
        let summaries = try rows(
            """
            SELECT class, measure, sum(count), sum(sum) / sum(count), sum(sum_of_squares) / sum(count), min(minimum), max(maximum)
            FROM v_object_summary WHERE step IN ('measure', 'measure-picks') AND tomogram_id IN (\(idList))
            GROUP BY class, measure ORDER BY class, measure
            """)
        guard !summaries.isEmpty else { return }
        page.heading("Objects")
        page.table(
            ["class", "", "objects", "mean", "standard deviation", "least", "greatest"],
            summaries.map { row in
                let (mean, squares) = (row[3].number ?? 0, row[4].number ?? 0)
                // What is all alike has no deviation, whatever rounding leaves of it.
                let variance = row[5] == row[6] ? 0 : max(squares - mean * mean, 0)
                let measure = row[1].plainText
                let words = names[measure] ?? measure.replacing("nearest/", with: "to the nearest ") + ", Å"
                return [HTMLPage.Cell(text: row[0].plainText), HTMLPage.Cell(text: words)]
                    + [row[2].number, mean, variance.squareRoot(), row[5].number, row[6].number].map {
                        HTMLPage.Cell(text: $0?.brief ?? "", isNumber: true)
                    }
            })
        try addDistributions(to: &page)
        page.paragraph("These are of all tomograms together; the items `measure` and `measure-picks` of each gave them.")
    }
}
