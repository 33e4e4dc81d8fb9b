public import Basics

/// A random projection: many numbers of a network become few, and distances stay what they were to about 1/√(2 k) of them.
///
/// Each of the k numbers is a sum of all channels with weights of a normal distribution of variance 1/k, which a fixed seed draws (W. B. Johnson
/// and J. Lindenstrauss, *Extensions of Lipschitz mappings into a Hilbert space*, 1984). Nothing is learned, so that the numbers of all
/// tomograms can be compared.
public struct FeatureProjection: Sendable {
    /// The length of what is projected.
    public let channels: Int
    /// k.
    public let count: Int
    /// `[count][channels]`
    private let weights: [Float]

    /// - Parameters:
    ///   - channels: the length of what is projected, at least 1.
    ///   - count: k, at least 1.
    /// - Throws: ``MiningError`` where a length is below 1.
    public init(channels: Int, count: Int = ParticleDescriptor.learnedCount) throws(MiningError) {
        guard channels > 0, count > 0 else {
            throw .parameter("the lengths of a projection", "\(channels) and \(count)", mustBe: "at least 1 each")
        }
        (self.channels, self.count) = (channels, count)
        var random = RandomStream(seed: UInt64(channels))
        let deviation = 1 / Double(count).squareRoot()
        weights = (0..<count * channels).map { _ in Float(deviation * random.normal()) }
    }

    /// The projection of the numbers of one place.
    ///
    /// - Returns: ``count`` numbers.
    /// - Throws: ``MiningError`` unless there are ``channels`` finite numbers.
    /// - Complexity: a multiplication for each of ``count`` times ``channels`` weights.
    public func callAsFunction(_ features: [Float]) throws(MiningError) -> [Float] {
        guard features.count == channels else { throw .row(features.count, of: channels) }
        guard features.allSatisfy(\.isFinite) else { throw .notFinite }
        return (0..<count).map { number in
            var sum = 0.0
            for channel in 0..<channels { sum += Double(weights[number * channels + channel]) * Double(features[channel]) }
            return Float(sum)
        }
    }
}
