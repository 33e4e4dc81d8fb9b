import Basics
import Foundation

/// A patch of one to several parallel wavy sheets, each one bilayer, with free edges: a round piece of a membrane, or a stack of
/// them as in a thylakoid, a myelin sheath or the Golgi. It may lie in any direction, and cross the whole field.
struct SheetStack: Membrane {
    private let center: Point
    private let normal: Point
    private let first: Point
    private let second: Point
    private let radius: Double
    private let count: Int
    /// The distance between the middles of two neighbouring sheets, in Å.
    private let gap: Double
    private let waves: [SurfaceWave]

    init(center: Point, normal: Point, radius: Double, count: Int, gap: Double, random: inout RandomStream) {
        self.center = center
        self.normal = normal
        first = normal.anyPerpendicular
        second = normal.cross(first)
        self.radius = radius
        self.count = max(1, count)
        self.gap = gap
        waves = (0..<4).map { index in
            let angle = random.uniform(0...2 * Double.pi)
            let wavelength = 800 * pow(1.7, Double(index)) * random.uniform(0.8...1.25)
            let frequency = 2 * Double.pi / wavelength
            let phase = random.uniform(0...2 * Double.pi)
            return SurfaceWave(
                x: frequency * cos(angle), y: frequency * sin(angle), phase: phase,
                amplitude: random.uniform(0.005...0.025) * wavelength)
        }
    }

    /// Half of the distance between the middles of the outermost sheets, in Å.
    private var halfHeight: Double { gap * Double(count - 1) / 2 }

    var region: Region {
        let height = halfHeight + waves.reduce(0) { $0 + $1.amplitude }
        // The half extents of a disc of this radius and of its height, along x, y and z.
        let across = Point(
            (1 - normal.x * normal.x).squareRoot(), (1 - normal.y * normal.y).squareRoot(),
            (1 - normal.z * normal.z).squareRoot())
        let along = Point(abs(normal.x), abs(normal.y), abs(normal.z))
        let reach = radius * across + height * along
        return Region(lower: center - reach, upper: center + reach)
    }

    var surfacePoints: [Point] {
        let spacing = 150.0
        let steps = Int(radius / spacing)
        var points: [Point] = []
        for i in -steps...steps {
            for j in -steps...steps {
                let u = Double(i) * spacing
                let v = Double(j) * spacing
                guard (u * u + v * v).squareRoot() <= radius else { continue }
                let height = waves.height(u, v)
                for side in count > 1 ? [-halfHeight, halfHeight] : [0] {
                    points.append(center + u * first + v * second + (height + side) * normal)
                }
            }
        }
        return points
    }

    /// The height of a point above the middle of the stack, and its distance beyond the edge (negative within), in Å.
    private func place(_ point: Point) -> (height: Double, beyond: Double) {
        let offset = point - center
        let u = offset.dot(first)
        let v = offset.dot(second)
        return (offset.dot(normal) - waves.height(u, v), (u * u + v * v).squareRoot() - radius)
    }

    func signedDistance(at point: Point) -> Double {
        let (height, beyond) = place(point)
        let above = abs(height) - halfHeight
        let outside = Point(max(0, above), max(0, beyond), 0).length
        return count > 1 ? outside + min(0, max(above, beyond)) : outside
    }

    func sample(at point: Point) -> MembraneSample {
        let (height, beyond) = place(point)
        let nearest = count > 1 ? ((height + halfHeight) / gap).rounded() : 0
        let sheet = min(max(nearest, 0), Double(count - 1)) * gap - halfHeight
        let distance = Point(height - sheet, max(0, beyond), 0).length
        return MembraneSample(bilayerDistance: distance, compartment: beyond < 0 && abs(height) < halfHeight ? .lumen : nil)
    }
}
