import Basics
public import Tensors

/// The amount of noise in latents at each timestep t: `x_t = √ᾱ_t z + √(1 − ᾱ_t) ε`, with the latent z and standard normal noise
/// ε.
///
/// ᾱ_t is the product of 1 − β up to t, and β, or its square root (`scaled_linear`), rises linearly with t (Ho, Jain and Abbeel,
/// NeurIPS 2020).
public struct NoiseSchedule: Sendable {
    /// ᾱ for each timestep, from almost 1 at timestep 0 down to almost 0.
    public let cumulativeAlphas: [Double]

    /// A schedule; by default that of Stable Diffusion 1 and 2.
    ///
    /// - Parameters:
    ///   - timesteps: their number.
    ///   - firstBeta: β of timestep 0.
    ///   - lastBeta: β of the last timestep.
    ///   - isScaledLinear: whether √β rises linearly; otherwise β does.
    public init(timesteps: Int = 1000, firstBeta: Double = 0.00085, lastBeta: Double = 0.012, isScaledLinear: Bool = true) {
        var product = 1.0
        cumulativeAlphas = (0..<timesteps).map { timestep in
            let position = timesteps > 1 ? Double(timestep) / Double(timesteps - 1) : 0
            let beta: Double
            if isScaledLinear {
                let root = firstBeta.squareRoot() + (lastBeta.squareRoot() - firstBeta.squareRoot()) * position
                beta = root * root
            } else {
                beta = firstBeta + (lastBeta - firstBeta) * position
            }
            product *= 1 - beta
            return product
        }
    }

    /// One latent with noise added at each of several timesteps.
    ///
    /// - Parameters:
    ///   - latent: `[1, height, width, channels]`
    ///   - timesteps: valid indices into ``cumulativeAlphas``.
    ///   - seed: of the noise. Each timestep has its own noise; every latent of this shape gets the same.
    /// - Returns: `[timesteps, height, width, channels]`
    /// - Complexity: O(timesteps · elements of the latent).
    public func noised(_ latent: Tensor, at timesteps: [Int], seed: UInt64) -> Tensor {
        let noise = GaussianNoise(seed: seed, for: .timesteps).tensor(shape: [timesteps.count] + latent.shape.dropFirst())
        let count = latent.count
        return latent.withUnsafeBufferPointer { latent in
            noise.withUnsafeBufferPointer { values in
                Tensor(shape: noise.shape) { target in
                    for (index, timestep) in timesteps.enumerated() {
                        let signal = Float(cumulativeAlphas[timestep].squareRoot())
                        let share = Float((1 - cumulativeAlphas[timestep]).squareRoot())
                        for element in 0..<count {
                            target.initializeElement(
                                at: index * count + element,
                                to: signal * latent[element] + share * values[index * count + element])
                        }
                    }
                }
            }
        }
    }

    /// Random timesteps from `0...last`, in ascending order: one drawn from each of `count` strata (ranges) of equal width.
    public static func stratified(count: Int, last: Int, seed: UInt64) -> [Int] {
        var random = GaussianNoise(seed: seed, for: .choiceOfTimesteps)
        return (0..<count).map { stratum in
            let width = Double(last + 1) / Double(count)
            return min(Int((Double(stratum) + random.uniform()) * width), last)
        }
    }
}

extension NoiseSchedule {
    /// The keys of the file. A missing key has the value of Stable Diffusion.
    private struct Keys: Decodable {
        var trainTimesteps: Int?
        var betaStart: Double?
        var betaEnd: Double?
        var betaSchedule: String?
        var trainedBetas: [Double]?

        enum CodingKeys: String, CodingKey {
            case trainTimesteps = "num_train_timesteps"
            case betaStart = "beta_start"
            case betaEnd = "beta_end"
            case betaSchedule = "beta_schedule"
            case trainedBetas = "trained_betas"
        }
    }

    /// Reads `scheduler/scheduler_config.json`. Its keys about sampling are ignored: no images are generated here.
    ///
    /// - Throws: ``DiffusionError`` if it cannot be read, or holds another kind of schedule.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let kind = keys.betaSchedule ?? "scaled_linear"
        let (first, last) = (keys.betaStart ?? 0.00085, keys.betaEnd ?? 0.012)
        try file.require((1...100_000).contains(keys.trainTimesteps ?? 1000), "num_train_timesteps is not 1 to 100000")
        try file.require(["scaled_linear", "linear"].contains(kind), "beta_schedule is not scaled_linear or linear")
        try file.require(0 <= first && first <= last && last < 1, "beta_start and beta_end do not rise between 0 and 1")
        try file.require(keys.trainedBetas == nil, "trained_betas are given")
        self.init(
            timesteps: keys.trainTimesteps ?? 1000, firstBeta: first, lastBeta: last,
            isScaledLinear: kind == "scaled_linear")
    }
}

/// Random numbers of the standard normal distribution. They depend only on a seed and a purpose.
///
/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) and the transform of Box and Muller (1958).
public struct GaussianNoise: Sendable {
    /// The use of the numbers; its raw value is added to the seed.
    ///
    /// SplitMix64 passes through all 2⁶⁴ states in one cycle. For each seed, the purposes begin at different places of the cycle,
    /// at least 2⁶¹ numbers apart, so two purposes never draw the same numbers.
    public enum Purpose: UInt64, CaseIterable, Sendable {
        /// The noise ε of all timesteps, one timestep after the other.
        case timesteps = 0
        /// The choice of the timesteps themselves.
        case choiceOfTimesteps = 0x7469_6d65
        /// A latent drawn from an autoencoder's distribution.
        case latent = 0x4000_0000_0000_0000
    }

    private var stream: RandomStream

    /// The sequence of a seed and a purpose.
    public init(seed: UInt64, for purpose: Purpose) { stream = RandomStream(state: seed &+ purpose.rawValue) }

    /// The first numbers of the sequence, as the elements of a tensor in row-major order. Each call returns the same numbers.
    public func tensor(shape: [Int]) -> Tensor {
        var stream = stream
        return Tensor(shape: shape) { target in
            for index in stride(from: 0, to: target.count, by: 2) {
                let pair = stream.normalPair()
                target.initializeElement(at: index, to: Float(pair.x))
                if index + 1 < target.count { target.initializeElement(at: index + 1, to: Float(pair.y)) }
            }
        }
    }

    /// The next number of a uniform distribution on [0, 1).
    fileprivate mutating func uniform() -> Double { stream.unit() }
}
