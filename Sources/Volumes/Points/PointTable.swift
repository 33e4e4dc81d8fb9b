import Basics

/// Reads a text table of points: fields separated by comma, tab, semicolon, pipe or blanks, with or without a line of titles.
///
/// Without titles, the table must have three columns: x, y, z. Lines that begin with # are comments.
struct PointTableReader {
    private var columns: [(column: PointColumn, index: Int)] = []
    private var convention: CoordinateConvention?
    private var radiusUnit: CoordinateConvention?
    private var fieldCount = 0
    private var lines: LineReader

    init(path: String) throws(VolumeError) { lines = try LineReader(path: path) }

    /// Reads all points, in the order of the lines.
    ///
    /// - Parameter wanted: the convention of the coordinates, which overrules the titles; nil for what the titles say.
    /// - Throws: ``VolumeError`` with the number of the line that is wrong; `.unsupported` where neither the file nor
    ///   the caller says in what unit the coordinates are.
    mutating func read(convention wanted: CoordinateConvention?) throws(VolumeError) -> PointSet {
        var delimiter: Delimiter?
        var points: [PickedPoint] = []
        while let line = try lines.next() {
            guard let first = line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }),
                first != UInt8(ascii: "#")
            else { continue }
            guard let delimiter else {
                let judged = Delimiter(judgedBy: line)
                delimiter = judged
                let fields = judged.fields(of: line)
                if try readTitles(fields) { continue }
                points.append(try point(fields))
                continue
            }
            guard points.count < PointFile.pointLimit else { throw .tooManyPoints(PointFile.pointLimit, path: lines.path) }
            points.append(try point(delimiter.fields(of: line)))
        }
        guard delimiter != nil else {
            throw VolumeError(.malformed, "is empty; give points, one on each line", path: lines.path)
        }
        guard let convention = wanted ?? convention else { throw .noConvention(path: lines.path) }
        var set = PointSet(points: points, convention: convention)
        if let own = self.convention, own != convention {
            set.notes.append("the titles of the columns say \(own.rawValue), and were overruled by \(convention.rawValue)")
        }
        if columns.contains(where: { $0.column == .radius }), (radiusUnit ?? convention) != .angstrom {
            for index in set.points.indices { set.points[index].radiusInAngstroms = nil }
            set.notes.append("the radius was ignored: it is not in Å")
        }
        return set
    }

    /// Reads the columns from the first line. Returns false if the line has no titles, but a point.
    private mutating func readTitles(_ fields: [String]) throws(VolumeError) -> Bool {
        fieldCount = fields.count
        if fields.allSatisfy({ Double($0) != nil }) {
            guard fields.count == 3 else {
                throw .malformedLine(
                    lines.line, "has \(fields.count) numbers and no titles; name the columns in a first line, among them x, y, z",
                    path: lines.path)
            }
            columns = [(.x, 0), (.y, 1), (.z, 2)]
            return false
        }
        var units: [CoordinateConvention?] = []
        for (index, field) in fields.enumerated() {
            guard let (column, unit) = PointColumn.named(field) else { continue }
            guard !columns.contains(where: { $0.column == column }) else {
                throw .malformedLine(
                    lines.line, "names \"\(field)\" although there is such a column already; rename or remove one",
                    path: lines.path)
            }
            columns.append((column, index))
            if [.x, .y, .z].contains(column) { units.append(unit) }
            if column == .radius { radiusUnit = unit }
        }
        guard units.count == 3 else {
            throw .malformedLine(
                lines.line, "names the columns \(fields.joined(separator: ", ")), of which none is \(missing); name them x, y, z",
                path: lines.path)
        }
        guard Set(units).count == 1 else {
            throw .malformedLine(lines.line, "gives x, y and z different units; use one for all", path: lines.path)
        }
        convention = units[0]
        return true
    }

    /// The names of the coordinates that have no column, for the error message.
    private var missing: String {
        let named = columns.map(\.column)
        return [(PointColumn.x, "x"), (.y, "y"), (.z, "z")].filter { !named.contains($0.0) }.map(\.1).joined(separator: ", ")
    }

    private func point(_ fields: [String]) throws(VolumeError) -> PickedPoint {
        guard fields.count == fieldCount else {
            throw .malformedLine(
                lines.line, "has \(fields.count) fields where the first line has \(fieldCount); correct or remove it",
                path: lines.path)
        }
        var point = PickedPoint(x: 0, y: 0, z: 0)
        var angles: [PointColumn: Double] = [:]
        for (column, index) in columns {
            let text = fields[index]
            switch column {
            case .x: point.x = try number(text, "x")
            case .y: point.y = try number(text, "y")
            case .z: point.z = try number(text, "z")
            case .rot, .tilt, .psi: if !text.isEmpty { angles[column] = try number(text, "an angle") }
            case .className: point.className = text.isEmpty ? nil : text
            case .tomogramName: point.tomogramName = text.isEmpty ? nil : text
            case .instance: point.instance = Int(text)
            case .score: if !text.isEmpty { point.score = try number(text, "the score") }
            case .radius: if !text.isEmpty { point.radiusInAngstroms = try number(text, "the radius") }
            }
        }
        if let rot = angles[.rot], let tilt = angles[.tilt], let psi = angles[.psi] {
            point.orientation = ParticleOrientation(rot: rot, tilt: tilt, psi: psi)
        }
        return point
    }

    private func number(_ text: String, _ name: String) throws(VolumeError) -> Double {
        guard let value = Double(text), value.isFinite else {
            throw .notFinite(name, text, line: lines.line, path: lines.path)
        }
        return value
    }
}

