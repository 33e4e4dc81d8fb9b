import Basics
import Foundation

/// A membrane tube with round ends about a wavy axis, as tubules of the endoplasmic reticulum.
struct Tube: Membrane {
    private let center: Point
    private let axis: Point
    private let first: Point
    private let second: Point
    private let halfLength: Double
    private let radius: Double
    private let waves: [SurfaceWave]

    /// - Parameters:
    ///   - halfLength: half of the length of the axis without the round ends, in Å.
    init(center: Point, axis: Point, halfLength: Double, radius: Double, random: inout RandomStream) {
        self.center = center
        self.axis = axis
        first = axis.anyPerpendicular
        second = axis.cross(first)
        self.halfLength = halfLength
        self.radius = radius
        // One wave in each of the two directions across the axis.
        waves = (0..<2).map { _ in
            let wavelength = random.uniform(2500...8000)
            let phase = random.uniform(0...2 * Double.pi)
            return SurfaceWave(
                x: 2 * Double.pi / wavelength, y: 0, phase: phase, amplitude: random.uniform(0...0.05) * wavelength)
        }
    }

    private func displacement(_ along: Double) -> Point {
        [waves[0]].height(along, 0) * first + [waves[1]].height(along, 0) * second
    }

    var region: Region {
        let end = halfLength * axis
        let reach = radius + waves.reduce(0) { $0 + $1.amplitude }
        return Region(
            lower: pointwiseMin(center - end, center + end), upper: pointwiseMax(center - end, center + end)
        ).expanded(by: reach)
    }

    var surfacePoints: [Point] {
        let spacing = min(150, radius)
        let steps = max(1, Int(halfLength / spacing))
        let around = max(8, Int(2 * Double.pi * radius / 150))
        var points: [Point] = []
        for step in -steps...steps {
            let along = Double(step) / Double(steps) * halfLength
            let middle = center + along * axis + displacement(along)
            for index in 0..<around {
                let angle = 2 * Double.pi * Double(index) / Double(around)
                points.append(middle + radius * (cos(angle) * first + sin(angle) * second))
            }
        }
        return points
    }

    func signedDistance(at point: Point) -> Double {
        let offset = point - center
        let along = min(max(offset.dot(axis), -halfLength), halfLength)
        return (offset - along * axis - displacement(along)).length - radius
    }

    func sample(at point: Point) -> MembraneSample {
        let distance = signedDistance(at: point)
        return MembraneSample(bilayerDistance: abs(distance), compartment: distance < 0 ? .lumen : nil)
    }
}
