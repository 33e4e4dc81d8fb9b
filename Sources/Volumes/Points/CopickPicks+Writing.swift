import Basics
import Foundation

extension CopickPicks {
    /// The file for points in Å; without orientations it says that theirs are not to be trusted.
    ///
    /// - Throws: `.unsupported` where the points are of several classes or tomograms, which copick keeps in a file each.
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

    func json(path: String) throws(VolumeError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            throw VolumeError(.unwritable, "cannot be written as JSON: \(error)", path: path)
        }
    }
}
