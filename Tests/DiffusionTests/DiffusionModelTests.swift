import Basics
import Checkpoints
import Foundation
import Tensors
import Testing

@testable import Diffusion

@Suite("A diffusion model") struct DiffusionModelTests {
    @Test("verifies, resident or streamed", arguments: GoldenModel.all, [Residency.resident, .streamed])
    func verifies(golden model: GoldenModel, residency: Residency) throws {
        try DiffusionModel(folder: model.folder(), residency: residency).verify()
    }

    @Test("does not wait for a named pipe in the place of a configuration", .timeLimit(.minutes(1)))
    func namedPipe() throws {
        let path = NSTemporaryDirectory() + "cellar-pipe-\(UUID().uuidString)"
        #expect(mkfifo(path, 0o644) == 0)
        defer { unlink(path) }
        let error = #expect(throws: DiffusionError.self) { try ConfigurationFile(path) }
        #expect(error?.code == .unreadable)
    }

    @Test("refuses images and latents that it cannot take, in words", arguments: GoldenModel.all)
    func invalidInput(golden model: GoldenModel) throws {
        let diffusion = try DiffusionModel(folder: model.folder())
        #expect(diffusion.imageSideFactor == 64)
        for shape in [[1, 64, 63, 3], [1, 0, 64, 3], [64, 64, 3], [1, 64, 64, 1], [1, 32, 32, 3]] {
            let error = #expect(throws: DiffusionError.self) { try diffusion.encode(Tensor(shape: shape)) }
            #expect(error?.code == .invalidInput)
        }
        var image = Tensor(shape: [1, 64, 64, 3])
        for value in [Float.nan, .infinity, -.infinity] {
            image.withUnsafeMutableBufferPointer { $0[777] = value }
            #expect(throws: DiffusionError.self) { try diffusion.encode(image) }
        }
        #expect(throws: DiffusionError.self) { try diffusion.encode(gray: [0], height: 64, width: 64) }
        let context = try diffusion.context(for: "")
        let latent = Tensor(shape: [1, 8, 8, 4])
        #expect(throws: DiffusionError.self) { try diffusion.attention(latent, timesteps: [1000], context: context) }
        #expect(throws: DiffusionError.self) { try diffusion.attention(latent, timesteps: [-1], context: context) }
        #expect(throws: DiffusionError.self) { try diffusion.attention(latent, timesteps: [], context: context) }
        #expect(throws: DiffusionError.self) {
            try diffusion.attention(Tensor(shape: [1, 8, 12, 4]), timesteps: [1], context: context)
        }
        #expect(throws: DiffusionError.self) {
            try diffusion.attention(Tensor(shape: [1, 8, 8, 4], repeating: .nan), timesteps: [1], context: context)
        }
        #expect(throws: DiffusionError.self) {
            try diffusion.attention(latent, timesteps: [1], context: Tensor(shape: [1, 77, 3]))
        }
        #expect(throws: DiffusionError.self) {
            try diffusion.features(latent, timestep: 1, context: context, block: "up_blocks.7")
        }
        // Latents of too few axes, and of another number than timesteps.
        for shape in [[], [4], [8, 4], [8, 8, 4], [2, 8, 8, 4], [1, 8, 8, 4]] {
            let error = #expect(throws: DiffusionError.self) {
                try diffusion.attention(noised: Tensor(shape: shape), timesteps: [1, 2, 3], context: context)
            }
            #expect(error?.code == .invalidInput)
        }
        let two = Tensor(shape: [2, 8, 8, 4])
        #expect(throws: DiffusionError.self) { try diffusion.attention(two, timesteps: [1, 2], context: context) }
        #expect(throws: DiffusionError.self) { try diffusion.features(two, timestep: 1, context: context, block: "mid_block") }
        #expect(throws: DiffusionError.self) { try diffusion.runUNet(two, timesteps: [1], context: context, extent: .noise) }
    }

    @Test("affinities that are not finite are refused, in words")
    func notFinite() throws {
        let layer = AttentionLayer(name: "", group: .encoder, level: 0, channels: 4, heads: 1)
        let collector = AttentionCollector(.init(), latentHeight: 2, latentWidth: 2)
        let query = Tensor(shape: [1, 4, 4], repeating: .nan)
        let sum = try #require(collector.attention(layer, query: query, key: query))
        Attention(heads: 1).affinity(query: query, key: query, into: sum)
        let error = #expect(throws: DiffusionError.self) { try collector.features(path: "model") }
        #expect(error?.code == .notFinite)
    }

    @Test("a constant image gives finite features")
    func constantImage() throws {
        let diffusion = try DiffusionModel(folder: GoldenModel.all[0].folder())
        let latent = try diffusion.encode(gray: [UInt8](repeating: 128, count: 64 * 128), height: 64, width: 128).mode
        #expect(latent.shape == [1, 8, 16, 4])
        let features = try diffusion.attention(
            latent, timesteps: [10, 200], context: diffusion.context(for: ""), selecting: .init(tokens: true, rank: 5))
        #expect(features.tokens.count == 16)
        for tokens in features.tokens {
            #expect(tokens.components.scores.shape == [tokens.height * tokens.width, 5])
            #expect(!tokens.components.scores.values.contains { !$0.isFinite })
        }
    }

    @Test("gathers affinities by group and resolution, whose rows sum to one", arguments: GoldenModel.all)
    func gathers(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let diffusion = try DiffusionModel(folder: model.folder())
        let latent = try golden.tensor("latent")
        let context = try golden.tensor("context.empty")
        let features = try diffusion.attention(latent, timesteps: [20, 120, 220], context: context, seed: 3)
        #expect(features.tokens.isEmpty)
        #expect(
            features.affinities.map { "\($0.level) \($0.group) \($0.layers) \($0.height)×\($0.width)" } == [
                "0 encoder 2 16×8", "0 decoder 3 16×8", "1 encoder 2 8×4", "1 decoder 3 8×4", "2 encoder 2 4×2",
                "2 decoder 3 4×2",
                "3 middle 1 2×1",
            ])
        for affinity in features.affinities {
            let n = affinity.height * affinity.width
            let matrix = affinity.matrix().values
            #expect(abs(matrix.reduce(0, +) - Float(n)) < 1e-3 * Float(n))
            for (i, j) in [(0, n - 1), (n / 2, 0)] { #expect(matrix[i * n + j] == matrix[j * n + i]) }
        }
        let decoder = try diffusion.attention(
            latent, timesteps: [20, 120, 220], context: context, seed: 3, selecting: .init(groups: [.decoder]))
        #expect(decoder.affinities.map(\.level) == [0, 1, 2])
        #expect(decoder.affinities[0].matrix().values == features.affinities[1].matrix().values)
        // Another seed is another noise.
        let other = try diffusion.attention(latent, timesteps: [20, 120, 220], context: context, seed: 4)
        #expect(other.affinities[0].matrix().values != features.affinities[0].matrix().values)
    }

    @Test("gives the features of any block", arguments: GoldenModel.all)
    func blockFeatures(golden model: GoldenModel) throws {
        let golden = try model.golden()
        let diffusion = try DiffusionModel(folder: model.folder())
        let latent = try golden.tensor("latent")
        let context = try golden.tensor("context.prompt")
        let output = try diffusion.features(latent, timestep: 261, context: context, block: "up_blocks.1")
        #expect(output.shape == [1, 8, 4, 8])
        let noised = diffusion.schedule.noised(latent, at: [261], seed: 0)
        let watch = PassRecorder()
        try diffusion.runUNet(noised, timesteps: [261], context: context, extent: .noise, observer: watch)
        #expect(watch.blocks["up_blocks.1"]?.values == output.values)
    }

    @Test("principal components are those of the covariance, whether there are more tokens or more channels")
    func principalComponents() throws {
        // Three patterns of falling strength, and a constant channel.
        for (n, channels) in [(40, 12), (12, 40)] {
            let noise = GaussianNoise(seed: 9, for: .timesteps).tensor(shape: [n + channels, 3]).values
            let tokens = Tensor(shape: [n, channels]) { target in
                for token in 0..<n {
                    for channel in 0..<channels {
                        let value = (0..<3).reduce(Float(0)) { sum, pattern in
                            sum + noise[3 * token + pattern] * noise[3 * (n + channel) + pattern]
                        }
                        target[token * channels + channel] = channel == 0 ? 4 : 10 * value + 100
                    }
                }
            }
            let components = try #require(PrincipalComponents(tokens, rank: 6))
            #expect(components.scores.shape == [n, 6])
            #expect(components.explainedVariance > 0.9999)
            let scores = components.scores.values
            func product(_ a: Int, _ b: Int) -> Float {
                (0..<n).reduce(Float(0)) { $0 + scores[6 * $1 + a] * scores[6 * $1 + b] }
            }
            let variances = (0..<6).map { product($0, $0) }
            #expect(variances[0] >= variances[1] && variances[1] >= variances[2])
            // Standardised channels have n squares each.
            #expect(abs(variances.reduce(0, +) / Float(n * (channels - 1)) - 1) < 1e-3)
            #expect(abs(product(0, 1)) < 1e-3 * variances[0] && abs(product(1, 2)) < 1e-3 * variances[0])
        }
        let nothing = PrincipalComponents(Tensor(shape: [4, 3], repeating: .nan), rank: 2)
        #expect(nothing == nil)
        let constant = try #require(PrincipalComponents(Tensor(shape: [4, 3], repeating: 2), rank: 2))
        #expect(constant.scores.values == [Float](repeating: 0, count: 8))
        #expect(constant.explainedVariance == 0)
    }

    @Test("a folder whose parts are missing or of other networks is refused with a sentence")
    func wrongFolders() throws {
        let temporary = FileManager.default.temporaryDirectory.appending(path: "cellar-test-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        func refused(_ change: (String) throws -> Void) throws -> DiffusionError? {
            try? FileManager.default.removeItem(atPath: temporary)
            try FileManager.default.copyItem(atPath: GoldenModel.all[0].folder(), toPath: temporary)
            try change(temporary)
            return #expect(throws: DiffusionError.self) {
                try DiffusionModel(folder: temporary).verify()
            }
        }
        func edit(_ file: String, _ old: String, _ new: String) -> (String) throws -> Void {
            { folder in
                let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                #expect(text.contains(old))
                try text.replacing(old, with: new).write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
            }
        }
        let other = try GoldenModel.all[1].folder()
        let cases: [(change: (String) throws -> Void, says: String)] = [
            ({ try FileManager.default.removeItem(atPath: "\($0)/unet/config.json") }, "config.json"),
            ({ try FileManager.default.removeItem(atPath: "\($0)/vae") }, "vae"),
            (
                { try FileManager.default.removeItem(atPath: "\($0)/unet/diffusion_pytorch_model.fp16.safetensors") },
                "safetensors"
            ),
            ({ try FileManager.default.removeItem(atPath: "\($0)/text_encoder") }, "text_encoder"),
            (edit("unet/config.json", "\"in_channels\": 4", "\"in_channels\": 5"), "latents of 5"),
            (edit("unet/config.json", "\"cross_attention_dim\": 12", "\"cross_attention_dim\": 16"), "text encoder of 12"),
            (edit("unet/config.json", "\"norm_num_groups\": 4", "\"norm_num_groups\": 3"), "norm_num_groups"),
            (edit("unet/config.json", "\"norm_num_groups\": 4", "\"norm_num_groups\": -4"), "norm_num_groups"),
            (edit("unet/config.json", "\"layers_per_block\": 2", "\"layers_per_block\": \"two\""), "layers_per_block"),
            (edit("unet/config.json", "\"layers_per_block\": 2", "\"layers_per_block\": 1"), "do not belong to their config"),
            (edit("unet/config.json", "\"block_out_channels\"", "\"other\""), "block_out_channels"),
            (edit("unet/config.json", "\"act_fn\": \"silu\"", "\"addition_embed_type\": \"text_time\""), "addition_embed_type"),
            (edit("vae/config.json", "\"latent_channels\": 4", "\"latent_channels\": 8"), "8"),
            (edit("scheduler/scheduler_config.json", "\"beta_end\": 0.012", "\"beta_end\": 2"), "beta"),
            ({ folder in try Data("{\"\u{0}".utf8).write(to: URL(fileURLWithPath: "\(folder)/vae/config.json")) }, "JSON"),
            (
                { folder in try Data([0x7b, 0x22, 0xff, 0x22]).write(to: URL(fileURLWithPath: "\(folder)/vae/config.json")) },
                "UTF-8"
            ),
            (
                { folder in
                    try FileManager.default.removeItem(atPath: "\(folder)/unet")
                    try FileManager.default.copyItem(atPath: "\(other)/unet", toPath: "\(folder)/unet")
                }, "different models"
            ),
        ]
        for (index, entry) in cases.enumerated() {
            let error = try refused(entry.change)
            #expect(error?.description.contains(entry.says) == true, "\(index): \(String(describing: error))")
        }
    }
}
