package import Basics
public import CatalogSchema
import GRDB
public import Volumes

/// A verdict to be written.
public struct NewCuration: Sendable, Hashable {
    public var className: String
    /// x, y, z in voxels of the tomogram, from the centre of the first one.
    public var positionInVoxels: SIMD3<Double>
    public var verdict: CurationRecord.Verdict
    /// The confidence of what is judged; nil where it has none.
    public var score: Double?

    public init(className: String, positionInVoxels: SIMD3<Double>, verdict: CurationRecord.Verdict, score: Double? = nil) {
        self.className = className
        self.positionInVoxels = positionInVoxels
        self.verdict = verdict
        self.score = score
    }
}

extension Catalog {
    /// How near two verdicts on one particle are.
    public struct CurationReach: Sendable, Hashable {
        public var voxelSize: VoxelSize
        /// The radius of a particle of the class.
        public var radiusInAngstroms: Double

        public init(voxelSize: VoxelSize, radiusInAngstroms: Double) {
            self.voxelSize = voxelSize
            self.radiusInAngstroms = radiusInAngstroms
        }

        /// A particle is added beside one that is rejected where the pick was misplaced; nearer than this part of the radius, it is
        /// the same place.
        static let samePlace = 0.25

        /// The earlier verdict that a new one replaces: the nearest within the radius. Where a particle is added, a rejection
        /// counts only if it is of the same place.
        func replaced(by new: NewCuration, among earlier: [CurationRecord]) -> CurationRecord? {
            let near = earlier.compactMap { record -> (record: CurationRecord, distance: Double)? in
                let offset = (record.positionInVoxels - new.positionInVoxels) * voxelSize.vectorInAngstroms
                let distance = (offset * offset).sum().squareRoot()
                let isBeside = new.verdict == .added && !record.verdict.isParticle
                return distance <= (isBeside ? Self.samePlace : 1) * radiusInAngstroms ? (record, distance) : nil
            }
            // Of two that are as near, the later one.
            return near.min { ($0.distance, -($0.record.id ?? 0)) < ($1.distance, -($1.record.id ?? 0)) }?.record
        }
    }
}

