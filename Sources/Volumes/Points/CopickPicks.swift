import Basics
import Foundation

/// A file of copick's picks: one object, one user, one session; JSON with the names of copick's data model.
///
/// Source: copick's data model, `CopickPicksFile`. Positions are in Å; a point lies at its location plus the translation of its
/// transformation, whose rotation takes the particle's frame into the tomogram's.
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
        // copick wants these keys present, null or not; the synthesised code would leave nulls out.
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
    /// Reads a file.
    ///
    /// - Throws: ``VolumeError`` where it is not copick's, gives another unit than Å, or a point is not finite.
    static func read(path: String) throws(VolumeError) -> PointSet {
        let source = try FileSource(path: path)
        guard source.byteCountLimit <= PointFile.jsonLimit else {
            throw VolumeError(.tooLarge, "has more than \(PointFile.jsonLimit >> 20) MiB; split it by tomogram", path: path)
        }
        let bytes = try source.bytes(at: 0, count: source.byteCountLimit)
        // Numbers that are not finite are refused below, with the point's number.
        let picks = try JSONDocument.decode(CopickPicks.self, from: bytes, path: path)
        guard picks.unit == "angstrom" else {
            throw VolumeError(.unsupported, "gives its points in \(picks.unit); convert them to angstrom", path: path)
        }
        var set = PointSet(points: [], convention: .angstrom)
        var distorted = 0
        for (index, pick) in picks.points.enumerated() {
            guard let (matrix, translation) = RotationMatrix.affine(pick.transformation) else {
                throw VolumeError(
                    .malformed, "point \(index + 1): transformation_ is no 4 × 4 matrix of finite numbers", path: path)
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
