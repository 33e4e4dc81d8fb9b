import Basics
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Files of torch.save")
struct TorchFileTests {
    static let goldenFiles = ["archive.pt", "archive-protocol-4.pt", "stream.pt", "stream-protocol-4.pt"]
    static let floats: [(String, [Int])] = [
        ("scalar", []), ("none", [3, 0, 2]), ("matrix", [5, 7]), ("half", [3, 3, 3]), ("brain", [4, 9]), ("double", [2, 2]),
        ("Å \"quoted\"", [2]), ("parameter", [3, 2]), ("transposed", [4, 3]), ("permuted", [3, 5, 2]),
        ("channels last", [2, 3, 4, 5]), ("behind", [4]), ("shared", [5, 7]), ("row", [7]),
    ]

    @Test("archives and streams are read in all types, with views and shared storages", arguments: goldenFiles)
    func everything(_ name: String) throws {
        let checkpoint = try Checkpoint(path: GoldenFile("torch/\(name)", in: .module).path)
        #expect(checkpoint.names.count == 21)
        for (name, shape) in Self.floats {
            let tensor = try checkpoint.tensor(named: name, expecting: shape)
            #expect(tensor.values == GoldenValues.floats(shape.reduce(1, *)), "\(name)")
        }
        for (name, count) in [("i64", 77), ("i32", 6), ("i16", 6), ("i8", 6), ("u8", 7), ("every other", 6)] {
            #expect(try checkpoint.integers(named: name) == GoldenValues.integers(count), "\(name)")
        }
        #expect(try checkpoint.integers(named: "truth") == [1, 0, 0, 1, 0])
        #expect(checkpoint.entry(named: "half")?.elementType == .float16)
        #expect(checkpoint.entry(named: "transposed")?.strides == [1, 4])
        #expect(checkpoint.entry(named: "shared")?.byteRange == checkpoint.entry(named: "matrix")?.byteRange)
        checkpoint.releasePages()
        #expect(throws: CheckpointError.self) { try checkpoint.tensor(named: "i64", expecting: [1, 77]) }
        #expect(throws: CheckpointError.self) { try checkpoint.check("matrix", expecting: [7, 5]) }
    }

