import Basics
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Sharded checkpoints")
struct ShardedCheckpointTests {
    /// A copy of the sharded golden checkpoint, with another index if one is given; returns the path of the index.
    private func copy(into directory: TemporaryDirectory, index: String? = nil) throws -> String {
        for name in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
            try directory.write(name, GoldenFile(name, in: .module).bytes())
        }
        let original = try String(decoding: GoldenFile("model.safetensors.index.json", in: .module).bytes(), as: UTF8.self)
        return try directory.write("model.safetensors.index.json", (index ?? original).utf8)
    }

    @Test("shards are read as one checkpoint, and found by the stem of their names")
    func shards() throws {
        let directory = try TemporaryDirectory()
        let path = try copy(into: directory)
        for checkpoint in try [Checkpoint(path: path), Checkpoint(folder: directory.path, stem: "model")] {
            #expect(checkpoint.names == ["a.weight", "b.weight", "c.weight"])
            #expect(try checkpoint.tensor(named: "a.weight", expecting: [2, 3]).values == GoldenValues.floats(6))
            #expect(try checkpoint.tensor(named: "c.weight", expecting: [3, 2]).values == GoldenValues.floats(6))
        }
    }

    @Test("a folder's checkpoint is the whole file, then the fp16 file, then the shards")
    func preference() throws {
        let directory = try TemporaryDirectory()
        _ = try copy(into: directory)
        try directory.write("model.fp16.safetensors", HandmadeFile.oneTensor())
        #expect(try Checkpoint(folder: directory.path, stem: "model").path.hasSuffix("model.fp16.safetensors"))
        try directory.write("model.safetensors", HandmadeFile.oneTensor())
        #expect(try Checkpoint(folder: directory.path, stem: "model").path.hasSuffix("/model.safetensors"))
        let error = try #require(
            #expect(throws: CheckpointError.self) { try Checkpoint(folder: directory.path, stem: "other") })
        #expect(error.message.contains("'other.safetensors'"))
    }

    @Test(
        "an index that its shards contradict is refused with the tensor's name",
        arguments: [
            ("\"c.weight\": \"model-00002", "\"c.weight\": \"../model-00002", "no safetensors file of the same folder"),
            ("\"c.weight\": \"model-00002", "\"c.weight\": \"/model-00002", "no safetensors file of the same folder"),
            (
                "\"c.weight\": \"model-00002", "\"c.weight\": \"model-00003",
                "'model-00003-of-00002.safetensors', which is missing"
            ),
            ("\"a.weight\": \"model-00001", "\"a.weight\": \"model-00002", "places tensor 'a.weight' in 'model-00002"),
            ("\"b.weight\": ", "\"d.weight\": ", "places tensor 'b.weight' nowhere"),
            ("\"weight_map\": {", "\"weight_map\": {\"x\": \"model-00002-of-00002.safetensors\",", "places tensor 'x' in"),
            ("weight_map", "weights", "no weight_map"),
            ("\"a.weight\"", "\"b.weight\"", "occurs twice"),
            (".safetensors\"", ".bin\"", "no safetensors file"),
        ])
    func contradictions(part: String, replacement: String, expected: String) throws {
        let directory = try TemporaryDirectory()
        let original = try String(decoding: GoldenFile("model.safetensors.index.json", in: .module).bytes(), as: UTF8.self)
        let path = try copy(into: directory, index: original.replacing(part, with: replacement))
        let error = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
        #expect(error.message.contains(expected), "\(error)")
    }

    @Test("a tensor that two shards hold is refused")
    func duplicate() throws {
        let directory = try TemporaryDirectory()
        let path = try copy(into: directory)
        try directory.write(
            "model-00002-of-00002.safetensors", GoldenFile("model-00001-of-00002.safetensors", in: .module).bytes())
        let error = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
        #expect(error.message.contains("holds it: files of different downloads are mixed"))
    }
}
