/// Files of points: tables of text (CSV), STAR, and copick's JSON.
///
/// | extension | format | coordinates, where nothing else is asked for |
/// |---|---|---|
/// | `.csv`, `.tsv`, `.txt`, `.coords` | table of text | what the titles of the columns say (`x [A]`, `x_voxel`) |
/// | `.star` | RELION 5 | ``CoordinateConvention/relion5Centered`` |
/// | `.star` | RELION 3 and 4, Warp, TOMOMAN | ``CoordinateConvention/relion`` |
/// | `.star` | STOPGAP | ``CoordinateConvention/voxel`` |
/// | `.json` | copick | ``CoordinateConvention/angstrom`` |
public enum PointFile {
    /// The most points of a file.
    static let pointLimit = 10_000_000
    /// The most bytes of a JSON file, which is read as a whole.
    static let jsonLimit = 256 << 20

    enum Format: Hashable, Sendable {
        case table, star, copick

        /// The format that the extension of a path stands for.
        init(path: String) throws(VolumeError) {
            let name = path.split(separator: "/").last ?? ""
            switch name.lastIndex(of: ".").map({ name[name.index(after: $0)...].lowercased() }) {
            case "csv", "tsv", "txt", "coords": self = .table
            case "star": self = .star
            case "json": self = .copick
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
            default: throw .pointsNotRead("no .csv, .tsv, .txt, .star or .json file", advice: "rename or convert it", path: path)
            }
        }
    }

    /// Reads the points of a file.
    ///
    /// - Parameters:
    ///   - path: the file; its extension tells the format.
    ///   - convention: what the coordinates mean, against what the file says; nil for what the file says.
    /// - Returns: the points in the file's units, in the order of the file.
    /// - Throws: ``VolumeError``: `.malformed` with the number of the line where a row is wrong or a number is not
    ///   finite; `.unsupported` for other formats, each with what to do, and for a table that does not say what its
    ///   coordinates mean where `convention` is nil; `.tooLarge` beyond 1 GiB or 10 million points.
    /// - Complexity: tables and STAR files are read line by line, in memory for the points alone.
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
        }
    }
}
