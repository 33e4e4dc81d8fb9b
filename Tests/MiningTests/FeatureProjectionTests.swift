import Basics
import Testing

@testable import Mining

@Suite("The numbers of a network made few") struct FeatureProjectionTests {
    private func features(_ channels: Int, seed: UInt64) -> [Float] {
        var random = RandomStream(seed: seed)
        return (0..<channels).map { _ in Float(random.normal()) }
    }

    private func squared(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }

    @Test("distances stay what they were, on average and each to its deviation", arguments: [3, 16, 96, 320]) func distances(
        channels: Int
    ) throws {
        let projection = try FeatureProjection(channels: channels)
        let ratios = try (0..<400).map { pair in
            let seed = UInt64(1_000_000 + 2 * pair)
            let (a, b) = (features(channels, seed: seed), features(channels, seed: seed + 1))
            return try squared(projection(a), projection(b)) / squared(a, b)
        }
        // The squared length of a projection to 16 numbers has the deviation √(2/16) of its mean; few channels share few weights.
        let mean = ratios.reduce(0, +) / 400
        #expect(abs(mean - 1) < (channels < 16 ? 0.4 : 0.15))
        #expect(ratios.allSatisfy { $0 > 0.1 && $0 < 3.2 })
    }

    @Test("it is linear, and another one of the same lengths is the same") func linear() throws {
        let (one, other) = (try FeatureProjection(channels: 24, count: 7), try FeatureProjection(channels: 24, count: 7))
        let (a, b) = (features(24, seed: 5), features(24, seed: 6))
        #expect(try one(a) == other(a) && one(a).count == 7)
        let sum = try one(zip(a, b).map { 2 * $0 - $1 })
        let expected = try zip(one(a), one(b)).map { 2 * $0 - $1 }
        #expect(zip(sum, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test("other lengths and numbers that are none are refused") func badInput() throws {
        let projection = try FeatureProjection(channels: 4)
        #expect(throws: MiningError.self) { try projection([1, 2, 3]) }
        #expect(throws: MiningError.self) { try projection([1, 2, 3, .nan]) }
        #expect(throws: MiningError.self) { try FeatureProjection(channels: 0) }
        #expect(throws: MiningError.self) { try FeatureProjection(channels: 4, count: 0) }
    }

    @Test("parts of networks come last, have names, and are no part of a box") func parts() throws {
        let all = try ParticleDescriptor(ParticleDescriptor.Part.allCases)
        #expect(all.parts.suffix(2) == [.network, .diffusion] && all.count == 98 + 32)
        let names = all.componentNames(radiusInAngstroms: 115)
        #expect(Set(names).count == all.count && names.last == "diffusion 16")
        let error = #expect(throws: MiningError.self) {
            try DescriptorMaker(parts: [.shells, .network], voxelSizeInAngstroms: 12)
        }
        #expect(error?.message.contains("shells, spectrum") == true)
    }
}
