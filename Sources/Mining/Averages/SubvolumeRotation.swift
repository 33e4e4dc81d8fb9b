public import Basics
internal import Foundation

/// A rotation as a unit quaternion w + xi + yj + zk, which turns vectors (x, y, z) of the average to those of a box.
///
/// q and −q are the same rotation.
public struct SubvolumeRotation: Hashable, Codable, Sendable {
    /// The cosine of half of the angle.
    public let w: Double
    /// The axis times the sine of half of the angle.
    public let x: Double
    public let y: Double
    public let z: Double

    /// No rotation.
    public static let identity = SubvolumeRotation(unchecked: SIMD4(0, 0, 0, 1))

    /// - Throws: ``MiningError`` where a number is not finite or all are 0. Others are scaled to length 1.
    public init(w: Double, x: Double, y: Double, z: Double) throws(MiningError) {
        let values = SIMD4(x, y, z, w)
        let square = (values * values).sum()
        guard square.isFinite, square > 0 else {
            throw .parameter("the quaternion of a rotation", "(\(w), \(x), \(y), \(z))", mustBe: "finite and not 0")
        }
        self.init(unchecked: values)
    }

    /// (x, y, z, w), not 0; scaled to length 1.
    init(unchecked values: SIMD4<Double>) {
        let unit = values / (values * values).sum().squareRoot()
        (x, y, z, w) = (unit.x, unit.y, unit.z, unit.w)
    }

    /// The rotation about an axis, which is the direction of the vector, by its length in radians.
    init(vector: SIMD3<Double>) {
        let angle = (vector * vector).sum().squareRoot()
        let factor = angle > 1e-12 ? sin(angle / 2) / angle : 0.5
        self.init(unchecked: SIMD4(factor * vector, cos(angle / 2)))
    }

    /// First the right rotation, then the left one.
    static func * (a: SubvolumeRotation, b: SubvolumeRotation) -> SubvolumeRotation {
        let (p, q) = (SIMD3(a.x, a.y, a.z), SIMD3(b.x, b.y, b.z))
        return SubvolumeRotation(unchecked: SIMD4(a.w * q + b.w * p + p.cross(q), a.w * b.w - (p * q).sum()))
    }

    /// The opposite rotation.
    public var inverse: SubvolumeRotation { SubvolumeRotation(unchecked: SIMD4(-x, -y, -z, w)) }

    /// The angle in degrees, 0 … 180, of the rotation that leads from this one to another.
    public func degrees(to other: SubvolumeRotation) -> Double {
        let cosine = abs(w * other.w + x * other.x + y * other.y + z * other.z)
        return 2 * acos(min(cosine, 1)) * 180 / .pi
    }

    /// The matrix `[row][column]`, 3 × 3, that acts on columns (x, y, z).
    public var matrix: [[Double]] { rows.map { [$0.x, $0.y, $0.z] } }

    var rows: [SIMD3<Double>] {
        [
            SIMD3(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            SIMD3(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            SIMD3(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ]
    }

    /// The vector, turned.
    func turn(_ v: SIMD3<Double>) -> SIMD3<Double> {
        let m = rows
        return SIMD3((m[0] * v).sum(), (m[1] * v).sum(), (m[2] * v).sum())
    }

    /// The vector, turned by the opposite rotation.
    func turnBack(_ v: SIMD3<Double>) -> SIMD3<Double> {
        let m = rows
        return v.x * m[0] + v.y * m[1] + v.z * m[2]
    }

    /// Rotations that cover all nearly evenly: super-Fibonacci spirals (M. Alexa, *Super-Fibonacci spirals: fast, low-discrepancy
    /// sampling of SO(3)*, CVPR 2022).
    ///
    /// - Parameter spacing: about the angle between neighbours, in degrees: 15 gives 4401 rotations.
    static func covering(spacing: Double) -> [SubvolumeRotation] {
        let step = spacing * .pi / 180
        let count = max(Int((8 * .pi * .pi / (step * step * step)).rounded(.up)), 1)
        let (phi, psi) = (2.0.squareRoot(), 1.533_751_168_755_204_288_118_041)
        return (0..<count).map { index in
            let s = Double(index) + 0.5
            let (t, d) = (s / Double(count), 2 * Double.pi * s)
            let (inner, outer, alpha, beta) = (t.squareRoot(), (1 - t).squareRoot(), d / phi, d / psi)
            let (a, b) = (SIMD2(sin(alpha), cos(alpha)), SIMD2(sin(beta), cos(beta)))
            return SubvolumeRotation(unchecked: SIMD4(lowHalf: inner * a, highHalf: outer * b))
        }
    }

    /// This rotation, then its neighbours at a distance of a step along each of three axes and their sums: 27, itself first.
    func neighbours(stepInDegrees: Double) -> [SubvolumeRotation] {
        SubvolumeLattice.offsets.map { self * SubvolumeRotation(vector: $0 * (stepInDegrees * .pi / 180)) }
    }
}

enum SubvolumeLattice {
    /// The 27 points of −1, 0, 1 along three axes, (0, 0, 0) first.
    static let offsets: [SIMD3<Double>] = {
        var points: [SIMD3<Double>] = []
        for z in -1...1 {
            for y in -1...1 {
                for x in -1...1 { points.append(SIMD3(Double(x), Double(y), Double(z))) }
            }
        }
        points.swapAt(0, 13)
        return points
    }()

    /// The points of a cubic lattice in a ball, the innermost first.
    static func ball(radius: Double, step: Double) -> [SIMD3<Double>] {
        let reach = Int(radius / step + 1e-9)
        var points: [SIMD3<Double>] = []
        for z in -reach...reach {
            for y in -reach...reach {
                for x in -reach...reach {
                    let point = step * SIMD3(Double(x), Double(y), Double(z))
                    if (point * point).sum() <= radius * radius + 1e-9 { points.append(point) }
                }
            }
        }
        let keyed = points.enumerated().map { (($1 * $1).sum(), $0, $1) }
        return keyed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }
}
