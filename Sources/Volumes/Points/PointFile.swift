public import Basics

/// Reads and writes files of points: text tables (CSV), STAR, copick's JSON, and the CryoET Data Portal's ndjson.
///
/// | extension | format | coordinate convention, unless the caller names another |
/// |---|---|---|
/// | `.csv`, `.tsv`, `.txt`, `.coords` | text table | what the column titles say (`x [A]`, `x_voxel`) |
/// | `.star` | RELION 5 | ``CoordinateConvention/relion5Centered`` |
/// | `.star` | RELION 3 and 4, Warp, TOMOMAN | ``CoordinateConvention/relion`` |
/// | `.star` | STOPGAP | ``CoordinateConvention/voxel`` |
/// | `.json` | copick | ``CoordinateConvention/angstrom`` |
/// | `.ndjson` | CryoET Data Portal | ``CoordinateConvention/voxel`` |
public enum PointFile {
    /// The most points that are read from a file.
    static let pointLimit = 10_000_000
    /// The size limit in bytes of a JSON file, which is read as a whole.
    static let jsonLimit = 256 << 20

    enum Format: Hashable, Sendable {
        case table, star, copick, portal

        /// The format by the extension of the path.
        ///
        /// - Throws: ``VolumeError``, `.unsupported`, with advice where this extension is not read.
        init(path: String) throws(VolumeError) {
            let name = path.split(separator: "/").last ?? ""
            switch name.lastIndex(of: ".").map({ name[name.index(after: $0)...].lowercased() }) {
            case "csv", "tsv", "txt", "coords": self = .table
            case "star": self = .star
            case "json": self = .copick
            case "ndjson": self = .portal
            case "mod", "fid":
                throw .pointsNotRead(
                    "an IMOD model",
                    advice: "write its points as text (model2point model.mod points.txt) and give the convention imod", path: path
                )
            case "am":
                throw .pointsNotRead("an Amira file", advice: "export its points as CSV with the columns x, y, z", path: path)
            case "npy", "npz":
                throw .pointsNotRead(
                    "a NumPy array", advice: "write it as CSV with the columns x, y, z (numpy.savetxt)", path: path)
            case "tbl":
                throw .pointsNotRead(
                    "a Dynamo table", advice: "write columns 24 to 26 as CSV and give the convention dynamo", path: path)
            default:
                throw .pointsNotRead(
                    "no .csv, .tsv, .txt, .star, .json or .ndjson file", advice: "rename or convert it", path: path)
            }
        }
    }

    /// Reads the points of a file.
    ///
    /// - Parameters:
    ///   - path: the file; its extension gives the format.
    ///   - convention: the convention of the coordinates, which overrules the file; nil for what the file says.
    /// - Returns: the points in the file's units, in the order of the file.
    /// - Throws: ``VolumeError``: `.malformed` with the number of the line where a row is wrong or a number is not
    ///   finite; `.unsupported` for other formats, each with what to do, and for a table that does not say what its
    ///   coordinates mean where `convention` is nil; `.tooLarge` beyond 1 GiB or 10 million points.
    /// - Complexity: one pass. All but copick's JSON are read line by line; memory is that of the points.
    public static func read(_ path: String, convention: CoordinateConvention? = nil) throws(VolumeError) -> PointSet {
        switch try Format(path: path) {
        case .table:
            var reader = try PointTableReader(path: path)
            return try reader.read(convention: convention)
        case .star:
            var reader = try STARPointReader(path: path)
            return try reader.read(convention: convention)
        case .copick:
            var set = try CopickPicks.read(path: path)
            set.convention = convention ?? set.convention
            return set
        case .portal:
            var reader = try PortalPointReader(path: path)
            var set = try reader.read()
            set.convention = convention ?? set.convention
            return set
        }
    }
}

extension PointFile {
    /// Writes points to a file, which appears complete or not at all.
    ///
    /// - Parameters:
    ///   - points: the points, in any convention.
    ///   - output: the file; its extension gives the format.
    ///   - convention: the convention of the coordinates in the file. Tables can have any (nil means `angstrom`), STAR files
    ///     `relion5-centered` (also for nil) or `relion`, copick's files only `angstrom`, and ndjson only `voxel`.
    ///   - pixelSizeInAngstroms: the pixel size for `relion`; nil for the tomogram's voxel size. RELION itself expects pixels
    ///     of the tilt series before binning.
    ///   - voxelSize: the voxel size of the tomogram.
    ///   - shape: the shape of the tomogram.
    ///   - session: the user and session of copick's files; other formats ignore it.
    /// - Throws: ``VolumeError``: `.unsupported` for what the format cannot hold; `.unwritable` where a number is not finite, a
    ///   name has control characters, or the disk fails; `.alreadyExists`.
    public static func write(
        _ points: PointSet, to output: OutputFile, convention: CoordinateConvention? = nil, pixelSizeInAngstroms: Double? = nil,
        voxelSize: VoxelSize, shape: VolumeShape, session: CopickSession = CopickSession()
    ) throws(VolumeError) {
        let path = output.path
        let format = try Format(path: path)
        let (usual, possible): (CoordinateConvention, [CoordinateConvention]) =
            switch format {
            case .table: (.angstrom, CoordinateConvention.allCases)
            case .star: (.relion5Centered, [.relion5Centered, .relion])
            case .copick: (.angstrom, [.angstrom])
            case .portal: (.voxel, [.voxel])
            }
        let convention = convention ?? usual
        guard possible.contains(convention) else {
            throw VolumeError(
                .unsupported,
                "cannot hold coordinates of the convention \(convention.rawValue); "
                    + "choose \(possible.map(\.rawValue).joined(separator: " or ")), or write a .csv file", path: path)
        }
        let points = points.converted(
            to: convention, pixelSizeInAngstroms: pixelSizeInAngstroms, voxelSize: voxelSize, shape: shape)
        for (index, point) in points.points.enumerated() {
            let numbers = [point.x, point.y, point.z, point.score ?? 0, point.radiusInAngstroms ?? 0]
            let angles = point.orientation.map { [$0.rot, $0.tilt, $0.psi] } ?? []
            guard (numbers + angles).allSatisfy(\.isFinite) else {
                throw VolumeError(
                    .unwritable, "cannot be written: a number of point \(index + 1) is not finite; correct or remove the point",
                    path: path)
            }
            for name in [point.className, point.tomogramName].compactMap(\.self) {
                guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                    throw VolumeError(
                        .unwritable,
                        "cannot be written: the name of point \(index + 1) has control characters; rename its class or tomogram",
                        path: path)
                }
            }
        }
        let bytes: [UInt8] =
            switch format {
            case .table: Array(points.table.utf8)
            case .star: Array(try points.star(voxelSize: voxelSize, path: path).utf8)
            case .copick: try CopickPicks(points, session: session, path: path).json(path: path)
            case .portal: Array(try points.portalLines(path: path).utf8)
            }
        try output.write(bytes)
    }
}
