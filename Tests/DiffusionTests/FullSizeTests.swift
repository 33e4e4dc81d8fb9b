import Checkpoints
import Diffusion
import Foundation
import Tensors
import Testing

@testable import Diffusion

/// Where `make check-diffusion` put a model of full size.
private let fullSizeFolder = ProcessInfo.processInfo.environment["CELLAR_CHECK_DIFFUSION"]

/// The full-size architectures with random weights against diffusers: `make check-diffusion` makes them and names the folder.
@Suite("Full size", .enabled(if: fullSizeFolder != nil, "`make check-diffusion` runs this"))
struct FullSizeTests {
    @Test("encoder, text encoder and U-Net give what diffusers gives, from a folder and from one file", arguments: [false, true])
    func parity(isOneFile: Bool) throws {
        let folder = try #require(fullSizeFolder)
        let golden = try Checkpoint(path: "\(folder)/golden.safetensors")
        let file = try #require(try SingleFile(path: "\(folder)/original.safetensors"))
        let model = try isOneFile ? DiffusionModel(path: file.path) : DiffusionModel(folder: "\(folder)/model")

        let encoder = try #require(try file.layout().text)
        let text =
            try isOneFile
            ? TextEncoder(encoder.checkpoint, encoder.configuration) : TextEncoder(folder: "\(folder)/model/text_encoder")
        try golden.expect(text.encode(golden.integers(named: "tokens.prompt")), equals: "context.prompt")

        let image = try Tensor(
            shape: [1] + #require(golden.entry(named: "image")).shape,
            values: golden.integers(named: "image").map { 2 * (Float($0) / 255) - 1 })
        var compared = 0
        let latents = try model.autoencoder(image) { name, output in
            guard golden.entry(named: "vae.\(name)") != nil else { return }
            compared += 1
            #expect(throws: Never.self) { try golden.expect(output, equals: "vae.\(name)") }
        }
        #expect(compared == 4)
        try golden.expect(latents.mode, equals: "vae.latents")

        let recorder = PassRecorder()
        let noise = try model.runUNet(
            golden.tensor("latent"), timesteps: [261], context: golden.tensor("context.prompt"), extent: .noise,
            observer: recorder)
        try golden.expect(noise, equals: "t261.noise")
        #expect(recorder.blocks.count == 9)
        for (name, output) in recorder.blocks { try golden.expect(output, equals: "t261.\(name)") }
        #expect(recorder.layers.count == 16)
        for layer in recorder.layers {
            try golden.expect(
                recorder.affinities[layer.name], equals: "t261.\(layer.name).transformer_blocks.0.attn1")
        }
    }
}
