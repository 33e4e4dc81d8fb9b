import CellarKit
import Rendering

extension Report {
    /// The training set that counts: what it is of, and how training went.
    func addTraining(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        let sets = try rows("SELECT name, slabs, annotations, tomograms, created_at FROM v_training_set WHERE is_current = 1")
        guard let set = sets.first else { return }
        let name = set[0].plainText
        page.heading("Training")
        page.paragraph(
            "Networks were trained on the set \(name) of \(set[4].plainText): \(set[1].plainText) slabs and \(set[2].plainText) annotations of "
                + "\(set[3].plainText) tomograms.")
        let members = try rows(
            "SELECT step, dataset || '/' || tomogram, member, input, substr(digest, 1, 12) FROM v_trained_on WHERE training_set = :name "
                + "ORDER BY 1, 2, 3, 4", parameters: ["name": .text(name)])
        if !members.isEmpty {
            page.table(
                ["network", "tomogram", "part", "input", "digest"],
                members.map { $0.map { HTMLPage.Cell(text: $0.plainText) } })
        }
        let scores = try rows(
            """
            SELECT m.step, m.name, m.value, s.trace_id FROM v_metric AS m JOIN v_step AS s ON s.step = m.step AND s.scope_id = m.scope_id
            WHERE m.training_set = :name ORDER BY 1, 2
            """, parameters: ["name": .text(name)])
        page.table(
            ["network", "number", ""],
            scores.map { row in
                let number = row[2].number.flatMap { value in row[3].integer.map { Number(value: value, trace: $0) } }
                return [
                    HTMLPage.Cell(text: row[0].plainText), HTMLPage.Cell(text: row[1].plainText.replacing("_", with: " ")),
                    cell(number, &traces),
                ]
            })
        guard let current = try workspace.catalog.collection.currentTrainingSet() else { return }
        let curves = try workspace.catalog.results.curves(of: current)
        guard curves.contains(where: { $0.state != .earlier }) else { return }
        page.figure(try CurvePanels(curves, ofTrainingSet: name).sheet.drawing())
    }
}
