import Basics

/// Reads a table of points as text: CSV by comma, tab, semicolon, pipe or blanks, with a line of titles or without.
///
/// Without titles there must be three columns: x, y, z. Lines that begin with # are comments.
struct PointTableReader {
    private var columns: [(column: PointColumn, index: Int)] = []
    private var convention: CoordinateConvention?
    private var radiusUnit: CoordinateConvention?
    private var fieldCount = 0
    private var lines: LineReader

    init(path: String) throws(VolumeError) { lines = try LineReader(path: path) }

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
            throw VolumeError(.malformed, "is empty; expected are points, one on each line", path: lines.path)
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

    /// Learns the columns from the first line; false if the line is a point already.
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
                throw .malformedLine(lines.line, "names \"\(field)\" although there is such a column already", path: lines.path)
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

    private var missing: String {
        let named = columns.map(\.column)
        return [(PointColumn.x, "x"), (.y, "y"), (.z, "z")].filter { !named.contains($0.0) }.map(\.1).joined(separator: ", ")
    }

    private func point(_ fields: [String]) throws(VolumeError) -> PickedPoint {
        guard fields.count == fieldCount else {
            throw .malformedLine(
                lines.line, "has \(fields.count) fields where the first line has \(fieldCount)", path: lines.path)
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
