import Basics
import Foundation

/// A mitochondrion: an outer membrane, and an inner membrane 16 nm below it with folds, the cristae, that reach into the matrix.
///
/// Cristae are flat sacs that are open to the space between the membranes; their cross section is a strip with one round end.
/// The matrix is the space inside the inner surface minus all cristae, with smoothed corners; its boundary is the inner
/// membrane.
struct Mitochondrion: Membrane {
    /// The distance between the middles of the outer and the inner membrane, in Å.
    static let gap = 160.0
    /// The radius of the rounded corner between a crista and the inner membrane, in Å.
    private static let rounding = 50.0

    private struct Crista: Sendable {
        let point: Point
        let normal: Point
        /// The direction in which the crista extends into the matrix.
        let inward: Point
        /// The distance in Å from `point` to the end of the crista along `inward`; it may be negative.
        let reach: Double
        let halfWidth: Double
        let waveFrequency: Double
        let wavePhase: Double
        let waveAmplitude: Double

        /// The approximate distance in Å from the membrane of the sac, negative inside.
        func signedDistance(at position: Point) -> Double {
            let offset = position - point
            let along = offset.dot(inward)
            let across = offset.dot(normal) - waveAmplitude * sin(waveFrequency * along + wavePhase)
            let beyond = max(0, along - (reach - halfWidth))
            return (across * across + beyond * beyond).squareRoot() - halfWidth
        }
    }

    let surface: ClosedSurface
    private let cristae: [Crista]

    init(surface: ClosedSurface, random: inout RandomStream) {
        self.surface = surface
        let innerRadius = surface.radius - Self.gap
        var cristae: [Crista] = []
        var position = -surface.halfLength - 0.55 * innerRadius
        while position < surface.halfLength + 0.55 * innerRadius {
            let normal = (surface.axis + 0.25 * random.direction()).normalized
            let sideways = random.direction()
            let inward = (sideways - sideways.dot(normal) * normal).normalized
            cristae.append(
                Crista(
                    point: surface.center + position * surface.axis, normal: normal, inward: inward,
                    reach: random.uniform(-0.3...0.75) * innerRadius, halfWidth: random.uniform(75...110),
                    waveFrequency: 2 * Double.pi / random.uniform(1500...3000), wavePhase: random.uniform(0...2 * Double.pi),
                    waveAmplitude: random.uniform(30...90)))
            position += random.uniform(380...640)
        }
        self.cristae = cristae
    }

    var region: Region { surface.region }
    var surfacePoints: [Point] { surface.points(spacing: 200) }

    func signedDistance(at point: Point) -> Double { surface.signedDistance(at: point) }

    func sample(at point: Point) -> MembraneSample {
        let outer = surface.signedDistance(at: point)
        guard outer < 0 else { return MembraneSample(bilayerDistance: outer, compartment: nil) }
        // Negative in the matrix.
        var inner = outer + Self.gap
        for crista in cristae {
            inner = Self.smoothMaximum(inner, -crista.signedDistance(at: point))
        }
        return MembraneSample(bilayerDistance: min(-outer, abs(inner)), compartment: inner < 0 ? .matrix : .lumen)
    }

    /// A smooth maximum: max(a, b), raised by up to `rounding` / 4 where |a − b| < `rounding`.
    private static func smoothMaximum(_ a: Double, _ b: Double) -> Double {
        let closeness = max(0, 1 - abs(a - b) / rounding)
        return max(a, b) + closeness * closeness * rounding / 4
    }
}