/// The columns of a table of points, with all names for them that occur in files.
private enum PointColumn {
    case x, y, z, rot, tilt, psi, className, tomogramName, instance, score, radius

    /// The column for each name, in lower case, without units.
    private static let names: [String: PointColumn] = {
        var names: [String: PointColumn] = [:]
        for (column, letter) in [(Self.x, "x"), (.y, "y"), (.z, "z")] {
            for pattern in [
                "*", "location_*", "location.*", "location-*", "centroid_*", "centroid-*", "center_*", "centre_*", "coord_*",
                "coordinate_*", "coordinate*", "*_coord", "*coord", "*_coordinate", "pos_*", "position_*", "*_pos", "*_position",
            ] {
                names[pattern.replacing("*", with: letter)] = column
            }
        }
        let others: [(PointColumn, [String])] = [
            (.rot, ["rot", "angle_rot"]), (.tilt, ["tilt", "angle_tilt"]), (.psi, ["psi", "angle_psi"]),
            (
                .className,
                ["class", "class_name", "classname", "label", "particle_type", "object_name", "pickable_object_name", "type"]
            ),
            (.tomogramName, ["tomogram", "tomogram_name", "tomo_name", "tomo", "experiment", "run_name", "run"]),
            (.instance, ["instance", "instance_id", "ids", "id", "contour_id"]),
            (.score, ["score", "confidence", "probability"]),
            (.radius, ["radius"]),
            // napari's points layer: the axes of the array.
            (.z, ["axis-0"]), (.y, ["axis-1"]), (.x, ["axis-2"]),
        ]
        for (column, list) in others { for name in list { names[name] = column } }
        return names
    }()

    /// The units with which a column's name can end, in lower case.
    private static let units: [String: CoordinateConvention] = {
        var units = Dictionary(uniqueKeysWithValues: CoordinateConvention.allCases.map { ($0.rawValue, $0) })
        for name in ["a", "å", "ang", "angst", "angstroms"] { units[name] = .angstrom }
        for name in ["px", "pix", "pixel", "pixels", "vox", "voxels"] { units[name] = .voxel }
        return units
    }()

    /// The column and the unit of a title such as `x`, `X [A]`, `location_x`, `z_relion5-centered`. The unit is nil where the
    /// title has none; the result is nil where the title names none of these columns.
    static func named(_ title: String) -> (column: PointColumn, unit: CoordinateConvention?)? {
        let title = title.lowercased()
        if let column = names[title] { return (column, title.hasPrefix("axis-") ? .voxel : nil) }
        if let opening = title.lastIndex(where: { "[(".contains($0) }), let closing = title.last, "])".contains(closing) {
            let unit = title[title.index(after: opening)...].dropLast()
            let name = title[..<opening].split(separator: " ").joined(separator: "_")
            if let column = names[name] { return (column, units[String(unit)]) }
        }
        if let underscore = title.lastIndex(of: "_"), let unit = units[String(title[title.index(after: underscore)...])],
            let column = names[String(title[..<underscore])]
        {
            return (column, unit)
        }
        return nil
    }
}

/// The separator of the fields of a line of text.
private enum Delimiter: Hashable, Sendable {
    case character(UInt8)
    /// One or more spaces or tabs.
    case blanks

    /// Guesses the separator from one line of a table: the most frequent of comma, tab, semicolon and pipe; blanks if there
    /// is none of these.
    init(judgedBy line: ArraySlice<UInt8>) {
        var best: (character: UInt8, count: Int)?
        for character in ",\t;|".utf8 {
            let count = line.count { $0 == character }
            if count > best?.count ?? 0 { best = (character, count) }
        }
        self = best.map { .character($0.character) } ?? .blanks
    }

    /// The fields of a line, without surrounding blanks. A field in double quotes may contain the separator; a doubled quote
    /// in it stands for one quote.
    func fields(of line: ArraySlice<UInt8>) -> [String] {
        let quote = UInt8(ascii: "\"")
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

        func finished() -> String {
            if wasQuoted { return String(decoding: field, as: UTF8.self) }
            let text = field.drop(while: isBlank)
            return String(
                decoding: text.prefix(text.lastIndex { !isBlank($0) }.map { $0 - text.startIndex + 1 } ?? 0), as: UTF8.self)
        }
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            index += 1
            if byte == quote {
                if isQuoted, index < line.endIndex, line[index] == quote {
                    field.append(quote)
                    index += 1
                } else if isQuoted || field.allSatisfy(isBlank) {
                    isQuoted.toggle()
                    if isQuoted { field.removeAll(keepingCapacity: true) }
                    wasQuoted = true
                } else {
                    field.append(byte)
                }
            } else if !isQuoted, self == .blanks ? isBlank(byte) : self == .character(byte) {
                if self != .blanks || !field.isEmpty || wasQuoted { fields.append(finished()) }
                field.removeAll(keepingCapacity: true)
                wasQuoted = false
            } else if !wasQuoted || isQuoted {
                field.append(byte)
            }
        }
        if self != .blanks || !field.isEmpty || wasQuoted { fields.append(finished()) }
        return fields
    }
}

extension PointSet {
    /// The points as CSV: a line of titles that give the convention (`x_angstrom`), then one line for each point. Columns
    /// without any value are left out; a value that a point lacks is an empty field.
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
