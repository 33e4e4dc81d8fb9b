import Checkpoints
import Foundation
import Tensors

/// The embedding of timesteps: sines and cosines of falling frequency, then two linear layers.
struct TimeEmbedding: Sendable {
    private let linear1: Linear
    private let linear2: Linear
    private let configuration: UNetConfiguration

    init(_ weights: NetworkWeights, _ configuration: UNetConfiguration) throws(CheckpointError) {
        self.configuration = configuration
        linear1 = try weights["linear_1"].linear(inputs: configuration.channels[0], outputs: configuration.timeChannels)
        linear2 = try weights["linear_2"].linear(inputs: configuration.timeChannels, outputs: configuration.timeChannels)
    }

    /// - Returns: `[timesteps, timeChannels]`, after the SiLU with which every block begins.
    func callAsFunction(_ timesteps: [Int]) -> Tensor {
        linear2(linear1(waves(timesteps)).applying(.silu)).applying(.silu)
    }

    /// In float32 throughout, as the networks were trained.
    private func waves(_ timesteps: [Int]) -> Tensor {
        let half = configuration.channels[0] / 2
        let frequencies = (0..<half).map { index in
            expf(-logf(10_000) * Float(index) / (Float(half) - configuration.frequencyShift))
        }
        let values = timesteps.flatMap { timestep in
            let angles = frequencies.map { Float(timestep) * $0 }
            let (cosines, sines) = (angles.map { cosf($0) }, angles.map { sinf($0) })
            return configuration.putsCosineFirst ? cosines + sines : sines + cosines
        }
        return Tensor(shape: [timesteps.count, 2 * half], values: values)
    }
}
