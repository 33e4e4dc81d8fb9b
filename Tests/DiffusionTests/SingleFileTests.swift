import Basics
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Diffusion

@Suite("A model in one file")
struct SingleFileTests {
    private struct Prompt: Decodable { let prompt: String }

    private func open(_ path: String, _ generation: Int, tokenizer: String? = nil) throws -> DiffusionModel {
        let file = try #require(try SingleFile(path: path, tokenizer: tokenizer))
        return DiffusionModel(try ModelParts(file, conventions: OriginalFile.conventions(generation)), residency: .streamed)
    }

    private func digest(_ path: String, _ generation: Int, tokenizer: String? = nil) throws -> Digest {
        let file = try #require(try SingleFile(path: path, tokenizer: tokenizer))
        var hash = SHA256()
        try file.update(&hash, file.layout(OriginalFile.conventions(generation)))
        return hash.digest
    }

    @Test("gives in every bit what the folder of diffusers gives", arguments: [1, 2], OriginalFile.Form.all)
    func parity(generation: Int, form: OriginalFile.Form) throws {
        let directory = try TemporaryDirectory()
        let original = try OriginalFile(generation)
        let folder = try original.model.folder()
        let expected = try DiffusionModel(folder: folder)
        let model = try open(original.write(form, into: directory), generation, tokenizer: folder)
        try model.verify()
        #expect(model.unet.configuration == expected.unet.configuration)
        #expect(model.autoencoder.configuration == expected.autoencoder.configuration)
        #expect(model.schedule.cumulativeAlphas == expected.schedule.cumulativeAlphas)

        let about = try Data(contentsOf: URL(fileURLWithPath: GoldenFile("\(original.model.name)/golden.json", in: .module).path))
        for prompt in ["", try JSONDecoder().decode(Prompt.self, from: about).prompt] {
            #expect(try model.context(for: prompt).values == expected.context(for: prompt).values)
        }
        let pixels = (0..<64 * 64).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
        let (latent, other) = try (
            model.encode(gray: pixels, height: 64, width: 64), expected.encode(gray: pixels, height: 64, width: 64)
        )
        #expect(latent.mean.values == other.mean.values && latent.logVariance.values == other.logVariance.values)
        let context = try expected.context(for: "")
        let features = try model.attention(latent.mode, timesteps: [10, 200], context: context, seed: 1)
        let others = try expected.attention(latent.mode, timesteps: [10, 200], context: context, seed: 1)
        #expect(features.affinities.count == others.affinities.count && !features.affinities.isEmpty)
        for (affinity, other) in zip(features.affinities, others.affinities) {
            #expect(affinity.matrix().values == other.matrix().values)
        }
    }

