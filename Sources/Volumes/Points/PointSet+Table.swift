extension PointSet {
    /// The points as CSV: titles that say the convention (`x_angstrom`), then one line for each point. Columns that no point has
    /// are left out, values that a point lacks are empty.
    var table: String {
        let unit = convention.rawValue
        var columns: [(title: String, value: (PickedPoint) -> String)] = [
            ("x_\(unit)", { "\($0.x)" }), ("y_\(unit)", { "\($0.y)" }), ("z_\(unit)", { "\($0.z)" }),
        ]
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
        if points.contains(where: { $0.orientation != nil }) {
            columns.append(("rot", { number($0.orientation?.rot) }))
            columns.append(("tilt", { number($0.orientation?.tilt) }))
            columns.append(("psi", { number($0.orientation?.psi) }))
        }
        if points.contains(where: { $0.className != nil }) { columns.append(("class", { Self.quoted($0.className ?? "") })) }
        if points.contains(where: { $0.tomogramName != nil }) {
            columns.append(("tomogram", { Self.quoted($0.tomogramName ?? "") }))
        }
        if points.contains(where: { $0.instance != nil }) { columns.append(("instance", { $0.instance.map { "\($0)" } ?? "" })) }
        if points.contains(where: { $0.score != nil }) { columns.append(("score", { number($0.score) })) }
        if points.contains(where: { $0.radiusInAngstroms != nil }) {
            columns.append(("radius_angstrom", { number($0.radiusInAngstroms) }))
        }
        var text = columns.map(\.title).joined(separator: ",") + "\n"
        for point in points { text += columns.map { $0.value(point) }.joined(separator: ",") + "\n" }
        return text
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.contains { ",;\t|\"".contains($0) } || text.first == " " || text.last == " "
        return needsQuotes ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}