    @Test("a checkpoint converted to safetensors has the same tensors, with the same types", arguments: goldenFiles)
    func conversion(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let checkpoint = try Checkpoint(path: GoldenFile("torch/\(name)", in: .module).path)
        let path = directory.file("converted.safetensors")
        try checkpoint.writeSafetensors(to: .scratch(path), metadata: ["source": name])
        let converted = try Checkpoint(path: path)
        #expect(converted.names == checkpoint.names)
        #expect(converted.files[0].metadata == ["format": "pt", "source": name])
        for name in checkpoint.names {
            let (before, after) = try (#require(checkpoint.entry(named: name)), #require(converted.entry(named: name)))
            #expect(before.elementType == after.elementType && before.shape == after.shape && after.strides == nil)
            if before.elementType.isFloat {
                let values = try checkpoint.tensor(named: name, expecting: before.shape).values
                #expect(try converted.tensor(named: name, expecting: before.shape).values == values)
            } else {
                let integers = try checkpoint.integers(named: name)
                #expect(try converted.integers(named: name) == integers)
            }
        }
    }

    @Test("a state dictionary beside an optimizer's state and an epoch is found")
    func nested() throws {
        let checkpoint = try Checkpoint(path: GoldenFile("torch/nested.pt", in: .module).path)
        #expect(checkpoint.names == ["module.bias", "module.weight"])
        #expect(try checkpoint.tensor(named: "module.weight", expecting: [2, 3]).values == GoldenValues.floats(6))
    }

    @Test(
        "what PyTorch Lightning, numpy and OmegaConf leave beside the tensors is passed over",
        arguments: ["lightning.ckpt", "lightning-protocol-4.ckpt"])
    func lightning(_ name: String) throws {
        let checkpoint = try Checkpoint(path: GoldenFile("torch/\(name)", in: .module).path)
        #expect(checkpoint.names == ["module.bias", "module.weight"])
        #expect(try checkpoint.tensor(named: "module.weight", expecting: [2, 3]).values == GoldenValues.floats(6))
    }

    @Test(
        "what torch.save also writes, and is no dictionary of plain tensors, is refused for what it is",
        arguments: [
            ("expanded.pt", "an expanded view of fewer elements"), ("complex.pt", "'torch.ComplexFloatStorage'"),
            ("negative.pt", "a conjugate or negative bit"), ("module.pt", "'torch.nn.modules.linear.Linear'"),
            ("list.pt", "something else than a dictionary"), ("script.pt", "TorchScript"),
        ])
    func refusals(name: String, expected: String) throws {
        let path = try GoldenFile("torch/\(name)", in: .module).path
        let error = try #require(#expect(throws: CheckpointError.self) { try TorchFile(path: path) })
        #expect(error.code == .unsupported && error.message.contains(expected), "\(error)")
    }

    @Test("files written by hand are read, so that what is wrong in the next tests is what they change")
    func handmade() throws {
        let directory = try TemporaryDirectory()
        for bytes in [HandmadePickle.archive(HandmadePickle.dictionary()), HandmadePickle.stream(HandmadePickle.dictionary())] {
            let checkpoint = try Checkpoint(path: directory.write("handmade.pt", bytes))
            #expect(try checkpoint.tensor(named: "a", expecting: [2, 2]).values == [0, 1, 2, 3])
        }
    }

    @Test("archives whose parts do not fit each other are refused")
    func damagedArchives() throws {
        let directory = try TemporaryDirectory()
        let pickle = HandmadePickle.dictionary()
        let whole = HandmadePickle.archive(pickle)
        for (bytes, expected) in [
            (HandmadePickle.archive(pickle, storages: [:]), "lacks the storage '0'"),
            (HandmadePickle.archive(pickle, storages: ["0": [1, 2, 3]]), "has 3 bytes for the storage '0' of 4 elements"),
            (HandmadePickle.archive(pickle, storages: ["0": Array(repeating: 0, count: 17)]), "has 17 bytes"),
            (HandmadePickle.archive(pickle, method: 8), "compressed"),
            (Array(whole.dropLast(1)), "end is missing"), (Array(whole.prefix(200)), "end is missing"),
            (whole.replacing(Array("little".utf8), with: Array("bigger".utf8)), "big-endian"),
            (whole.replacing(Array("model/data.pkl".utf8), with: Array("model/other.dt".utf8)), "without the data.pkl"),
            (whole.replacing(Array("model/byteorder".utf8), with: Array("archive/data.pk".utf8)), nil),
            (whole.replacing(Array("model/data/0".utf8), with: Array("model/data/1".utf8)), "lacks the storage '0'"),
        ] as [([UInt8], String?)] {
            let path = try directory.write("damaged.pt", bytes)
            guard let expected else {
                #expect(throws: Never.self) { try Checkpoint(path: path) }
                continue
            }
            let error = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
            #expect(error.message.contains(expected), "\(error)")
        }
    }

    @Test("streams whose parts do not fit each other are refused")
    func damagedStreams() throws {
        let directory = try TemporaryDirectory()
        let pickle = HandmadePickle.dictionary()
        let whole = HandmadePickle.stream(pickle)
        let four = HandmadePickle.little(4, 8)
        for (bytes, expected) in [
            (Array(whole.dropLast()), "has 15 bytes for the storage '0' of 4 elements"), (whole + [0], "goes on after its last"),
            (HandmadePickle.stream(pickle, storages: HandmadePickle.little(5, 8) + HandmadePickle.storage), "of another length"),
            (HandmadePickle.stream(pickle, storages: [1, 2]), "where more should follow"),
            (HandmadePickle.stream(pickle, keys: [], storages: []), "lacks the storage '0'"),
            (HandmadePickle.stream(pickle, keys: ["1"]), "that no tensor uses"),
            (
                HandmadePickle.stream(
                    pickle, keys: ["0", "0"], storages: four + HandmadePickle.storage + four + HandmadePickle.storage),
                "or one twice"
            ),
            (Array(whole.dropFirst(15)), "magic number"),
            (whole.replacing([0x4D, 0xE9, 3], with: [0x4D, 0xE8, 3]), "of a version"),
            (whole.replacing([0x88, 0x73], with: [0x89, 0x73]), "little-endian"),
            ([0x80, 2, 0x28, 0x28, 0x28, 0x28, 0x74, 0x28, 0x2E], "in place of one"),
            ([0x80, 9] + [UInt8](repeating: 0x4B, count: 9), "is not a safetensors file"),
        ] {
            let path = try directory.write("damaged.pt", bytes)
            let error = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
            #expect(error.message.contains(expected), "\(error)")
        }
    }
}