    @Test("with the groups and heads of the published models, needs nothing but the file")
    func published() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("small.safetensors", OneFileModel.bytes())
        let model = try DiffusionModel(path: path)
        try model.verify()
        #expect(model.unet.configuration.heads == [8, 8] && model.unet.configuration.normGroups == 32)
        #expect(model.imageSideFactor == 4)
        #expect(
            model.summary
                == "Stable Diffusion 1 in one file: U-Net of 32, 32 channels, 8 heads and a context of 8, autoencoder of 32, 32 "
                + "channels, text: CLIP of 1 layers and 8 channels, no tokenizer, so the empty prompt only")
    }

    @Test("maps float32 without a copy, also the thirds of a joined projection")
    func mapping() throws {
        let directory = try TemporaryDirectory()
        let original = try OriginalFile(2)
        let file = try #require(try SingleFile(path: original.write(into: directory)))
        let checkpoint = try #require(try file.layout(original.conventions).text).checkpoint
        let query = try #require(checkpoint.entry(named: "encoder.layers.0.self_attn.q_proj.weight"))
        let key = try #require(checkpoint.entry(named: "encoder.layers.0.self_attn.k_proj.weight"))
        #expect(query.shape == [16, 16] && query.strides == nil && key.byteRange.lowerBound == query.byteRange.upperBound)
        let joined = try #require(original.tensors["cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"]).values
        #expect(try checkpoint.tensor(named: key.name, expecting: [16, 16]).values == Array(joined[256..<512]))
    }

    @Test(
        "the tokenizer is the given one, or stands beside the file; without one only the empty prompt is known",
        arguments: [1, 2])
    func tokenizers(generation: Int) throws {
        let directory = try TemporaryDirectory()
        let original = try OriginalFile(generation)
        let folder = try original.model.folder()
        let path = try original.write(into: directory)
        let expected = try DiffusionModel(folder: folder)
        let bare = try open(path, generation)
        #expect(try bare.context(for: "").values == expected.context(for: "").values)
        #expect(bare.summary.contains("no tokenizer"))
        let error = try #require(#expect(throws: DiffusionError.self) { try bare.context(for: "a cell") })
        #expect(error.code == .invalidInput && error.message.contains("vocab.json"), "\(error)")
        let wrong = try #require(#expect(throws: DiffusionError.self) { try open(path, generation, tokenizer: "\(folder)/unet") })
        #expect(wrong.message.contains("vocab.json and merges.txt"))

        let context = try expected.context(for: "a horse!").values
        #expect(try open(path, generation, tokenizer: "\(folder)/tokenizer").context(for: "a horse!").values == context)
        // Two files are enough: what the special tokens are follows from the generation.
        try directory.write("vocab.json", Data(contentsOf: URL(fileURLWithPath: "\(folder)/tokenizer/vocab.json")))
        try directory.write("merges.txt", Data(contentsOf: URL(fileURLWithPath: "\(folder)/tokenizer/merges.txt")))
        #expect(try open(path, generation).context(for: "a horse!").values == context)
        // A folder with the file and a tokenizer, and without unet, means the file.
        #expect(try open(directory.path, generation).context(for: "a horse!").values == context)
        #expect(try SingleFile(path: folder) == nil)
        #expect(throws: DiffusionError.self) { try DiffusionModel(path: folder, tokenizer: "\(folder)/tokenizer") }
    }

    @Test("the digest depends on the tensors that are used and on the tokenizer, and on nothing else", arguments: [1, 2])
    func digests(generation: Int) throws {
        let directory = try TemporaryDirectory()
        var original = try OriginalFile(generation)
        let reference = try digest(original.write(into: directory), generation)
        #expect(try digest(original.write(OriginalFile.Form.all[2], into: directory, name: "a/b"), generation) == reference)
        original.tensors["model_ema.decay"] = Tensor(shape: [])
        original.tensors["first_stage_model.decoder.conv_in.weight"] = Tensor(shape: [1])
        original.tensors["optimizer"] = Tensor(shape: [3])
        original.tensors["alphas_cumprod"] = nil
        #expect(try digest(original.write(into: directory, name: "others"), generation) == reference)
        let tokenizer = try "\(original.model.folder())/tokenizer"
        #expect(try digest(directory.file("others.safetensors"), generation, tokenizer: tokenizer) != reference)
        let half = try digest(original.write(OriginalFile.Form.all[1], into: directory, name: "half"), generation)
        #expect(half != reference)
        let name = "model.diffusion_model.output_blocks.11.0.out_layers.3.bias"
        var values = try #require(original.tensors[name]).values
        values[0] += 1
        original.tensors[name] = Tensor(shape: [values.count], values: values)
        #expect(try digest(original.write(into: directory, name: "changed"), generation) != reference)
    }

    @Test("tensors that are missing, of other shapes, or that no network has are named as the file names them")
    func flaws() throws {
        let directory = try TemporaryDirectory()
        func error(_ generation: Int = 1, _ change: (inout [String: Tensor]) -> Void) throws -> DiffusionError {
            var original = try OriginalFile(generation)
            change(&original.tensors)
            let path = try original.write(into: directory)
            return try #require(#expect(throws: DiffusionError.self) { try open(path, generation).verify() })
        }
        let bias = "model.diffusion_model.input_blocks.4.0.skip_connection.bias"
        #expect(try error { $0[bias] = nil }.message.contains("has no tensor '\(bias)'"))
        let shape = try error { $0["model.diffusion_model.middle_block.1.norm.weight"] = Tensor(shape: [7]) }
        #expect(
            shape.message.contains("'model.diffusion_model.middle_block.1.norm.weight' has the shape [7] where [8]"), "\(shape)")
        let surplus = try error { $0["model.diffusion_model.input_blocks.2.0.gate.weight"] = Tensor(shape: [7]) }
        #expect(surplus.message.contains("input_blocks.2.0.gate.weight', for which"), "\(surplus)")
        let joined = "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"
        let thirds = try error(2) { $0[joined] = Tensor(shape: [47, 16]) }
        #expect(thirds.message.contains("'\(joined)' has the shape [47, 16], which cannot be divided into 3"), "\(thirds)")
        let without = try error { tensors in tensors = tensors.filter { !$0.key.hasPrefix("first_stage_model.") } }
        #expect(without.message.contains("without its autoencoder"), "\(without)")
        let silent = try error { tensors in tensors = tensors.filter { !$0.key.hasPrefix("cond_stage_model.") } }
        #expect(silent.message.contains("no text encoder"), "\(silent)")
        // The published numbers of groups and heads do not divide the tiny channels.
        let path = try OriginalFile(1).write(into: directory)
        let tiny = try #require(#expect(throws: DiffusionError.self) { try DiffusionModel(path: path) })
        #expect(tiny.message.contains("32 groups"), "\(tiny)")
    }

    @Test(
        "models of other kinds are refused by what they are",
        arguments: [
            ("conditioner.embedders.0.transformer.text_model.embeddings.position_ids", [1], "Stable Diffusion XL"),
            ("model.diffusion_model.label_emb.0.0.weight", [8, 8], "Stable Diffusion XL"),
            ("model.diffusion_model.joint_blocks.0.context_block.attn.proj.weight", [4], "Stable Diffusion 3"),
            ("double_blocks.0.img_attn.norm.key_norm.scale", [4], "Flux"),
            ("model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale", [4], "Flux"),
            ("model.diffusion_model.input_blocks.0.0.weight", [4, 9, 3, 3], "inpainting"),
            ("model.diffusion_model.input_blocks.0.0.weight", [4, 8, 3, 3], "edits images"),
            ("model.diffusion_model.input_blocks.0.0.weight", [4, 5, 3, 3], "depth"),
            ("model.diffusion_model.input_blocks.1.1.time_stack.0.norm1.weight", [4], "videos"),
            ("control_model.input_hint_block.0.weight", [4], "ControlNet"),
            ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", [4, 4], "LoRA"),
            ("down_blocks.0.resnets.0.norm1.weight", [4], "one part of a folder"),
            ("encoder.down.0.block.0.conv1.weight", [4], "autoencoder alone"),
            ("text_model.embeddings.token_embedding.weight", [4], "text encoder"), ("weight", [4], "no U-Net"),
            ("model.diffusion_model.input_blocks.0.0.weight", [4, 4, 3, 3], "without its autoencoder"),
        ])
    func foreign(name: String, shape: [Int], says: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("foreign.safetensors")
        let writer = try SafetensorsWriter(.scratch(path), tensors: [.init(name, shape)])
        try writer.write(Tensor(shape: shape), named: name)
        try writer.finish()
        let error = try #require(#expect(throws: DiffusionError.self) { try DiffusionModel(path: path) })
        #expect(error.code == .unsupported && error.message.contains(says), "\(error)")
    }

    @Test("files that are no weights, and paths where nothing is, are refused with a sentence")
    func nothing() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.file("none.ckpt"), directory.path, try directory.write("empty.ckpt", [])] {
            let error = try #require(#expect(throws: DiffusionError.self) { try DiffusionModel(path: path) })
            #expect(!error.message.isEmpty)
        }
    }

    @Test("weights of torch.save in a folder of diffusers are read where there are no safetensors, whole or in shards")
    func pickledFolder() throws {
        let directory = try TemporaryDirectory()
        let source = try GoldenModel.all[0].folder()
        let folder = directory.file("model")
        try FileManager.default.copyItem(atPath: source, toPath: folder)
        for (part, name, pickled) in [
            ("unet", "diffusion_pytorch_model.fp16", "diffusion_pytorch_model.fp16.bin"),
            ("vae", "diffusion_pytorch_model.fp16", "diffusion_pytorch_model-00001-of-00001.bin"),
            ("text_encoder", "model.fp16", "pytorch_model.bin"),
        ] {
            let path = "\(folder)/\(part)/\(name).safetensors"
            // The pickle of this test has floats only.
            try? FileManager.default.removeItem(atPath: directory.file("floats.safetensors"))
            let checkpoint = try Checkpoint(path: path)
            let floats = directory.file("floats.safetensors")
            try checkpoint.renamed(
                Dictionary(
                    uniqueKeysWithValues: checkpoint.names.filter { checkpoint.entry(named: $0)?.elementType.isFloat == true }.map
                    {
                        ($0, TensorView($0))
                    })
            ).writeSafetensors(to: .scratch(floats))
            try PickledFile.write(Checkpoint(path: floats), to: "\(folder)/\(part)/\(pickled)")
            if part == "vae" {
                let map = try Checkpoint(path: floats).names.map { "\"\($0)\": \"\(pickled)\"" }.joined(separator: ", ")
                try directory.write("model/vae/diffusion_pytorch_model.bin.index.json", "{\"weight_map\": {\(map)}}".utf8)
            }
            try FileManager.default.removeItem(atPath: path)
        }
        try directory.write("model/safety_checker/pytorch_model.bin", [1, 2, 3])
        let model = try DiffusionModel(path: folder)
        try model.verify()
        #expect(DiffusionFolder.pickledParts(of: folder) == ["unet", "vae", "text_encoder"])
        #expect(DiffusionFolder.pickledParts(of: source).isEmpty)
        #expect(try model.context(for: "").values == DiffusionModel(folder: source).context(for: "").values)
    }
}
