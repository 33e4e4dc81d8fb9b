import Checkpoints
import Diffusion
import Tensors
import TestSupport
import Testing

@Suite("The U-Net") struct UNetTests {
    @Test("gives what diffusers gives: every block, every query and key, every affinity, the noise", arguments: GoldenModel.all)
    func parity(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let diffusion = try DiffusionModel(folder: model.folder())
        for (time, timestep, context) in [("t50", 50, "context.empty"), ("t261", 261, "context.prompt")] {
            let recorder = PassRecorder()
            let noise = try diffusion.runUNet(
                golden.tensor("latent"), timesteps: [timestep], context: golden.tensor(context), extent: .noise,
                observer: recorder)
            try golden.expect(noise, equals: "\(time).noise")
            #expect(recorder.blocks.count == 9)
            for (name, output) in recorder.blocks { try golden.expect(output, equals: "\(time).\(name)") }
            #expect(recorder.layers == diffusion.unet.configuration.attentionLayers)
            #expect(recorder.layers.count == 16)
            for layer in recorder.layers {
                let name = "\(time).\(layer.name).transformer_blocks.0.attn1"
                if timestep == 50 {
                    try golden.expect(recorder.queries[layer.name], equals: "\(name).query")
                    try golden.expect(recorder.keys[layer.name], equals: "\(name).key")
                }
                try golden.expect(recorder.affinities[layer.name], equals: name)
            }
        }
    }

    @Test("with products of 16 bits, affinities change by no more than two percent", arguments: GoldenModel.all)
    func bfloat16(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let (exact, half) = (
            try DiffusionModel(folder: model.folder()), try DiffusionModel(folder: model.folder(), arithmetic: .bfloat16)
        )
        let context = try golden.tensor("context.empty")
        let passes = try [exact, half].map { diffusion in
            let recorder = PassRecorder()
            try diffusion.runUNet(
                golden.tensor("latent"), timesteps: [50], context: context, extent: .lastAttention, observer: recorder)
            return recorder.affinities
        }
        #expect(passes[0].count == 16)
        for (name, affinity) in passes[0] {
            let other = try #require(passes[1][name])
            let noise = other.meanAffinity().relativeNoise(to: affinity.meanAffinity())
            #expect(noise <= 0.02, "\(name)")
            #expect((noise > 1e-5) == Arithmetic.multipliesBfloat16, "\(name)")
        }
    }

    @Test("several latents at once are as each alone", arguments: GoldenModel.all)
    func batch(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let diffusion = try DiffusionModel(folder: model.folder())
        let latent = try golden.tensor("latent")
        let context = try golden.tensor("context.empty")
        let timesteps = [3, 50, 261]
        let batch = Tensor(shape: [3] + latent.shape.dropFirst(), values: latent.values + latent.values + latent.values)
        let together = try #require(try diffusion.runUNet(batch, timesteps: timesteps, context: context, extent: .noise)).values
        for (index, timestep) in timesteps.enumerated() {
            let alone = try #require(try diffusion.runUNet(latent, timesteps: [timestep], context: context, extent: .noise))
            let part = Array(together[index * alone.count..<(index + 1) * alone.count])
            #expect(Tensor(shape: alone.shape, values: part).relativeError(to: alone) <= 1e-5)
        }
    }

    @Test("streamed, or up to the last attention only, it sees the same affinities", arguments: GoldenModel.all)
    func extents(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let whole = PassRecorder()
        try DiffusionModel(folder: model.folder()).runUNet(
            golden.tensor("latent"), timesteps: [50], context: golden.tensor("context.empty"), extent: .noise, observer: whole)
        let part = PassRecorder()
        let noise = try DiffusionModel(folder: model.folder(), residency: .streamed).runUNet(
            golden.tensor("latent"), timesteps: [50], context: golden.tensor("context.empty"), extent: .lastAttention,
            observer: part)
        #expect(noise == nil)
        #expect(part.layers == whole.layers)
        #expect(part.blocks["up_blocks.2"] != nil && part.blocks["up_blocks.3"] == nil)
        for layer in part.layers {
            #expect(part.affinities[layer.name]?.meanAffinity().values == whole.affinities[layer.name]?.meanAffinity().values)
        }
    }
}
