internal import Foundation

/// A seeded source of random numbers, the same on every machine (SplitMix64: Steele, Lea, Flood, *Fast splittable
/// pseudorandom number generators*, OOPSLA 2014).
///
/// Its whole state is one word: a stream that is stored and restored goes on with the number that would have been next.
public struct RandomStream: RandomNumberGenerator, Codable, Hashable, Sendable {
    /// What to store.
    public private(set) var state: UInt64

    /// Goes on where a stream of this state stood.
    public init(state: UInt64) { self.state = state }

    /// A stream for each purpose and piece of work: what one draws does not move another.
    public init(seed: UInt64, purpose: UInt64 = 0, piece: Int = 0) {
        var mixer = RandomStream(state: seed)
        var second = RandomStream(state: mixer.next() ^ purpose)
        var third = RandomStream(state: second.next() ^ UInt64(truncatingIfNeeded: piece))
        state = third.next()
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Uniform in 0 ..< 1, a multiple of 2⁻⁵³.
    @inline(__always)
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in 0 ..< bound, without bias (D. Lemire, *Fast random integer generation in an interval*, 2019).
    ///
    /// - Precondition: a positive bound.
    public mutating func index(below bound: Int) -> Int {
        precondition(bound > 0, "no number is below \(bound)")
        let bound = UInt64(bound)
        var product = bound.multipliedFullWidth(by: next())
        if product.low < bound {
            // 2⁶⁴ mod bound numbers are too many.
            let surplus = (0 &- bound) % bound
            while product.low < surplus { product = bound.multipliedFullWidth(by: next()) }
        }
        return Int(product.high)
    }

    /// Uniform in the range, without bias.
    ///
    /// - Precondition: a range of fewer than 2⁶³ numbers.
    public mutating func integer(in range: ClosedRange<Int>) -> Int { range.lowerBound + index(below: range.count) }

    /// Uniform in −1 ..< 1, a multiple of 2⁻²³.
    public mutating func signedUnit() -> Float { Float(next() >> 40) * 0x1p-23 - 1 }

    /// Two independent numbers of the standard normal distribution (G. Box, M. Muller, 1958), from two words.
    @inline(__always)
    public mutating func normalPair() -> SIMD2<Double> {
        // 1 − u is never 0, whose logarithm is infinite.
        let radius = (-2 * log(1 - unit())).squareRoot()
        let angle = 2 * Double.pi * unit()
        return SIMD2(radius * cos(angle), radius * sin(angle))
    }

    /// A number of the standard normal distribution: the first of ``normalPair()``.
    public mutating func normal() -> Double { normalPair().x }

    /// The elements in random order, each order as likely as another (Fisher and Yates).
    public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, index(below: last + 1)) }
        return elements
    }
}
