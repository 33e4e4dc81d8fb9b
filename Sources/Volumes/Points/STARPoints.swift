import Basics

/// Reads the points of a STAR file by RELION 3, 4 or 5, by Warp or TOMOMAN (with RELION's column names), or by STOPGAP.
///
/// All loops with coordinates are read, in the order of the file. Refinement's shifts are applied: position − A · origin
/// for RELION, where A is the orientation of the subtomogram; position + shift for STOPGAP.
struct STARPointReader {
    private var reader: STARReader
    private let path: String
    private var opticsPixelSizes: [String: Double] = [:]
    private var pixelSizes: [Double?] = []
    /// For each point in pixels: which of the sizes its pixels have.
    private var pixelSizeOfPoints: [Int] = []
    /// Size in unbinned pixels (x, y, z) and pixel size in Å of tomograms, by name: for the middle of centred coordinates.
    private var sizes: [String: SIMD3<Double>] = [:]
    private var sizedPixels: [String: Double] = [:]
    private var points: [PickedPoint] = []

    /// Which columns of a loop have the position.
    private enum Layout {
        case centred, pixels, stopgap

        var convention: CoordinateConvention {
            switch self {
            case .centred: .relion5Centered
            case .pixels: .relion
            case .stopgap: .voxel
            }
        }
    }

    init(path: String) throws(VolumeError) {
        self.path = path
        reader = try STARReader(path: path)
    }

    /// Reads all points.
    ///
    /// - Parameter wanted: the convention of the coordinates, which overrules that of the format; nil for the format's own.
    ///   If a file has both of RELION's kinds of coordinates, the columns of this convention are read.
    /// - Throws: ``VolumeError`` with the number of the line that is wrong; `.malformed` where the file has no loop with three
    ///   coordinates; `.unsupported` where it has different kinds of coordinates, or states the pixel size of some points only.
    mutating func read(convention wanted: CoordinateConvention?) throws(VolumeError) -> PointSet {
        var own: CoordinateConvention?
        var table: STARTable?
        var layout: Layout?
        while let event = try reader.next() {
            switch event {
            case .block, .pair:
                (table, layout) = (nil, nil)
            case .loop(let columns):
                let loop = STARTable(columns: columns, path: path)
                table = loop
                layout = Self.layout(of: loop, wanted: wanted)
                if let layout {
                    guard own == nil || own == layout.convention else {
                        throw VolumeError(.unsupported, "has loops of different coordinates; write one file for each", path: path)
                    }
                    own = layout.convention
                }
            case .row(let values, let line):
                guard let table else { continue }
                if let layout {
                    guard points.count < PointFile.pointLimit else { throw .tooManyPoints(PointFile.pointLimit, path: path) }
                    points.append(try point(table, values, line: line, layout: layout))
                } else {
                    try readOptics(table, values, line: line)
                    try readSize(table, values, line: line)
                }
            }
        }
        guard let own else {
            throw VolumeError(
                .malformed,
                "has no loop with coordinates of points in three dimensions (\(STARColumn.coordinate.joined(separator: ", "))); "
                    + "give a file of particles", path: path)
        }
        var set = PointSet(points: points, convention: wanted ?? own)
        if set.convention == .relion {
            if pixelSizes.count > 1 { try convertPixels(of: &set) } else { set.pixelSizeInAngstroms = pixelSizes.first ?? nil }
        }
        if own == .relion5Centered, set.convention == own {
            for (name, size) in sizes {
                // n/2 is a real number, so that odd and even sizes are exact.
                if let pixel = sizedPixels[name] { set.middlesInAngstroms[name] = size / 2 * pixel }
            }
        }
        return set
    }

    /// Converts points in pixels of several sizes to Å, each by its own: what RELION's files of several tomograms have.
    ///
    /// - Throws: ``VolumeError``, `.unsupported`, where some points state no size.
    private func convertPixels(of set: inout PointSet) throws(VolumeError) {
        let stated = pixelSizes.compactMap(\.self)
        guard stated.count == pixelSizes.count, pixelSizeOfPoints.count == set.points.count else {
            throw VolumeError(
                .unsupported, "states the pixel size of some points only; add it to the others, or write two files", path: path)
        }
        for (index, number) in pixelSizeOfPoints.enumerated() {
            set.points[index].x *= stated[number]
            set.points[index].y *= stated[number]
            set.points[index].z *= stated[number]
        }
        set.convention = .angstrom
        let sizes = stated.sorted().map { "\($0)" }.joined(separator: ", ")
        set.notes.append("points are in pixels of \(sizes) Å, and were converted to Å each by its own")
    }

