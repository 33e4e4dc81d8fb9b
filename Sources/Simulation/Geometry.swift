import Basics
import Foundation

/// A point or a direction (x, y, z), in Å.
typealias Point = SIMD3<Double>

extension SIMD3<Double> {
    @inline(__always)
    func dot(_ other: Self) -> Double { x * other.x + y * other.y + z * other.z }

    var length: Double { dot(self).squareRoot() }

    /// The unit vector in this direction; the x axis where the length is zero.
    var normalized: Self {
        let length = length
        return length > 0 ? self / length : Self(1, 0, 0)
    }

    /// A unit vector perpendicular to this one.
    var anyPerpendicular: Self {
        (abs(x) < 0.7 ? cross(Self(1, 0, 0)) : cross(Self(0, 1, 0))).normalized
    }
}

/// An axis-aligned box in Å, bounds included.
struct Region: Sendable {
    var lower: Point
    var upper: Point

    func contains(_ point: Point) -> Bool {
        all(point .>= lower) && all(point .<= upper)
    }

    /// Whether the two boxes intersect.
    func meets(_ other: Region) -> Bool {
        all(lower .<= other.upper) && all(upper .>= other.lower)
    }

    /// The box enlarged by a margin in Å on all sides.
    func expanded(by margin: Double) -> Region { Region(lower: lower - margin, upper: upper + margin) }

    /// The volume, in µm³.
    var volumeInCubicMicrometers: Double {
        let size = upper - lower
        return size.x * size.y * size.z * 1e-12
    }
}

/// A rotation as a unit quaternion w + xi + yj + zk. It rotates vectors from a particle's own axes to those of the tomogram.
public struct Rotation: Codable, Hashable, Sendable {
    /// The real part: the cosine of half of the angle.
    public let w: Double
    /// The imaginary part (x, y, z): the axis, times the sine of half of the angle.
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

    /// The rotation matrix `[row][column]`, 3 × 3, for column vectors (x, y, z).
    public var matrix: [[Double]] {
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    }

    /// The rotated vector.
    func rotate(_ point: Point) -> Point {
        let axis = Point(x, y, z)
        let twice = 2 * axis.cross(point)
        return point + w * twice + axis.cross(twice)
    }
}

/// Random points, directions, rotations and counts.
///
/// Each purpose has its own stream of random numbers, and parallel work has one stream for each piece (slice or band): more
/// ribosomes do not move a membrane, and the result does not depend on the number of threads.
extension RandomStream {
    enum Purpose: UInt64, Sendable {
        case parameters = 1
        case lamella, membranes, filaments, particles, crowding, gold, noise
        case scenes, sheetStacks, bilayers, assemblyKinds, assemblies, membraneAssemblies, ice, tiltImages
    }

    /// The stream of one purpose and one piece of parallel work.
    init(seed: UInt64, _ purpose: Purpose, piece: Int = 0) {
        self.init(seed: seed, purpose: purpose.rawValue, piece: piece)
    }

    /// A number that is uniformly distributed over a range.
    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// A point that is uniformly distributed over a box.
    mutating func point(in region: Region) -> Point {
        Point(
            uniform(region.lower.x...region.upper.x), uniform(region.lower.y...region.upper.y),
            uniform(region.lower.z...region.upper.z))
    }

    /// A unit vector that is uniformly distributed over the sphere.
    mutating func direction() -> Point {
        let z = uniform(-1...1)
        let angle = uniform(0...2 * Double.pi)
        let radius = max(0, 1 - z * z).squareRoot()
        return Point(radius * cos(angle), radius * sin(angle), z)
    }

    /// A Poisson-distributed count. Below a mean of 60 by products of uniform numbers (Knuth), from there on a rounded normal
    /// approximation.
    mutating func poisson(_ mean: Double) -> Int {
        guard mean > 0 else { return 0 }
        guard mean < 60 else { return max(0, Int((mean + mean.squareRoot() * normal()).rounded())) }
        let limit = exp(-mean)
        var product = unit()
        var count = 0
        while product > limit {
            product *= unit()
            count += 1
        }
        return count
    }

    /// A rotation that is uniformly distributed over all rotations (K. Shoemake, *Graphics Gems III*, 1992).
    mutating func rotation() -> Rotation {
        let u = unit()
        let a = 2 * Double.pi * unit()
        let b = 2 * Double.pi * unit()
        let p = (1 - u).squareRoot()
        let q = u.squareRoot()
        return Rotation(w: q * cos(b), x: p * sin(a), y: p * cos(a), z: q * sin(b))
    }
}
