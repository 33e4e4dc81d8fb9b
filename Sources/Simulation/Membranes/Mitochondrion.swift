import Basics
import Foundation

/// An outer membrane, and an inner one 16 nm within whose folds, the cristae, reach into the matrix.
///
/// Cristae are flat sacs, half-strips in cross section, open to the space between the membranes. The matrix is what the
/// inner surface holds less all cristae, with smoothed corners; its boundary is the inner membrane.
struct Mitochondrion: Membrane {
    /// The distance between the middles of outer and inner membrane.
    static let gap = 160.0
    /// The radius to which the corner between a crista and the inner membrane is rounded.
    private static let rounding = 50.0

    private struct Crista: Sendable {
        let point: Point
        let normal: Point
        /// The direction in which it reaches into the matrix.
        let inward: Point
        /// How far beyond `point` it reaches.
        let reach: Double
        let halfWidth: Double
        let waveFrequency: Double
        let wavePhase: Double
        let waveAmplitude: Double

        /// Negative inside the sac.
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

    /// The larger of two, rounded off over `rounding` where they are close: never less than either.
    private static func smoothMaximum(_ a: Double, _ b: Double) -> Double {
        let closeness = max(0, 1 - abs(a - b) / rounding)
        return max(a, b) + closeness * closeness * rounding / 4
    }
}
