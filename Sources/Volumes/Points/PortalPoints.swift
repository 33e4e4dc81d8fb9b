import Basics

/// A point of the CryoET Data Portal: one JSON object on a line of an ndjson file.
///
/// | `type` | beside `location` (x, y, z) |
/// |---|---|
/// | `point` | nothing |
/// | `orientedPoint` | `xyz_rotation_matrix`: 3 rows of 3, which map the particle's frame to the tomogram's |
/// | `instancePoint` | `instance_id`: the object that the point is part of |
///
/// Coordinates are voxels of the annotation's voxel spacing, 0-based (`CoordinateConvention/voxel`). A file has the points of one
/// object in one tomogram, and names neither. Source: cryoet-data-portal-backend, `common/point_converter.py` and its schema.
private struct PortalPoint: Decodable {
    var type: String
    var location: CopickPicks.Location
    var matrix: [[Double]]?
    var instance: Int?

    enum CodingKeys: String, CodingKey {
        case type, location
        case matrix = "xyz_rotation_matrix"
        case instance = "instance_id"
    }

    static let types = ["point", "orientedPoint", "instancePoint"]
}

/// Reads the points of an ndjson file line by line.
struct PortalPointReader {
    private var lines: LineReader

    init(path: String) throws(VolumeError) { lines = try LineReader(path: path) }

    /// Reads all points. Lines without text are skipped.
    ///
    /// - Throws: ``VolumeError``, `.malformed`, with the number of the line that is no such object, or has a number that is not
    ///   finite or a matrix that is not 3 × 3; `.tooLarge` beyond 10 million points.
    mutating func read() throws(VolumeError) -> PointSet {
        var set = PointSet(points: [], convention: .voxel)
        var (distorted, unoriented) = (0, 0)
        while let line = try lines.next() {
            guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else { continue }
            guard set.points.count < PointFile.pointLimit else { throw .tooManyPoints(PointFile.pointLimit, path: lines.path) }
            let decoded = try decode(Array(line))
            let position = SIMD3(decoded.location.x, decoded.location.y, decoded.location.z)
            guard position - position == .zero else {
                throw .malformedLine(lines.line, "a coordinate is not finite; correct or remove the line", path: lines.path)
            }
            var point = PickedPoint(x: position.x, y: position.y, z: position.z, instance: decoded.instance)
            if let rows = decoded.matrix {
                guard let matrix = RotationMatrix(rows) else {
                    throw .malformedLine(
                        lines.line, "xyz_rotation_matrix is no 3 × 3 matrix of finite numbers; correct or remove it",
                        path: lines.path)
                }
                if matrix.isRotation { point.orientation = ParticleOrientation(matrix) } else { distorted += 1 }
            } else if decoded.type == "orientedPoint" {
                unoriented += 1
            }
            set.points.append(point)
        }
        if distorted > 0 {
            set.notes.append("the orientation of \(distorted) points was ignored: their xyz_rotation_matrix is no rotation")
        }
        if unoriented > 0 { set.notes.append("\(unoriented) oriented points have no xyz_rotation_matrix") }
        return set
    }

    private func decode(_ bytes: [UInt8]) throws(VolumeError) -> PortalPoint {
        let point: PortalPoint
        do throws(JSONFault) {
            // JSON5 allows numbers that are not finite, which are refused with a better sentence.
            point = try JSONDocument.decode(PortalPoint.self, from: bytes, allowsJSON5: true)
        } catch {
            throw .malformedLine(
                lines.line, "\(error.message); each line is one point as the CryoET Data Portal writes it", path: lines.path)
        }
        guard PortalPoint.types.contains(point.type) else {
            throw .malformedLine(
                lines.line, "the type is \"\(point.type)\"; give one of \(PortalPoint.types.joined(separator: ", "))",
                path: lines.path)
        }
        return point
    }
}

extension PointSet {
    /// The points as ndjson: `orientedPoint` where all have an orientation, `instancePoint` where all have an instance and not
    /// all have an orientation, else `point`. Oriented points that all have an instance keep it. The convention is `voxel`.
    ///
    /// - Throws: ``VolumeError``, `.unsupported`, where the points are of several classes or tomograms, which such a file does
    ///   not name.
    func portalLines(path: String) throws(VolumeError) -> String {
        guard Set(points.map(\.className)).count <= 1, Set(points.map(\.tomogramName)).count <= 1 else {
            throw VolumeError(
                .unsupported, "can hold the points of one class in one tomogram only; write a file for each", path: path)
        }
        let hasOrientations = points.allSatisfy { $0.orientation != nil }
        let hasInstances = points.allSatisfy { $0.instance != nil }
        let type = PortalPoint.types[hasOrientations ? 1 : hasInstances ? 2 : 0]
        var text = ""
        for point in points {
            text += "{\"type\": \"\(type)\", \"location\": {\"x\": \(point.x), \"y\": \(point.y), \"z\": \(point.z)}"
            if hasOrientations, let rows = point.orientation?.matrix.rows {
                let matrix = [rows.0, rows.1, rows.2].map { "[\($0.x), \($0.y), \($0.z)]" }.joined(separator: ", ")
                text += ", \"xyz_rotation_matrix\": [\(matrix)]"
            }
            if hasInstances, let instance = point.instance { text += ", \"instance_id\": \(instance)" }
            text += "}\n"
        }
        return text
    }
}
