import Basics
import Checkpoints
import Diffusion
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Text encoder")
struct TextEncoderTests {
    private struct Prompt: Decodable { let prompt: String }

    /// A copy of a tiny model's text encoder.
    private func copy(_ model: String, into directory: TemporaryDirectory) throws -> String {
        let folder = directory.file("text_encoder")
        try FileManager.default.copyItem(atPath: GoldenFile("\(model)/model/text_encoder", in: .module).path, toPath: folder)
        return folder
    }

    @Test(
        "the contexts of a prompt and of the empty prompt are those of transformers, in both generations",
        arguments: [
            "sd1-tiny", "sd2-tiny",
        ])
    func contexts(model: String) throws {
        let golden = try Checkpoint(path: GoldenFile("\(model)/golden.safetensors", in: .module).path)
        let tokenizer = try Tokenizer(folder: GoldenFile("\(model)/model/tokenizer", in: .module).path)
        let encoder = try TextEncoder(folder: GoldenFile("\(model)/model/text_encoder", in: .module).path)
        let about = try Data(contentsOf: URL(fileURLWithPath: GoldenFile("\(model)/golden.json", in: .module).path))
        for (name, prompt) in [("empty", ""), ("prompt", try JSONDecoder().decode(Prompt.self, from: about).prompt)] {
            let identifiers = try tokenizer.encode(prompt)
            #expect(try identifiers == golden.integers(named: "tokens.\(name)"))
            let context = try encoder.encode(identifiers)
            #expect(try context.relativeError(to: golden.tensor("context.\(name)")) <= 2e-4)
        }
    }

    @Test("a token does not see what comes after it")
    func causality() throws {
        let encoder = try TextEncoder(folder: GoldenFile("sd1-tiny/model/text_encoder", in: .module).path)
        let channels = encoder.configuration.channels
        var identifiers = (0..<77).map { $0 * 7 % encoder.configuration.vocabularySize }
        let before = try encoder.encode(identifiers).values
        identifiers[40] = 3
        let after = try encoder.encode(identifiers).values
        #expect(before[..<(40 * channels)] == after[..<(40 * channels)])
        #expect(
            (40..<77).allSatisfy { before[$0 * channels..<($0 + 1) * channels] != after[$0 * channels..<($0 + 1) * channels] })
    }

    @Test("too few ids, and ids without an embedding, are refused")
    func identifiers() throws {
        let encoder = try TextEncoder(folder: GoldenFile("sd2-tiny/model/text_encoder", in: .module).path)
        let size = encoder.configuration.vocabularySize
        for identifiers in [
            [], [Int](repeating: 0, count: 76), [Int](repeating: size, count: 77), [Int](repeating: -1, count: 77),
        ] {
            #expect(throws: DiffusionError.self) { try encoder.encode(identifiers) }
        }
    }

    @Test(
        "weights that do not fit their config are refused with the tensor's name",
        arguments: [
            ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "'text_model.encoder.layers.3."),
            ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", "'text_model.encoder.layers.2."),
            ("\"hidden_size\": 12", "\"hidden_size\": 16", "has the shape"),
            ("\"intermediate_size\": 32", "\"intermediate_size\": 30", "mlp.fc1.bias' has the shape [32] where [30] is expected"),
            ("\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "does not divide hidden_size"),
            ("\"num_attention_heads\": 4", "\"num_attention_heads\": 0", "does not divide hidden_size"),
            ("\"hidden_act\": \"quick_gelu\"", "\"hidden_act\": \"relu\"", "hidden_act"),
            ("\"hidden_size\": 12", "\"hidden_size\": 1e30", "config.json"),
            ("\"max_position_embeddings\": 77", "\"max_position_embeddings\": 78", "max_position_embeddings"),
        ])
    func mismatches(part: String, replacement: String, expected: String) throws {
        let directory = try TemporaryDirectory()
        let folder = try copy("sd1-tiny", into: directory)
        let original = try String(contentsOf: URL(fileURLWithPath: "\(folder)/config.json"), encoding: .utf8)
        try #require(original.contains(part))
        try directory.write("text_encoder/config.json", original.replacing(part, with: replacement).utf8)
        let error = try #require(#expect(throws: DiffusionError.self) { try TextEncoder(folder: folder) })
        #expect(error.description.contains(expected), "\(error)")
    }

    @Test("weights without the prefix of their file are read too")
    func noPrefix() throws {
        let directory = try TemporaryDirectory()
        let folder = try copy("sd1-tiny", into: directory)
        let original = try Checkpoint(folder: folder, stem: "model")
        let entries = original.files[0].tensors.filter { $0.elementType == .float16 }
        let prefix = "text_model.".count
        let writer = try SafetensorsWriter(
            .scratch("\(folder)/model.safetensors"), tensors: entries.map { .init(String($0.name.dropFirst(prefix)), $0.shape) })
        for entry in entries {
            try writer.write(
                original.tensor(named: entry.name, expecting: entry.shape), named: String(entry.name.dropFirst(prefix)))
        }
        try writer.finish()
        let identifiers = [Int](repeating: 5, count: 77)
        let expected = try TextEncoder(folder: GoldenFile("sd1-tiny/model/text_encoder", in: .module).path).encode(identifiers)
        #expect(try TextEncoder(folder: folder).encode(identifiers).values == expected.values)
    }
}
