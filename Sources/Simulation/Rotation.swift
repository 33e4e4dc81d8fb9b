/// A rotation as a unit quaternion. It turns a particle's own axes into those of the tomogram.
public struct Rotation: Codable, Hashable, Sendable {
    public let w: Double
    public let x: Double
    public let y: Double
    public let z: Double

    static let identity = Rotation(w: 1, x: 0, y: 0, z: 0)

    init(w: Double, x: Double, y: Double, z: Double) {
        self.w = w
        self.x = x
        self.y = y
        self.z = z
    }

    /// The rotation as a matrix of three rows, which multiplies column vectors (x, y, z).
    public var matrix: [[Double]] {
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    }

    func rotate(_ point: Point) -> Point {
        let axis = Point(x, y, z)
        let twice = 2 * axis.cross(point)
        return point + w * twice + axis.cross(twice)
    }
}
