import Basics
import Foundation

/// A copick file of picks (JSON): the points of one object, by one user, in one session.
///
/// Source: copick's data model, `CopickPicksFile`. Positions are in Å. A point lies at its location plus the translation of
/// its transformation; the rotation of the transformation maps the particle's frame to the tomogram's.
struct CopickPicks: Codable {
    var objectName: String
    var userID: String
    var sessionID: String
    var runName: String?
    var voxelSpacing: Double?
    var unit = "angstrom"
    var points: [Point]
    var trustsOrientation: Bool

    struct Point: Codable {
        var location: Location
        var transformation: [[Double]]
        var instance: Int
        var score: Double

        enum CodingKeys: String, CodingKey {
            case location
            case transformation = "transformation_"
            case instance = "instance_id"
            case score
        }
    }

    struct Location: Codable {
        var x: Double
        var y: Double
        var z: Double
    }

    enum CodingKeys: String, CodingKey {
        case objectName = "pickable_object_name"
        case userID = "user_id"
        case sessionID = "session_id"
        case runName = "run_name"
        case voxelSpacing = "voxel_spacing"
        case unit
        case points
        case trustsOrientation = "trust_orientation"
    }
}

extension CopickPicks {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        objectName = try container.decode(String.self, forKey: .objectName)
        userID = try container.decodeIfPresent(String.self, forKey: .userID) ?? ""
        sessionID = try container.decodeIfPresent(String.self, forKey: .sessionID) ?? ""
        runName = try container.decodeIfPresent(String.self, forKey: .runName)
        voxelSpacing = try container.decodeIfPresent(Double.self, forKey: .voxelSpacing)
        unit = try container.decodeIfPresent(String.self, forKey: .unit) ?? "angstrom"
        points = try container.decodeIfPresent([Point].self, forKey: .points) ?? []
        trustsOrientation = try container.decodeIfPresent(Bool.self, forKey: .trustsOrientation) ?? true
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(objectName, forKey: .objectName)
        try container.encode(userID, forKey: .userID)
        try container.encode(sessionID, forKey: .sessionID)
        // copick requires these keys, also with the value null; synthesised code would leave them out.
        try container.encode(runName, forKey: .runName)
        try container.encode(voxelSpacing, forKey: .voxelSpacing)
        try container.encode(unit, forKey: .unit)
        try container.encode(points, forKey: .points)
        try container.encode(trustsOrientation, forKey: .trustsOrientation)
    }
}

extension CopickPicks.Point {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        location = try container.decode(CopickPicks.Location.self, forKey: .location)
        transformation =
            try container.decodeIfPresent([[Double]].self, forKey: .transformation) ?? RotationMatrix.identity.affineRows
        instance = try container.decodeIfPresent(Int.self, forKey: .instance) ?? 0
        score = try container.decodeIfPresent(Double.self, forKey: .score) ?? 1
    }
}

extension CopickPicks {
    /// Reads the points of a file, in Å.
    ///
    /// - Throws: ``VolumeError``: `.malformed` where it is not copick's or a number is not finite, `.unsupported` where its unit
    ///   is not Å, `.tooLarge` beyond 256 MiB.
    static func read(path: String) throws(VolumeError) -> PointSet {
        let source = try FileSource(path: path)
        guard source.size <= PointFile.jsonLimit else {
            throw VolumeError(.tooLarge, "has more than \(PointFile.jsonLimit >> 20) MiB; split it by tomogram", path: path)
        }
        let bytes = try source.bytes()
        // JSON5 allows numbers that are not finite; they are refused below, with the number of the point.
        let picks = try JSONDocument.decode(CopickPicks.self, from: bytes, path: path)
        guard picks.unit == "angstrom" else {
            throw VolumeError(.unsupported, "gives its points in \(picks.unit); convert them to angstrom", path: path)
        }
        var set = PointSet(points: [], convention: .angstrom)
        var distorted = 0
        for (index, pick) in picks.points.enumerated() {
            guard let (matrix, translation) = RotationMatrix.affine(pick.transformation) else {
                throw VolumeError(
                    .malformed,
                    "point \(index + 1): transformation_ is no 4 × 4 matrix of finite numbers; correct or remove the point",
                    path: path)
            }
            let position = SIMD3(pick.location.x, pick.location.y, pick.location.z) + translation
            guard (position - position) == .zero, pick.score.isFinite else {
                throw VolumeError(
                    .malformed, "point \(index + 1): a number is not finite; correct or remove the point", path: path)
            }
            var point = PickedPoint(
                x: position.x, y: position.y, z: position.z, className: picks.objectName, tomogramName: picks.runName,
                instance: pick.instance, score: pick.score)
            if picks.trustsOrientation {
                if matrix.isRotation { point.orientation = ParticleOrientation(matrix) } else { distorted += 1 }
            }
            set.points.append(point)
        }
        if distorted > 0 {
            set.notes.append("the orientation of \(distorted) points was ignored: their transformation is no rotation")
        }
        return set
    }
}

extension CopickPicks {
    /// The file for points in Å. `trust_orientation` is false unless all points have an orientation.
    ///
    /// - Throws: ``VolumeError``, `.unsupported`, where the points have several classes or tomograms (copick has a file for
    ///   each), or no class.
    init(_ set: PointSet, session: CopickSession, path: String) throws(VolumeError) {
        let classes = Set(set.points.map(\.className))
        let tomograms = Set(set.points.map(\.tomogramName))
        guard classes.count <= 1, tomograms.count <= 1 else {
            throw VolumeError(
                .unsupported, "can hold the points of one class in one tomogram only; write a file for each", path: path)
        }
        guard set.points.isEmpty || classes.first ?? nil != nil else {
            throw VolumeError(.unsupported, "must name the object that its points are; give them a class", path: path)
        }
        objectName = (classes.first ?? nil) ?? "object"
        userID = session.userID
        sessionID = session.sessionID
        runName = tomograms.first ?? nil
        points = set.points.map { point in
            Point(
                location: Location(x: point.x, y: point.y, z: point.z),
                transformation: (point.orientation?.matrix ?? .identity).affineRows, instance: point.instance ?? 0,
                score: point.score ?? 1)
        }
        trustsOrientation = set.points.allSatisfy { $0.orientation != nil }
    }

    /// The bytes of the file: JSON with sorted keys and a line break at the end.
    func json(path: String) throws(VolumeError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            throw VolumeError(mistake: .unwritable, "cannot be written as JSON (\(error))", path: path)
        }
    }
}

/// The user and the session of a copick file; copick uses both in the names of its files.
public struct CopickSession: Hashable, Sendable {
    public var userID: String
    public var sessionID: String

    public init(userID: String = "cellar", sessionID: String = "0") {
        self.userID = userID
        self.sessionID = sessionID
    }
}