    private static func layout(of table: STARTable, wanted: CoordinateConvention?) -> Layout? {
        let prefersPixels = wanted != nil && wanted != .relion5Centered && wanted != .angstrom
        if table.has(STARColumn.centred), !(prefersPixels && table.has(STARColumn.coordinate)) { return .centred }
        if table.has(STARColumn.coordinate) { return .pixels }
        return table.has(STARColumn.stopgapPosition) ? .stopgap : nil
    }

    /// Stores the pixel size of a row of the table of optics groups; does nothing for rows of other tables.
    private mutating func readOptics(_ table: STARTable, _ values: [String], line: Int) throws(VolumeError) {
        guard let group = table.text(STARColumn.opticsGroup, in: values), table.has([STARColumn.opticsGroupName]) else { return }
        opticsPixelSizes[group] = try Self.pixelSize(table, values, line: line)
    }

    private static func tomogramName(_ table: STARTable, _ values: [String]) -> String? {
        table.text(STARColumn.tomogramName, in: values) ?? table.text(STARColumn.micrographName, in: values)
    }

    /// Stores the size of a tomogram and its pixel size, where a row of a table of tomograms or of centred points states them.
    private mutating func readSize(
        _ table: STARTable, _ values: [String], line: Int, pixelSize: Double? = nil
    ) throws(VolumeError) {
        guard table.has(STARColumn.tomogramSize) else { return }
        let name = Self.tomogramName(table, values) ?? ""
        guard sizes[name] == nil, let size = try table.vector(STARColumn.tomogramSize, in: values, line: line),
            (0..<3).allSatisfy({ STARColumn.plausibleSizes.contains(size[$0]) })
        else { return }
        sizes[name] = size
        let ownPixelSize = try Self.pixelSize(table, values, line: line)
        if let pixelSize = pixelSize ?? ownPixelSize { sizedPixels[name] = pixelSize }
    }

    /// Notes the pixel size of a point. Sizes that differ by at most 10⁻³ (relative) are one: programs round them.
    private mutating func notePixelSize(_ size: Double?) {
        let known = pixelSizes.firstIndex { known in
            guard let known, let size else { return known == nil && size == nil }
            return abs(known - size) <= 1e-3 * max(known, size)
        }
        pixelSizeOfPoints.append(known ?? pixelSizes.count)
        if known == nil { pixelSizes.append(size) }
    }

    /// The pixel size in Å that a row states, by one of ``STARColumn/pixelSizes`` or by detector and magnification.
    private static func pixelSize(_ table: STARTable, _ values: [String], line: Int) throws(VolumeError) -> Double? {
        for column in STARColumn.pixelSizes {
            if let size = try table.number(column, in: values, line: line), size > 0 { return size }
        }
        guard let detector = try table.number(STARColumn.detectorPixelSize, in: values, line: line),
            let magnification = try table.number(STARColumn.magnification, in: values, line: line), magnification > 0,
            detector > 0
        else { return nil }
        return detector * 1e4 / magnification
    }

    private mutating func point(_ table: STARTable, _ values: [String], line: Int, layout: Layout) throws(VolumeError)
        -> PickedPoint
    {
        if layout == .stopgap { return try Self.stopgapPoint(table, values, line: line, path: path) }
        let columns = layout == .centred ? STARColumn.centred : STARColumn.coordinate
        var position = try table.vector(columns, in: values, line: line) ?? .zero
        if layout == .pixels {
            if let origin = try table.vector(STARColumn.originInPixels, in: values, line: line) { position -= origin }
            notePixelSize(try pixelSizeOfPoint(table, values, line: line))
        } else {
            try noteMiddle(table, values, line: line)
        }
        var point = try Self.point(at: position, line: line, path: path)
        let particle = try table.orientation(STARColumn.angles, in: values, line: line)
        let subtomogram = try table.orientation(STARColumn.subtomogramAngles, in: values, line: line)
        if let origin = try table.vector(STARColumn.originInAngstroms, in: values, line: line) {
            point.shiftInAngstroms = -((subtomogram?.matrix ?? .identity) * origin)
        }
        if let particle, let subtomogram {
            point.orientation = ParticleOrientation(subtomogram.matrix * particle.matrix)
        } else {
            point.orientation = particle ?? subtomogram
        }
        point.tomogramName = Self.tomogramName(table, values)
        point.instance = table.text(STARColumn.tube, in: values).flatMap { Int($0) }
        point.score = try table.number(STARColumn.score, in: values, line: line)
        return point
    }

