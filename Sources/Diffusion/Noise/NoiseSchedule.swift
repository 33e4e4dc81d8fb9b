public import Tensors

/// How much noise latents hold at each timestep: `x_t = √ᾱ_t z + √(1 − ᾱ_t) ε`.
///
/// β rises evenly in its square root (`scaled_linear`) or by itself (`linear`); ᾱ is the running product of 1 − β (Ho, Jain
/// and Abbeel, NeurIPS 2020).
public struct NoiseSchedule: Sendable {
    /// ᾱ for each timestep.
    public let alphas: [Double]

    public init(timesteps: Int = 1000, firstBeta: Double = 0.00085, lastBeta: Double = 0.012, isScaledLinear: Bool = true) {
        var product = 1.0
        alphas = (0..<timesteps).map { timestep in
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

    /// Latents with noise at several timesteps, one after the other: of one latent as many as there are timesteps.
    ///
    /// - Parameters:
    ///   - latent: `[1, height, width, channels]`
    ///   - seed: of the noise, which is drawn anew for each timestep and the same for every latent of that shape.
    /// - Returns: `[timesteps, height, width, channels]`
    public func noised(_ latent: Tensor, at timesteps: [Int], seed: UInt64) -> Tensor {
        let noise = GaussianNoise(seed: seed, for: .timesteps).tensor(shape: [timesteps.count] + latent.shape.dropFirst())
        let count = latent.count
        return latent.withUnsafeBufferPointer { latent in
            noise.withUnsafeBufferPointer { values in
                Tensor(shape: noise.shape) { target in
                    for (index, timestep) in timesteps.enumerated() {
                        let signal = Float(alphas[timestep].squareRoot())
                        let share = Float((1 - alphas[timestep]).squareRoot())
                        for place in 0..<count {
                            target.initializeElement(
                                at: index * count + place, to: signal * latent[place] + share * values[index * count + place])
                        }
                    }
                }
            }
        }
    }

    /// Timesteps spread over `0...last`: one drawn from each of `count` equal strata, ascending.
    public static func stratified(count: Int, last: Int, seed: UInt64) -> [Int] {
        var random = GaussianNoise(seed: seed, for: .choiceOfTimesteps)
        return (0..<count).map { stratum in
            let width = Double(last + 1) / Double(count)
            return min(Int((Double(stratum) + random.uniform()) * width), last)
        }
    }
}

extension NoiseSchedule {
    private struct Keys: Decodable {
        var num_train_timesteps: Int?
        var beta_start: Double?
        var beta_end: Double?
        var beta_schedule: String?
        var trained_betas: [Double]?
        var prediction_type: String?
    }

    /// Reads `scheduler/scheduler_config.json`. What it says about sampling does not matter here.
    ///
    /// - Throws: ``DiffusionError`` where it cannot be read, or holds another kind of schedule.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let kind = keys.beta_schedule ?? "scaled_linear"
        let (first, last) = (keys.beta_start ?? 0.00085, keys.beta_end ?? 0.012)
        try file.require((1...100_000).contains(keys.num_train_timesteps ?? 1000), "num_train_timesteps is not 1 to 100000")
        try file.require(["scaled_linear", "linear"].contains(kind), "beta_schedule is not scaled_linear or linear")
        try file.require(0 <= first && first <= last && last < 1, "beta_start and beta_end do not rise between 0 and 1")
        try file.require(keys.trained_betas == nil, "trained_betas are given")
        self.init(
            timesteps: keys.num_train_timesteps ?? 1000, firstBeta: first, lastBeta: last,
            isScaledLinear: kind == "scaled_linear")
    }
}