extension Catalog.Collection {
    /// Writes verdicts on particles of a tomogram: all of them, or none.
    ///
    /// - Parameters:
    ///   - author: the name of the user.
    ///   - reach: by which the earlier verdict on the same particle is found, which no longer counts then; nil where the particles
    ///     have no earlier verdicts.
    /// - Returns: the rows, in this order.
    /// - Throws: ``CatalogError`` where there is no such tomogram, a position is not finite or lies outside of it, a score is not
    ///   finite, or a class or the author has no name.
    /// - Complexity: with a reach, reads the verdicts on particles of the class for each one.
    @discardableResult
    public func curate(
        tomogramID: Int64, _ verdicts: [NewCuration], by author: String, reach: Catalog.CurationReach? = nil
    ) throws -> [CurationRecord] {
        try database.write { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT dataset || '/' || name, size_z, size_y, size_x FROM v_tomogram WHERE id = ?",
                    arguments: [tomogramID]), let shape = VolumeShape(z: row[1], y: row[2], x: row[3])
            else {
                throw CatalogError(.notFound, "there is no tomogram \(tomogramID); `cellar list tomograms` shows what there is")
            }
            guard author.isNameOfSomething else {
                throw CatalogError(
                    .invalid,
                    "\"\(author)\" cannot be the name of a user who judges particles: a name is not empty and holds no line ends or tabs"
                )
            }
            for new in verdicts { try new.check(in: shape, of: row[0]) }
            let now = Timestamp.now
            return try verdicts.map { new in
                let earlier = try reach.flatMap { reach in
                    reach.replaced(by: new, among: try Self.standing(tomogramID: tomogramID, class: new.className, db))
                }
                var record = CurationRecord(
                    tomogramId: tomogramID, class: new.className, positionInVoxels: new.positionInVoxels, verdict: new.verdict,
                    score: new.score, author: author, curatedAt: now)
                try record.insert(db)
                record.id = db.lastInsertedRowID
                if let id = earlier?.id {
                    try db.execute(sql: "UPDATE curation SET replaced_by = ? WHERE id = ?", arguments: [record.id, id])
                }
                return record
            }
        }
    }

    /// The verdicts on particles of a tomogram that count, in the order in which they were given.
    ///
    /// - Parameter class: one class; nil for all.
    public func curation(ofTomogram id: Int64, class: String? = nil) throws -> [CurationRecord] {
        try database.read { try Self.standing(tomogramID: id, class: `class`, $0) }
    }

    /// Removes verdicts: all of them, or none. What a verdict replaced counts again, unless another one replaced it since.
    ///
    /// - Returns: the rows that were removed.
    /// - Throws: ``CatalogError`` where one of them is not there.
    @discardableResult
    public func removeCuration(ids: [Int64]) throws -> [CurationRecord] {
        try database.write { db in
            try ids.map { id in
                guard let record = try CurationRecord.fetchOne(db, key: id) else {
                    throw CatalogError(
                        .notFound, "there is no verdict \(id); `cellar query 'SELECT * FROM v_curation'` shows what there is")
                }
                // What it replaced was replaced by its successor then.
                try db.execute(
                    sql: "UPDATE curation SET replaced_by = ? WHERE replaced_by = ?", arguments: [record.replacedBy, id])
                try db.execute(sql: "DELETE FROM curation WHERE id = ?", arguments: [id])
                return record
            }
        }
    }

    /// The classes of particles that anything in the catalog has: what was found and has a radius, points of annotations, verdicts.
    /// By name.
    public func particleClasses() throws -> [String] {
        try database.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT class FROM object_summary WHERE measure = 'radius'
                    UNION SELECT annotation_class.name FROM annotation_class JOIN annotation ON annotation.id = annotation_id
                        WHERE kind = 'points'
                    UNION SELECT class FROM curation ORDER BY 1
                    """)
        }
    }

    /// The radius in Å of particles of a class, as the annotation says that was added last of those that do; nil where none does.
    public func annotatedRadius(ofClass name: String) throws -> Double? {
        try database.read { db -> Double? in
            try Double.fetchOne(
                db,
                sql: """
                    SELECT radius_angstrom FROM annotation_class WHERE name = ? AND radius_angstrom IS NOT NULL
                    ORDER BY annotation_id DESC LIMIT 1
                    """, arguments: [name])
        }
    }

    static func standing(tomogramID: Int64, class name: String?, _ db: Database) throws -> [CurationRecord] {
        try CurationRecord.fetchAll(
            db,
            sql: """
                SELECT * FROM curation
                WHERE tomogram_id = ?1 AND replaced_by IS NULL AND (?2 IS NULL OR class = ?2) ORDER BY id
                """, arguments: [tomogramID, name])
    }
}

extension NewCuration {
    /// - Throws: ``CatalogError`` where the position is not finite or outside of a tomogram, or the class has no name.
    package func check(in shape: VolumeShape, of tomogram: String) throws(CatalogError) {
        guard className.isNameOfSomething else {
            throw CatalogError(
                .invalid, "\"\(className)\" cannot be a class: a name is not empty and holds no line ends or tabs")
        }
        let place = positionInVoxels
        guard place.x.isFinite, place.y.isFinite, place.z.isFinite, score?.isFinite ?? true else {
            throw CatalogError(
                .invalid,
                "a \(className) of \(tomogram) is at (\(place.x), \(place.y), \(place.z)), which is nowhere; position and score must be "
                    + "finite numbers")
        }
        // Voxels reach half a voxel beyond their centres.
        let size = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        guard all(place .>= SIMD3(repeating: -0.5)), all(place .<= size - 0.5) else {
            throw CatalogError(
                .invalid,
                "a \(className) at (\(place.x), \(place.y), \(place.z)) lies outside of \(tomogram), which has \(shape) voxels; "
                    + "positions are x, y, z in voxels from 0")
        }
    }
}

extension String {
    /// Whether it is not empty, and holds no line ends or tabs.
    fileprivate var isNameOfSomething: Bool {
        !isEmpty && !unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}

extension Catalog {
    /// What the verdicts on particles of a tomogram say together.
    package struct CuratedParticles: Sendable, Hashable {
        /// Of the positions, classes and verdicts that count, whoever gave them, when, and in whatever order.
        package let digest: Digest
        /// `2 accepted, 1 rejected`
        package let text: String
        /// The verdicts that count, by class and position.
        package let records: [CurationRecord]

        /// - Returns: nil where there is no verdict.
        package init?(_ records: [CurationRecord]) {
            guard !records.isEmpty else { return nil }
            func line(_ record: CurationRecord) -> String {
                "\(record.class)\t\(record.x)\t\(record.y)\t\(record.z)\t\(record.verdict.rawValue)"
            }
            let sorted = records.map { (line: line($0), record: $0) }.sorted {
                ($0.line, $0.record.id ?? 0) < ($1.line, $1.record.id ?? 0)
            }
            self.records = sorted.map(\.record)
            digest = Digest(of: (["cellar curation 1"] + sorted.map(\.line)).joined(separator: "\n").utf8)
            text = CurationRecord.Verdict.allCases.reversed().compactMap { verdict in
                let count = records.count { $0.verdict == verdict }
                return count > 0 ? "\(count) \(verdict.rawValue)" : nil
            }.joined(separator: ", ")
        }
    }
}

extension Catalog.Collection {
    /// What the verdicts on particles of a tomogram say together; nil where there is none.
    package func curatedParticles(ofTomogram id: Int64) throws -> Catalog.CuratedParticles? {
        Catalog.CuratedParticles(try curation(ofTomogram: id))
    }
}
