import Basics
import Foundation

/// A capsule with smooth bumps: all points at the distance R·(1 + b(n)) from a line segment (the spine), in the direction n.
///
/// b is a sum of zonal harmonics, Σ aⱼ P_l(kⱼ·n), of degrees 2 to 5 about random axes kⱼ. With a spine of length zero it is a
/// deformed sphere.
struct ClosedSurface: Sendable {
    let center: Point
    /// The direction of the spine, a unit vector.
    let axis: Point
    /// Half of the length of the spine, in Å.
    let halfLength: Double
    /// R, in Å.
    let radius: Double

    private struct Bump: Sendable {
        let axis: Point
        let degree: Int
        let amplitude: Double
    }

    private let bumps: [Bump]

    /// - Parameters:
    ///   - deformation: the root mean square of b over the sphere.
    init(center: Point, axis: Point, halfLength: Double, radius: Double, deformation: Double, random: inout RandomStream) {
        self.center = center
        self.axis = axis
        self.halfLength = halfLength
        self.radius = radius
        // The mean square of P_l over the sphere is 1/(2l + 1). Higher degrees get smaller shares.
        let shares = [(2, 0.65), (2, 0.35), (3, 0.45), (4, 0.3), (5, 0.2)]
        bumps = shares.map { degree, share in
            let sign = random.unit() < 0.5 ? -1.0 : 1.0
            let amplitude = sign * share * deformation * Double(2 * degree + 1).squareRoot()
            return Bump(axis: random.direction(), degree: degree, amplitude: amplitude)
        }
    }

    /// The same surface about another centre.
    func moved(to center: Point) -> ClosedSurface { ClosedSurface(copying: self, center: center) }

    private init(copying other: ClosedSurface, center: Point) {
        self.center = center
        axis = other.axis
        halfLength = other.halfLength
        radius = other.radius
        bumps = other.bumps
    }

    /// An upper bound of the distance of the surface from the centre, in Å.
    var reach: Double {
        halfLength + radius * (1 + bumps.reduce(0) { $0 + abs($1.amplitude) })
    }

    var region: Region { Region(lower: center, upper: center).expanded(by: reach) }

    /// The signed distance in Å, negative inside: exact to first order in the slope of the bumps.
    func signedDistance(at point: Point) -> Double {
        let offset = point - center
        let along = min(max(offset.dot(axis), -halfLength), halfLength)
        let fromSpine = offset - along * axis
        let distance = fromSpine.length
        guard distance > 1e-6 * radius else { return -radius }
        let normal = fromSpine / distance
        var bump = 0.0
        var slope = Point.zero
        for item in bumps {
            let cosine = item.axis.dot(normal)
            let (value, derivative) = Self.legendre(item.degree, cosine)
            bump += item.amplitude * value
            slope += item.amplitude * derivative * (item.axis - cosine * normal)
        }
        if abs(along) < halfLength { slope -= slope.dot(axis) * axis }
        let height = distance - radius * (1 + bump)
        let steepness = radius / distance
        return height / (1 + steepness * steepness * slope.dot(slope)).squareRoot()
    }

    /// Points on the surface, about `spacing` Å apart.
    func points(spacing: Double) -> [Point] {
        let circumference = 2 * Double.pi * reach
        let meridians = max(8, Int(circumference / spacing))
        let rings = max(6, Int((Double.pi * radius + 2 * halfLength) / spacing))
        let first = axis.anyPerpendicular
        let second = axis.cross(first)
        var points: [Point] = []
        for ring in 0...rings {
            // The arc length from one pole over the cylinder to the other.
            let arc = Double(ring) / Double(rings) * (Double.pi * radius + 2 * halfLength)
            let quarter = Double.pi / 2 * radius
            let (latitude, along): (Double, Double) =
                arc < quarter
                ? (arc / radius - Double.pi / 2, -halfLength)
                : arc < quarter + 2 * halfLength
                    ? (0, arc - quarter - halfLength)
                    : ((arc - 2 * halfLength) / radius - Double.pi / 2, halfLength)
            for meridian in 0..<meridians {
                let longitude = 2 * Double.pi * Double(meridian) / Double(meridians)
                let around = cos(longitude) * first + sin(longitude) * second
                let normal = cos(latitude) * around + sin(latitude) * axis
                let bump = bumps.reduce(0) { $0 + $1.amplitude * Self.legendre($1.degree, $1.axis.dot(normal)).value }
                points.append(center + along * axis + radius * (1 + bump) * normal)
            }
        }
        return points
    }

    /// The Legendre polynomial of degree 2 to 5 at t, and its derivative.
    @inline(__always)
    private static func legendre(_ degree: Int, _ t: Double) -> (value: Double, derivative: Double) {
        let t2 = t * t
        switch degree {
        case 2: return ((3 * t2 - 1) / 2, 3 * t)
        case 3: return (t * (5 * t2 - 3) / 2, (15 * t2 - 3) / 2)
        case 4: return ((35 * t2 * t2 - 30 * t2 + 3) / 8, t * (35 * t2 - 15) / 2)
        default: return (t * (63 * t2 * t2 - 70 * t2 + 15) / 8, (315 * t2 * t2 - 210 * t2 + 15) / 8)
        }
    }
}

/// One closed bilayer around a lumen: a vesicle, a vacuole, an endosome.
struct Vesicle: Membrane {
    let surface: ClosedSurface

    var region: Region { surface.region }
    var surfacePoints: [Point] { surface.points(spacing: min(200, surface.radius / 2)) }

    func signedDistance(at point: Point) -> Double { surface.signedDistance(at: point) }

    func sample(at point: Point) -> MembraneSample {
        let distance = surface.signedDistance(at: point)
        return MembraneSample(bilayerDistance: abs(distance), compartment: distance < 0 ? .lumen : nil)
    }
}
