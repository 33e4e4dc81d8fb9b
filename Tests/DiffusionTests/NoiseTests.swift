import Tensors
import Testing

@testable import Diffusion

@Suite("Noise") struct NoiseTests {
    @Test("the schedule is that of Stable Diffusion")
    func schedule() {
        let alphas = NoiseSchedule().cumulativeAlphas
        let expected: [Int: Double] = [
            0: 0.999150, 50: 0.951577, 100: 0.894223, 200: 0.753692, 250: 0.673793, 261: 0.655669, 500: 0.276333, 999: 0.004660,
        ]
        for (timestep, alpha) in expected { #expect(abs(alphas[timestep] - alpha) < 5e-7, "\(timestep)") }
    }

    @Test("is normal, and the same for the same seed")
    func gaussian() {
        let values = GaussianNoise(seed: 7, for: .timesteps).tensor(shape: [100_001]).values
        let count = Double(values.count)
        let moments = (1...4).map { power in
            values.reduce(0.0) { sum, value in sum + (0..<power).reduce(1.0) { product, _ in product * Double(value) } } / count
        }
        #expect(abs(moments[0]) < 0.015)
        #expect(abs(moments[1] - 1) < 0.02)
        #expect(abs(moments[2]) < 0.04)
        #expect(abs(moments[3] - 3) < 0.15)
        // Neighbours have nothing to do with one another.
        let products = zip(values, values.dropFirst()).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / count
        #expect(abs(products) < 0.015)
        #expect(GaussianNoise(seed: 7, for: .timesteps).tensor(shape: [11]).values == Array(values.prefix(11)))
        #expect(GaussianNoise(seed: 8, for: .timesteps).tensor(shape: [11]).values != Array(values.prefix(11)))
    }

    @Test("each purpose has numbers of its own, whatever the seed")
    func purposes() {
        // The inverse of the step from state to state, modulo 2⁶⁴, by Newton's iteration: how many numbers a purpose lies from
        // another.
        let step: UInt64 = 0x9e37_79b9_7f4a_7c15
        let inverse = (0..<6).reduce(step) { inverse, _ in inverse &* (2 &- step &* inverse) }
        #expect(inverse &* step == 1)
        for one in GaussianNoise.Purpose.allCases {
            for other in GaussianNoise.Purpose.allCases where one != other {
                #expect((one.rawValue &- other.rawValue) &* inverse >= 1 << 61, "\(one), \(other)")
            }
        }
    }

    @Test("a latent that is drawn has nothing to do with the noise of any timestep", arguments: [0, 1, 7, .max] as [UInt64])
    func latent(seed: UInt64) {
        // Of mean 0 and variance 1, so that it is the noise that was drawn.
        let drawn = LatentDistribution(moments: Tensor(shape: [1, 32, 32, 8]), scalingFactor: 1).sample(seed: seed).values
        let noised = NoiseSchedule().noised(Tensor(shape: [1, 32, 32, 4]), at: [999, 500, 10], seed: seed).values
        #expect(drawn.count == 4096 && noised.count == 3 * drawn.count)
        for timestep in 0..<3 {
            let noise = noised[timestep * drawn.count..<(timestep + 1) * drawn.count]
            let (products, squares) = zip(drawn, noise).reduce((0, 0)) { ($0.0 + $1.0 * $1.1, $0.1 + $1.1 * $1.1) }
            // Five standard deviations of a correlation of 4096 pairs.
            #expect(abs(products) / (squares * Float(drawn.count)).squareRoot() < 0.08, "timestep \(timestep)")
        }
    }

    @Test("enters latents in the measure of the timestep")
    func noised() {
        let schedule = NoiseSchedule()
        let latent = Tensor(shape: [1, 64, 64, 4], repeating: 3)
        let noised = schedule.noised(latent, at: [0, 500], seed: 1)
        #expect(noised.shape == [2, 64, 64, 4])
        for (index, timestep) in [0, 500].enumerated() {
            let values = noised.values[index * latent.count..<(index + 1) * latent.count].map(Double.init)
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            #expect(abs(mean - 3 * schedule.cumulativeAlphas[timestep].squareRoot()) < 0.03)
            #expect(abs(variance - (1 - schedule.cumulativeAlphas[timestep])) < 0.04)
        }
        let halves = noised.values
        #expect(halves.prefix(latent.count) != halves.suffix(latent.count))
    }

    @Test("timesteps lie one in each stratum", arguments: [(1, 250), (8, 250), (3, 999), (8, 100)])
    func stratified(count: Int, last: Int) {
        for seed: UInt64 in 0..<50 {
            let timesteps = NoiseSchedule.stratified(count: count, last: last, seed: seed)
            #expect(timesteps.count == count)
            for (index, timestep) in timesteps.enumerated() {
                let width = Double(last + 1) / Double(count)
                #expect(timestep >= Int(Double(index) * width) && timestep <= min(last, Int(Double(index + 1) * width)))
            }
            #expect(timesteps == NoiseSchedule.stratified(count: count, last: last, seed: seed))
        }
        #expect(Set((0..<50).map { NoiseSchedule.stratified(count: count, last: last, seed: $0) }).count > 1)
    }
}
