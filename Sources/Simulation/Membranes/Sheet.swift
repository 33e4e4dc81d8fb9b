import Basics
import Foundation

/// A large wavy membrane that crosses the whole field: a plasma membrane (one bilayer, the outside of the cell beyond it) or a
/// nuclear envelope (two bilayers, the nucleus beyond them). The cytosol is on the side to which the normal points.
struct Sheet: Membrane {
    /// The distance between the middles of the two bilayers of an envelope, in Å.
    static let envelopeGap = 330.0

    let isEnvelope: Bool
    let region: Region
    private let point: Point
    private let normal: Point
    private let first: Point
    private let second: Point
    private let waves: [SurfaceWave]

    /// - Parameters:
    ///   - point: a point of the mean plane of the sheet.
    ///   - region: the field, which the sheet crosses.
    init(through point: Point, normal: Point, isEnvelope: Bool, region: Region, random: inout RandomStream) {
        self.point = point
        self.normal = normal
        self.isEnvelope = isEnvelope
        self.region = region
        first = normal.anyPerpendicular
        second = normal.cross(first)
        waves = (0..<5).map { index in
            let angle = random.uniform(0...Double.pi)
            let wavelength = 900 * pow(1.6, Double(index)) * random.uniform(0.8...1.25)
            let frequency = 2 * Double.pi / wavelength
            let phase = random.uniform(0...2 * Double.pi)
            return SurfaceWave(
                x: frequency * cos(angle), y: frequency * sin(angle), phase: phase,
                amplitude: random.uniform(0.015...0.04) * wavelength)
        }
    }

    var surfacePoints: [Point] {
        let reach = (region.upper - region.lower).length
        let spacing = 200.0
        let steps = Int(reach / spacing) + 1
        var points: [Point] = []
        for i in -steps...steps {
            for j in -steps...steps {
                let u = Double(i) * spacing
                let v = Double(j) * spacing
                let height = waves.height(u, v)
                let candidate = point + u * first + v * second + height * normal
                if region.expanded(by: 2 * spacing).contains(candidate) { points.append(candidate) }
            }
        }
        return points
    }

    func signedDistance(at position: Point) -> Double {
        let offset = position - point
        let u = offset.dot(first)
        let v = offset.dot(second)
        var height = offset.dot(normal)
        var slopeFirst = 0.0
        var slopeSecond = 0.0
        for wave in waves {
            let argument = wave.x * u + wave.y * v + wave.phase
            height -= wave.amplitude * cos(argument)
            let slope = wave.amplitude * sin(argument)
            slopeFirst += slope * wave.x
            slopeSecond += slope * wave.y
        }
        return height / (1 + slopeFirst * slopeFirst + slopeSecond * slopeSecond).squareRoot()
    }

    func sample(at position: Point) -> MembraneSample {
        let distance = signedDistance(at: position)
        guard isEnvelope else {
            return MembraneSample(bilayerDistance: abs(distance), compartment: distance < 0 ? .exterior : nil)
        }
        let inner = distance + Self.envelopeGap
        return MembraneSample(
            bilayerDistance: min(abs(distance), abs(inner)), compartment: distance >= 0 ? nil : inner >= 0 ? .lumen : .nucleus)
    }
}
