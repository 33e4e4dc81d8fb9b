import Basics
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Checkpoints under other names")
struct CheckpointViewTests {
    private func golden(_ name: String) throws -> Checkpoint { try Checkpoint(path: GoldenFile(name, in: .module).path) }

    private func digest(_ checkpoint: Checkpoint) throws -> Digest {
        var hash = SHA256()
        try checkpoint.update(&hash)
        return hash.digest
    }

    @Test(
        "a view has the tensors that it names, with their values, and parts of their rows; also of strided tensors",
        arguments: ["torch/archive.pt", "torch/stream.pt"])
    func views(_ name: String) throws {
        let checkpoint = try golden(name)
        let view = try checkpoint.renamed([
            "a": TensorView("matrix"), "first": TensorView("transposed", part: .init(0, of: 2)),
            "second": TensorView("transposed", part: .init(1, of: 2)), "half": TensorView("half", part: .init(2, of: 3)),
            "last": TensorView("channels last", part: .init(1, of: 2)), "none": TensorView("none", part: .init(1, of: 3)),
        ])
        #expect(view.names == ["a", "first", "half", "last", "none", "second"])
        #expect(try view.tensor(named: "a", expecting: [5, 7]).values == GoldenValues.floats(35))
        let transposed = GoldenValues.floats(12)
        #expect(try view.tensor(named: "first", expecting: [2, 3]).values == Array(transposed[..<6]))
        #expect(try view.tensor(named: "second", expecting: [2, 3]).values == Array(transposed[6...]))
        #expect(try view.tensor(named: "half", expecting: [1, 3, 3]).values == Array(GoldenValues.floats(27)[18...]))
        #expect(try view.tensor(named: "last", expecting: [1, 3, 4, 5]).values == Array(GoldenValues.floats(120)[60...]))
        #expect(try view.tensor(named: "none", expecting: [1, 0, 2]).count == 0)
        view.releasePages()
        // Views of views, and a file of what is seen.
        let again = try view.renamed(["b": TensorView("first", part: .init(1, of: 2))])
        #expect(try again.tensor(named: "b", expecting: [1, 3]).values == Array(transposed[3..<6]))
        let directory = try TemporaryDirectory()
        try view.writeSafetensors(to: .scratch(directory.file("view.safetensors")))
        let written = try Checkpoint(path: directory.file("view.safetensors"))
        #expect(written.names == view.names)
        #expect(try digest(written) == digest(view))
    }

    @Test("errors name a tensor as the file does")
    func errors() throws {
        let checkpoint = try golden("torch/archive.pt")
        let missing = try #require(#expect(throws: CheckpointError.self) { try checkpoint.renamed(["a": TensorView("nothing")]) })
        #expect(missing.code == .missingTensor && missing.message.contains("'nothing'"), "\(missing)")
        for name in ["matrix", "scalar"] {
            let uneven = try #require(
                #expect(throws: CheckpointError.self) { try checkpoint.renamed(["a": TensorView(name, part: .init(0, of: 2))]) })
            #expect(uneven.code == .mismatchedTensor && uneven.message.contains("'\(name)' has the shape"), "\(uneven)")
        }
        let view = try checkpoint.renamed(["a": TensorView("matrix")])
        let shape = try #require(#expect(throws: CheckpointError.self) { try view.tensor(named: "a", expecting: [7, 5]) })
        #expect(shape.message.contains("'matrix'"), "\(shape)")
        let unknown = try #require(#expect(throws: CheckpointError.self) { try view.checkNames { _ in false } })
        #expect(unknown.message.contains("'matrix'"), "\(unknown)")
    }

    @Test("the hash of the tensors does not depend on the format, and depends on name, type, shape and values")
    func hashes() throws {
        let names = ["archive.pt", "archive-protocol-4.pt", "stream.pt", "stream-protocol-4.pt"]
        let digests = try names.map { try digest(golden("torch/\($0)")) }
        #expect(Set(digests).count == 1)
        let checkpoint = try golden("torch/archive.pt")
        func seen(_ name: String, as new: String = "a") throws -> Digest {
            try digest(checkpoint.renamed([new: TensorView(name)]))
        }
        #expect(try seen("matrix") == seen("shared"))
        #expect(try seen("matrix") != seen("matrix", as: "b"))
        #expect(try seen("i16") != seen("i32") && seen("matrix") != seen("row"))
    }

    @Test("files of torch.save are found in a folder after safetensors, and their shards read by an index")
    func pickledFolder() throws {
        let directory = try TemporaryDirectory()
        for name in ["archive.pt", "nested.pt"] {
            try directory.write(
                name == "archive.pt" ? "pytorch_model-1.bin" : "pytorch_model-2.bin",
                GoldenFile("torch/\(name)", in: .module).bytes())
        }
        let names = try golden("torch/archive.pt").names.map { ($0, 1) } + golden("torch/nested.pt").names.map { ($0, 2) }
        let map = names.map { name, shard in "\"\(name.replacing("\"", with: "\\\""))\": \"pytorch_model-\(shard).bin\"" }
        try directory.write("pytorch_model.bin.index.json", "{\"weight_map\": {\(map.joined(separator: ", "))}}".utf8)
        let shards = try Checkpoint(folder: directory.path, stem: "model", pickledStem: "pytorch_model")
        #expect(shards.path.hasSuffix("pytorch_model.bin.index.json") && shards.names.count == 23)
        #expect(try shards.tensor(named: "module.weight", expecting: [2, 3]).values == GoldenValues.floats(6))
        try directory.write("pytorch_model.fp16.bin", HandmadePickle.archive(HandmadePickle.dictionary()))
        #expect(try Checkpoint(folder: directory.path, stem: "model", pickledStem: "pytorch_model").names == ["a"])
        try directory.write("model.safetensors.index.fp16.json", "{\"weight_map\": {\"a\": \"pytorch_model.fp16.bin\"}}".utf8)
        let mixed = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(folder: directory.path, stem: "model") })
        #expect(mixed.message.contains("no safetensors file"), "\(mixed)")
    }
}
