import Foundation
public import Tensors

/// What an autoencoder says about an image: a normal distribution for each number of its latent.
public struct LatentDistribution: Sendable {
    /// `[N, height, width, latentChannels]`, as is.
    public let mean: Tensor
    /// The logarithm of the variance, between −30 and 20.
    public let logVariance: Tensor
    /// What both are multiplied by before the U-Net sees them.
    public let scalingFactor: Float

    /// - Parameter moments: mean and log-variance side by side, `[N, height, width, 2 · latentChannels]`.
    init(moments: Tensor, scalingFactor: Float) {
        let channels = moments.shape[3] / 2
        let shape = Array(moments.shape.dropLast()) + [channels]
        func half(_ first: Int, _ transform: (Float) -> Float) -> Tensor {
            moments.withUnsafeBufferPointer { source in
                Tensor(shape: shape) { target in
                    for index in target.indices {
                        target[index] = transform(source[index / channels * 2 * channels + first + index % channels])
                    }
                }
            }
        }
        mean = half(0) { $0 }
        logVariance = half(channels) { min(max($0, -30), 20) }
        self.scalingFactor = scalingFactor
    }

    /// The likeliest latent, scaled.
    public var mode: Tensor { scaled { mean, _, _ in mean } }

    /// A latent drawn with a seed, scaled. What is drawn has nothing to do with the noise that a ``NoiseSchedule`` adds with the
    /// same seed.
    public func sample(seed: UInt64) -> Tensor {
        let noise = GaussianNoise(seed: seed, for: .latent).tensor(shape: mean.shape)
        return noise.withUnsafeBufferPointer { noise in
            scaled { mean, logVariance, index in mean + expf(0.5 * logVariance) * noise[index] }
        }
    }

    private func scaled(_ value: (_ mean: Float, _ logVariance: Float, _ index: Int) -> Float) -> Tensor {
        mean.withUnsafeBufferPointer { mean in
            logVariance.withUnsafeBufferPointer { logVariance in
                Tensor(shape: self.mean.shape) { target in
                    for index in target.indices { target[index] = value(mean[index], logVariance[index], index) * scalingFactor }
                }
            }
        }
    }
}
