import GRDB

extension Catalog {
    /// Something about voxel sizes that a person should look at.
    public enum VoxelSizeFinding: Sendable, Hashable, CustomStringConvertible {
        /// Nobody says what it is.
        case unknown(tomogram: String)
        /// The user says something else than the header, by more than one in a hundred.
        case conflict(tomogram: String, user: Double, header: Double)
        /// One tomogram's is unlike that of most of its dataset.
        case outlier(tomogram: String, voxelSize: Double, usual: Double)

        public var description: String {
            switch self {
            case .unknown(let tomogram):
                "\(tomogram) has no voxel size; add it again with --voxel-size, or give the dataset one with --dataset-voxel-size"
            case .conflict(let tomogram, let user, let header):
                "\(tomogram): the user says \(user) Å, the header \(header) Å; the user's is used"
            case .outlier(let tomogram, let size, let usual):
                "\(tomogram) has a voxel size of \(size) Å, where its dataset has \(usual) Å; if that is wrong, add it again with --voxel-size"
            }
        }
    }

    /// Voxel sizes that are missing, contradict one another, or differ from the rest of the dataset.
    public func voxelSizeFindings() throws -> [VoxelSizeFinding] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    WITH usual AS (
                        SELECT dataset, voxel_size, count(*) AS tomograms FROM v_tomogram
                        WHERE voxel_size IS NOT NULL GROUP BY dataset, voxel_size),
                    majority AS (
                        SELECT dataset, voxel_size FROM usual AS u
                        WHERE 2 * tomograms > (SELECT sum(tomograms) FROM usual WHERE usual.dataset = u.dataset))
                    SELECT t.dataset || '/' || t.name AS name, t.voxel_size, t.voxel_size_source AS source,
                        t.header_voxel_size AS header, majority.voxel_size AS usual
                    FROM v_tomogram AS t LEFT JOIN majority ON majority.dataset = t.dataset
                    ORDER BY t.id
                    """)
            return rows.compactMap { row in
                let name: String = row["name"]
                guard let size: Double = row["voxel_size"] else { return .unknown(tomogram: name) }
                if row["source"] == "user", let header: Double = row["header"], abs(size - header) > 0.01 * max(size, header) {
                    return .conflict(tomogram: name, user: size, header: header)
                }
                if let usual: Double = row["usual"], abs(size - usual) > 0.01 * usual {
                    return .outlier(tomogram: name, voxelSize: size, usual: usual)
                }
                return nil
            }
        }
    }
}
