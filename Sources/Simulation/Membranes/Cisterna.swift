import Basics
import Foundation

/// A flat closed sac with a rounded rim and a wavy middle plane, as in the endoplasmic reticulum or the Golgi.
struct Cisterna: Membrane {
    private let center: Point
    private let first: Point
    private let second: Point
    private let normal: Point
    private let radius: Double
    /// Half of the distance between the two faces of the sac, in Å.
    private let halfThickness: Double
    private let lobes: [(count: Double, phase: Double, amplitude: Double)]
    private let waves: [SurfaceWave]

    init(center: Point, normal: Point, radius: Double, halfThickness: Double, random: inout RandomStream) {
        self.center = center
        self.normal = normal
        first = normal.anyPerpendicular
        second = normal.cross(first)
        self.radius = radius
        self.halfThickness = halfThickness
        lobes = [(2, 0.14), (3, 0.08), (5, 0.04)].map { ($0.0, random.uniform(0...2 * Double.pi), $0.1) }
        waves = (0..<3).map { _ in
            let angle = random.uniform(0...2 * Double.pi)
            let wavelength = random.uniform(1.2...2.8) * radius
            let frequency = 2 * Double.pi / wavelength
            let phase = random.uniform(0...2 * Double.pi)
            return SurfaceWave(x: frequency * cos(angle), y: frequency * sin(angle), phase: phase, amplitude: 0.035 * wavelength)
        }
    }

    private var reach: Double {
        radius * (1 + lobes.reduce(0) { $0 + $1.amplitude }) + halfThickness + waves.reduce(0) { $0 + $1.amplitude }
    }

    var region: Region { Region(lower: center, upper: center).expanded(by: reach) }

    var surfacePoints: [Point] {
        let spacing = 150.0
        let steps = Int(1.4 * radius / spacing) + 1
        var points: [Point] = []
        for i in -steps...steps {
            for j in -steps...steps {
                let u = Double(i) * spacing
                let v = Double(j) * spacing
                guard (u * u + v * v).squareRoot() <= rim(u, v) + halfThickness else { continue }
                let height = waves.height(u, v)
                for side in [-halfThickness, halfThickness] {
                    points.append(center + u * first + v * second + (height + side) * normal)
                }
            }
        }
        return points
    }

    func signedDistance(at point: Point) -> Double {
        let offset = point - center
        let u = offset.dot(first)
        let v = offset.dot(second)
        let height = offset.dot(normal) - waves.height(u, v)
        let beyond = max(0, (u * u + v * v).squareRoot() - rim(u, v))
        return (beyond * beyond + height * height).squareRoot() - halfThickness
    }

    func sample(at point: Point) -> MembraneSample {
        let distance = signedDistance(at: point)
        return MembraneSample(bilayerDistance: abs(distance), compartment: distance < 0 ? .lumen : nil)
    }

    /// The distance of the rim from the centre in the direction (u, v) of the middle plane.
    private func rim(_ u: Double, _ v: Double) -> Double {
        let angle = atan2(v, u)
        return radius * (1 + lobes.reduce(0) { $0 + $1.amplitude * cos($1.count * angle + $1.phase) })
    }
}
