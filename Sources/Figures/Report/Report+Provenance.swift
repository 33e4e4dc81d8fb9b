import Catalog
import Rendering

/// Where the results come from: the training set, the traces, the parameters.
extension Report {
    // MARK: Training

    /// The current training set: its members, the scores of its networks, and their curves.
    func addTraining(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        let sets = try rows("SELECT name, slabs, annotations, tomograms, created_at FROM v_training_set WHERE is_current = 1")
        guard let set = sets.first else { return }
        let name = set[0].plainText
        page.heading("Training")
        page.paragraph(
            "Networks learn from the set \(name) of \(set[4].plainText): \(set[1].plainText) slabs and \(set[2].plainText) annotations of "
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
        guard let current = try catalog.collection.currentTrainingSet() else { return }
        let curves = try catalog.results.curves(of: current)
        guard curves.contains(where: { $0.state != .earlier }) else { return }
        page.figure(try TrainingCurvesFigure(curves, ofTrainingSet: name).sheet.drawing())
    }

    // MARK: Traces and parameters

    /// A table of the traces that gave numbers, each with its inputs; then the parameters of all steps.
    func addProvenance(of numbers: Set<Int64>, to page: inout HTMLPage) throws {
        guard !numbers.isEmpty else { return }
        page.heading("Where the numbers come from")
        page.paragraph(
            "An item is a step on one tomogram, annotation or training set. Its key stands for the step's version, its parameters, and the "
                + "digests of all inputs: the same key means the same result.")
        let list = numbers.sorted().map { "\($0)" }.joined(separator: ",")
        var inputs: [Int64: [String]] = [:]
        try connection.run(
            "SELECT trace_id, name, substr(digest, 1, 12), value FROM v_trace_input WHERE kind = 'input' AND trace_id IN (\(list)) ORDER BY 1, 2"
        ) { row in
            guard let trace = row[0].integer else { return }
            inputs[trace, default: []].append("\(row[1].plainText) \(row[2].plainText)")
        }
        let traces = try rows(
            """
            SELECT trace_id, step, step_version, CASE WHEN training_set IS NULL THEN dataset || '/' || tomogram ELSE training_set END,
                run_id, started_at, seconds, host, version, substr(key, 1, 12)
            FROM v_step WHERE trace_id IN (\(list)) ORDER BY step, dataset, tomogram
            """)
        page.table(
            ["item", "step", "of", "run", "started", "seconds", "host", "Cellar", "key", "inputs and their digests"],
            traces.map { row in
                let id = row[0].integer ?? 0
                return [
                    HTMLPage.Cell(text: "\(id)", isNumber: true, anchor: "trace-\(id)"),
                    HTMLPage.Cell(text: "\(row[1].plainText) \(row[2].plainText)"), HTMLPage.Cell(text: row[3].plainText),
                    HTMLPage.Cell(text: row[4].plainText, isNumber: true), HTMLPage.Cell(text: row[5].plainText),
                    HTMLPage.Cell(text: row[6].number?.brief ?? "", isNumber: true), HTMLPage.Cell(text: row[7].plainText),
                    HTMLPage.Cell(text: row[8].plainText), HTMLPage.Cell(text: row[9].plainText),
                    HTMLPage.Cell(text: (inputs[id] ?? []).joined(separator: ", ")),
                ]
            })
        try addParameters(to: &page)
    }

    /// A table of the parameters of the results that stand, of training and of these tomograms. Where results of a step were
    /// computed with several values, it lists all.
    private func addParameters(to page: inout HTMLPage) throws {
        page.heading("Parameters and models")
        let values = try rows(
            """
            SELECT s.step, i.kind, i.name, i.value, count(*) FROM v_step AS s JOIN v_trace_input AS i ON i.trace_id = s.trace_id
            WHERE i.kind IN ('recipe', 'model') AND (s.tomogram_id IN (\(idList)) OR s.training_set IS NOT NULL)
            GROUP BY s.step, i.kind, i.name, i.value ORDER BY min(s.trace_id), i.kind DESC, i.name
            """)
        page.table(
            ["step", "kind", "name", "value", "items"],
            values.map { row in
                row.enumerated().map { HTMLPage.Cell(text: $1.plainText, isNumber: $0 == 4) }
            })
    }
}
