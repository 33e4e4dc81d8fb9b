import Basics
import Foundation

/// What the simulator draws: points, directions, rotations and counts.
///
/// Each purpose has a stream of its own, and work that runs in parallel has one for each piece: more ribosomes do not move
/// a membrane, and the number of threads changes nothing.
extension RandomStream {
    enum Purpose: UInt64, Sendable {
        case parameters = 1
        case lamella, membranes, filaments, particles, crowding, gold, noise
    }

    init(seed: UInt64, _ purpose: Purpose, piece: Int = 0) {
        self.init(seed: seed, purpose: purpose.rawValue, piece: piece)
    }

    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    mutating func point(in region: Region) -> Point {
        Point(
            uniform(region.lower.x...region.upper.x), uniform(region.lower.y...region.upper.y),
            uniform(region.lower.z...region.upper.z))
    }

    /// Uniform on the unit sphere.
    mutating func direction() -> Point {
        let z = uniform(-1...1)
        let angle = uniform(0...2 * Double.pi)
        let radius = max(0, 1 - z * z).squareRoot()
        return Point(radius * cos(angle), radius * sin(angle), z)
    }

    /// Poisson-distributed: products of uniforms below a mean of 60, a rounded normal above it.
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

    /// Uniform over all rotations (K. Shoemake, *Graphics Gems III*, 1992).
    mutating func rotation() -> Rotation {
        let u = unit()
        let a = 2 * Double.pi * unit()
        let b = 2 * Double.pi * unit()
        let p = (1 - u).squareRoot()
        let q = u.squareRoot()
        return Rotation(w: q * cos(b), x: p * sin(a), y: p * cos(a), z: q * sin(b))
    }
}
