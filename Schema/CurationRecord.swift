public import GRDB

/// What a person says of a particle, by its position: a row of `curation`.
public struct CurationRecord: CatalogRecord {
    public static let databaseTableName = "curation"

    public enum Verdict: String, Codable, Sendable, Hashable, CaseIterable, DatabaseValueConvertible {
        /// What was picked there is no particle of the class.
        case rejected
        /// What was picked there is one.
        case accepted
        /// There is one, which was not picked.
        case added

        /// Whether there is a particle.
        public var isParticle: Bool { self != .rejected }
    }

    public var id: Int64?
    public var tomogramId: Int64
    public var `class`: String
    /// In voxels from the centre of the first one.
    public var x: Double
    public var y: Double
    public var z: Double
    public var verdict: Verdict
    /// The confidence of the pick when it was judged; nil where there was none.
    public var score: Double?
    /// The name of the user.
    public var author: String
    public var curatedAt: String
    /// The later verdict on the same particle; nil where this one counts.
    public var replacedBy: Int64?

    public init(
        id: Int64? = nil, tomogramId: Int64, class: String, positionInVoxels: SIMD3<Double>, verdict: Verdict, score: Double?,
        author: String, curatedAt: String, replacedBy: Int64? = nil
    ) {
        self.id = id
        self.tomogramId = tomogramId
        self.class = `class`
        (x, y, z) = (positionInVoxels.x, positionInVoxels.y, positionInVoxels.z)
        self.verdict = verdict
        self.score = score
        self.author = author
        self.curatedAt = curatedAt
        self.replacedBy = replacedBy
    }

    /// x, y, z in voxels from the centre of the first one.
    public var positionInVoxels: SIMD3<Double> { SIMD3(x, y, z) }
}