    /// The pixel size of a point in Å: that of its row, or else of its optics group.
    private func pixelSizeOfPoint(_ table: STARTable, _ values: [String], line: Int) throws(VolumeError) -> Double? {
        let group = table.text(STARColumn.opticsGroup, in: values).flatMap { opticsPixelSizes[$0] }
        return try Self.pixelSize(table, values, line: line) ?? group
    }

    /// What the row of a centred point says about the middle of its tomogram: the tomogram's size, in columns of its own, and the
    /// pixel size that a table of tomograms may lack.
    private mutating func noteMiddle(_ table: STARTable, _ values: [String], line: Int) throws(VolumeError) {
        let name = Self.tomogramName(table, values) ?? ""
        guard sizedPixels[name] == nil, table.has(STARColumn.tomogramSize) || sizes[name] != nil || sizes.isEmpty else { return }
        let pixelSize = try pixelSizeOfPoint(table, values, line: line)
        try readSize(table, values, line: line, pixelSize: pixelSize)
        sizedPixels[name] = pixelSize
    }

    /// A point at a position.
    ///
    /// - Throws: ``VolumeError``, `.malformed`, where adding a shift has overflowed: the position is not finite.
    private static func point(at position: SIMD3<Double>, line: Int, path: String) throws(VolumeError) -> PickedPoint {
        guard position - position == .zero else {
            throw .notFinite("the shifted position", "\(position)", line: line, path: path)
        }
        return PickedPoint(x: position.x, y: position.y, z: position.z)
    }

    private static func stopgapPoint(_ table: STARTable, _ values: [String], line: Int, path: String) throws(VolumeError)
        -> PickedPoint
    {
        var position = try table.vector(STARColumn.stopgapPosition, in: values, line: line) ?? .zero
        position += try table.vector(STARColumn.stopgapShift, in: values, line: line) ?? .zero
        var point = try point(at: position, line: line, path: path)
        if let angles = try table.vector(STARColumn.stopgapAngles, in: values, line: line) {
            point.orientation = ParticleOrientation(
                RotationMatrix(aboutZ: angles.z) * RotationMatrix(aboutX: angles.y) * RotationMatrix(aboutZ: angles.x))
        }
        point.tomogramName = table.text(STARColumn.stopgapTomogram, in: values)
        point.instance = table.text(STARColumn.stopgapObject, in: values).flatMap { Int($0) }
        point.score = try table.number(STARColumn.stopgapScore, in: values, line: line)
        return point
    }
}

/// The columns of a loop by name, to look up values in its rows.
private struct STARTable {
    private let indices: [String: Int]
    private let path: String

    init(columns: [String], path: String) {
        indices = Dictionary(columns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        self.path = path
    }

    func has(_ columns: [String]) -> Bool { columns.allSatisfy { indices[$0] != nil } }

    func text(_ column: String, in values: [String]) -> String? {
        guard let index = indices[column], values.indices.contains(index), !values[index].isEmpty else { return nil }
        return values[index]
    }

    func number(_ column: String, in values: [String], line: Int) throws(VolumeError) -> Double? {
        guard let text = text(column, in: values) else { return nil }
        guard let value = Double(text), value.isFinite else { throw .notFinite(column, text, line: line, path: path) }
        return value
    }

    /// The numbers of three columns, or nil if one of the columns is absent.
    func vector(_ columns: [String], in values: [String], line: Int) throws(VolumeError) -> SIMD3<Double>? {
        guard has(columns) else { return nil }
        var vector = SIMD3<Double>.zero
        for (lane, column) in columns.enumerated() {
            guard let number = try number(column, in: values, line: line) else {
                throw .notFinite(column, "", line: line, path: path)
            }
            vector[lane] = number
        }
        return vector
    }

    /// RELION's angles of three columns, or nil if one of the columns is absent.
    func orientation(_ columns: [String], in values: [String], line: Int) throws(VolumeError) -> ParticleOrientation? {
        try vector(columns, in: values, line: line).map { ParticleOrientation(rot: $0.x, tilt: $0.y, psi: $0.z) }
    }
}
