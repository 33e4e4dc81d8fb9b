import CellarKit

extension Report {
    /// Where the numbers come from: each trace that gave one, with its inputs; then the parameters of all steps that took part.
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

    /// The parameters of the results that stand: of training, and of these tomograms. Where results of a step were computed with several
    /// values, all are listed.
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
