import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Diffusion

@Suite("The encoder of the autoencoder") struct AutoencoderTests {
    @Test("gives what diffusers gives, block by block", arguments: GoldenModel.all)
    func parity(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let diffusion = try DiffusionModel(folder: model.folder())
        let pixels = try golden.integers(named: "image")
        let shape = try #require(golden.entry(named: "image")).shape
        let image = Tensor(shape: [1] + shape, values: pixels.map { 2 * (Float($0) / 255) - 1 })
        var parts: [String: Tensor] = [:]
        let latents = try diffusion.autoencoder(image) { parts[$0] = $1 }
        #expect(parts.count == 7)
        for (name, output) in parts { try golden.expect(output, equals: "vae.\(name)") }
        try golden.expect(latents.mode, equals: "vae.latents")
    }

    @Test("with products of 16 bits, every block changes by no more than two percent", arguments: GoldenModel.all)
    func bfloat16(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let image = Tensor(
            shape: [1] + (try #require(golden.entry(named: "image")).shape),
            values: try golden.integers(named: "image").map { 2 * (Float($0) / 255) - 1 })
        var (exact, rounded): ([String: Tensor], [String: Tensor]) = ([:], [:])
        _ = try DiffusionModel(folder: model.folder()).autoencoder(image) { exact[$0] = $1 }
        _ = try DiffusionModel(folder: model.folder(), arithmetic: .bfloat16).autoencoder(image) { rounded[$0] = $1 }
        #expect(exact.count == 7)
        for (name, output) in exact {
            #expect(try #require(rounded[name]).relativeNoise(to: output) <= 0.02, "\(name)")
        }
        let end = try #require(exact["moments"])
        #expect((try #require(rounded["moments"]).relativeNoise(to: end) > 1e-5) == Arithmetic.multipliesBfloat16)
    }

    @Test("its variance is bounded, and samples spread by it about the mean")
    func samples() {
        let shape = [1, 2, 2, 1]
        let moments = Tensor(shape: [1, 2, 2, 2], values: [1, -100, 2, 100, 3, 0, 4, 2])
        let latents = LatentDistribution(moments: moments, scalingFactor: 0.5)
        #expect(latents.mean.values == [1, 2, 3, 4])
        #expect(latents.logVariance.values == [-30, 20, 0, 2])
        #expect(latents.mode.values == [0.5, 1, 1.5, 2])
        #expect(latents.mode.shape == shape)
        let draws = (0..<4000).map { latents.sample(seed: $0).values[2] }
        let mean = draws.reduce(0, +) / 4000
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
        #expect(abs(mean - 1.5) < 0.05)
        #expect(abs(variance - 0.25) < 0.03)
        #expect(latents.sample(seed: 5).values == latents.sample(seed: 5).values)
    }

    @Test("without layers_per_block a level has one residual block, the default of AutoencoderKL")
    func defaultBlocks() throws {
        let path = NSTemporaryDirectory() + "cellar-vae-\(UUID().uuidString).json"
        defer { unlink(path) }
        let types = #""down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"]"#
        for (more, blocks) in [("", 1), (#", "layers_per_block": 2"#, 2)] {
            try Data("{\"block_out_channels\": [32, 64], \(types)\(more)}".utf8).write(to: URL(fileURLWithPath: path))
            #expect(try AutoencoderConfiguration(file: ConfigurationFile(path)).residualBlocks == blocks)
        }
    }
}
