import Foundation

/// A seeded source of random numbers, the same on every machine (SplitMix64: Steele, Lea, Flood, *Fast splittable
/// pseudorandom number generators*, OOPSLA 2014).
///
/// Each purpose has a stream of its own, and work that runs in parallel has one for each piece: more ribosomes do not move
/// a membrane, and the number of threads changes nothing.
struct RandomStream: RandomNumberGenerator, Sendable {
    enum Purpose: UInt64, Sendable {
        case parameters = 1
        case lamella, membranes, filaments, particles, crowding, gold, noise
    }

    private var state: UInt64

    init(seed: UInt64, _ purpose: Purpose, piece: Int = 0) {
        var mixer = RandomStream(state: seed)
        var second = RandomStream(state: mixer.next() ^ purpose.rawValue)
        state = second.next() ^ UInt64(truncatingIfNeeded: piece)
        state = next()
    }

    private init(state: UInt64) { self.state = state }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Uniform in 0..<1.
    @inline(__always)
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    mutating func point(in region: Region) -> Point {
        Point(
            uniform(region.lower.x...region.upper.x), uniform(region.lower.y...region.upper.y),
            uniform(region.lower.z...region.upper.z))
    }

    /// Two independent standard normal values (G. Box, M. Muller, 1958).
    @inline(__always)
    mutating func normalPair() -> SIMD2<Double> {
        let radius = (-2 * log(1 - unit())).squareRoot()
        let angle = 2 * Double.pi * unit()
        return SIMD2(radius * cos(angle), radius * sin(angle))
    }

    mutating func normal() -> Double { normalPair().x }

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
