import Basics
import Checkpoints
import Tensors
import TestSupport
import Testing

private typealias Pickle = HandmadePickle

@Suite("Hostile pickles")
struct HostilePickleTests {
    private func error(_ pickle: [UInt8], storages: [String: [UInt8]] = ["0": Pickle.storage]) throws -> CheckpointError {
        let directory = try TemporaryDirectory()
        let path = try directory.write("hostile.pt", Pickle.archive(pickle, storages: storages))
        let error = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
        // The same in a stream.
        let other = try directory.write("hostile-stream.pt", Pickle.stream(pickle))
        #expect(throws: CheckpointError.self) { try Checkpoint(path: other) }
        #expect(error.location == path)
        return error
    }

    @Test("names of functions and classes are refused by name, however they are spelled")
    func names() throws {
        let command = Pickle.text("reboot") + [0x85, 0x52, 0x2E]
        for (module, name) in [
            ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "exec"), ("subprocess", "Popen"),
            ("torch", "load"), ("torch.hub", "load"), ("torch._utils", "_rebuild_tensor"), ("collections", "defaultdict"),
            ("torch", "UntypedStorage"), ("", ""),
        ] {
            let byGlobal = try error([0x80, 2] + Pickle.global(module, name) + command)
            let byStack = try error([0x80, 4] + Pickle.text(module) + Pickle.text(name) + [0x93] + command)
            for error in [byGlobal, byStack] {
                #expect(error.code == .unsupported && error.message.contains("the name '\(module).\(name)'"), "\(error)")
                #expect(error.message.contains("at byte "), "\(error)")
            }
        }
        let newLines = try error([0x80, 4] + Pickle.text("os\n") + Pickle.text("sys\u{1B}[31mtem") + [0x93] + command)
        #expect(!newLines.description.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test(
        "instructions that make objects of any class are refused by name and byte",
        arguments: [
            (0x69, "INST"), (0x6F, "OBJ"), (0x81, "NEWOBJ"), (0x92, "NEWOBJ_EX"), (0x82, "EXT1"), (0x83, "EXT2"), (0x84, "EXT4"),
            (0x50, "PERSID"), (0x8F, "EMPTY_SET"), (0x49, "INT"), (0x97, "NEXT_BUFFER"), (0x00, "0x0"), (0xFF, "0xff"),
        ])
    func instructions(opcode: Int, name: String) throws {
        let prefix = [0x80, 2] + Pickle.global("collections", "OrderedDict") + [0x29]
        let error = try error(prefix + [UInt8(opcode)] + Array("os\nsystem\n".utf8) + [0x2E])
        #expect(error.code == .unsupported && error.message.contains("the instruction \(name)"), "\(error)")
        // In the archive, the pickle begins behind a header of 30 bytes and its name.
        #expect(error.message.contains("at byte \(44 + prefix.count),"), "\(error)")
    }

    @Test("calls and states of what may be named are refused where they are not torch's")
    func calls() throws {
        let ordered = Pickle.global("collections", "OrderedDict")
        let rebuild = Pickle.global("torch._utils", "_rebuild_tensor_v2")
        for (instructions, expected) in [
            (Pickle.text("os.system") + [0x29, 0x52], "a call of what is no function"),
            (Pickle.global("torch", "FloatStorage") + [0x29, 0x52], "a call of a storage"),
            (ordered + Pickle.text("a") + [0x85, 0x52], "an OrderedDict of 1 arguments"),
            (ordered + [0x7D, 0x52], "a call of what is no function"),
            ([0x7D, 0x7D, 0x62], "no OrderedDict"), (ordered + [0x29, 0x52, 0x5D, 0x62], "no OrderedDict"),
            (Pickle.tensor() + [0x7D] + Pickle.text("__setstate__") + Pickle.text("x") + [0x73, 0x62], "no OrderedDict"),
            (ordered + [0x7D, 0x62], "no OrderedDict"),
            (rebuild + [0x29, 0x52], "no storage"), (rebuild + Pickle.number(1) + [0x85, 0x52], "no storage"),
            (Pickle.global("torch._utils", "_rebuild_parameter") + Pickle.number(1) + [0x85, 0x52], "no tensor"),
            (Pickle.text("x") + [0x51], "no storage"), ([0x29, 0x51], "no storage"),
        ] {
            let error = try error([0x80, 2] + instructions + [0x2E])
            #expect(error.message.contains(expected), "\(error)")
        }
    }

    @Test("a state of an OrderedDict is passed over, whatever its names")
    func state() throws {
        let directory = try TemporaryDirectory()
        let ordered = Pickle.global("collections", "OrderedDict") + [0x29, 0x52]
        let attributes = [0x7D] + Pickle.text("__setstate__") + Pickle.text("os.system") + [0x73, 0x62]
        let pickle = [0x80, 2] + ordered + Pickle.text("a") + Pickle.tensor() + [0x73] + attributes + [0x2E]
        #expect(try Checkpoint(path: directory.write("state.pt", Pickle.archive(pickle))).names == ["a"])
    }

    @Test("tensors that do not lie in their storages are refused")
    func views() throws {
        let shape = Pickle.number(2) + Pickle.number(2) + [0x86]
        let strides = Pickle.number(2) + Pickle.number(1) + [0x86]
        func strided(_ strides: [Int], offset: Int = 0, shape: [Int] = [2, 2]) -> [UInt8] {
            Pickle.number(offset) + [0x28] + shape.flatMap(Pickle.number) + [0x74, 0x28] + strides.flatMap(Pickle.number) + [0x74]
        }
        for replacement in [
            strided([2, 1], offset: 1), strided([3, 1]), strided([2, 2]), strided([2, 1], offset: -1),
            strided([-2, 1], offset: 2),
            strided([Int.max, Int.max]), strided([Int.max, 1]), strided([2, 1], offset: Int.max),
            strided([1, 1], shape: [Int.max, 2]),
            strided([0, 0], shape: [1 << 40, 1 << 40]), strided([0], shape: [5]), strided([1], shape: [2, 2]),
            strided([2, 1], shape: [-1, 2]),
            strided([1, 1], offset: 5, shape: [0, Int.max]),
            strided([Int](repeating: 1, count: 17), shape: [Int](repeating: 1, count: 17)),
        ] {
            let error = try error(Pickle.dictionary(Pickle.number(0) + shape + strides, replacement))
            #expect(error.message.contains("makes a tensor") || error.message.contains("an expanded view"), "\(error)")
        }
        let directory = try TemporaryDirectory()
        let empty = Pickle.dictionary(Pickle.number(0) + shape + strides, strided([1, 1], offset: 4, shape: [0, 3]))
        let checkpoint = try Checkpoint(path: directory.write("empty.pt", Pickle.archive(empty)))
        #expect(try checkpoint.tensor(named: "a", expecting: [0, 3]).count == 0)
    }

    @Test("storages of another type, length or kind than before, or than there is, are refused")
    func storages() throws {
        let cpu = Pickle.text("cpu") + Pickle.number(4)
        for (part, replacement, expected) in [
            (cpu, Pickle.text("cpu") + Pickle.number(1 << 62), "elements of type F32"),
            (cpu, Pickle.text("cpu") + Pickle.number(-4), "no storage"),
            (cpu, Pickle.text("cpu") + Pickle.number(4) + Pickle.text("view"), "a view of a storage"),
            (Pickle.global("torch", "FloatStorage"), Pickle.global("torch", "DoubleStorage"), "of type F64"),
            (Pickle.text("0"), Pickle.text("../0"), "lacks the storage"), (Pickle.text("0"), Pickle.number(0), "no storage"),
            (Pickle.text("storage"), Pickle.text("module"), "no storage"),
        ] {
            let error = try error(Pickle.dictionary(part, replacement))
            #expect(error.message.contains(expected), "\(error)")
        }
        let other = Pickle.tensor(
            replacing: Pickle.global("torch", "FloatStorage"), by: Pickle.global("torch", "IntStorage"))
        let both = [0x80, 2, 0x7D] + Pickle.text("a") + Pickle.tensor() + [0x73] + Pickle.text("b") + other + [0x73, 0x2E]
        #expect(try error(both).message.contains("another type or length than before"))
    }

    @Test("dictionaries without tensors, with a tensor twice, or under no text are refused")
    func dictionaries() throws {
        let tensor = Pickle.tensor()
        for (instructions, expected) in [
            ([0x7D], "holds no tensors"), ([0x4E], "something else than a dictionary"),
            (tensor, "something else than a dictionary"),
            ([0x7D] + Pickle.number(1) + tensor + [0x73], "no text"),
            ([0x7D] + Pickle.text("a") + tensor + [0x73] + Pickle.text("a") + tensor + [0x73], "twice"),
            ([0x7D] + Pickle.text("other") + [0x7D] + Pickle.text("a") + tensor + [0x73, 0x73], "holds no tensors"),
        ] {
            let error = try error([0x80, 2] + instructions + [0x2E])
            #expect(error.message.contains(expected), "\(error)")
        }
    }

    @Test("a stack that underflows, marks that are missing, and values that were never remembered are refused")
    func nonsense() throws {
        for instructions: [UInt8] in [
            [], [0x85], [0x28, 0x85], [0x74], [0x4E, 0x28], [0x4E, 0x4E], [0x68, 0], [0x6A, 1, 0, 0, 0x80], [0x71, 0], [0x94],
            [0x61],
            [0x4E, 0x61], [0x5D, 0x28, 0x4E, 0x73], [0x7D, 0x28, 0x4E, 0x75], [0x4E, 0x28, 0x4E, 0x65], [0x52], [0x51], [0x62],
            [0x93],
            [0x58, 0xFF, 0xFF, 0xFF, 0xFF], [0x58, 1, 0, 0, 0, 0xFF], [0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x8A, 200],
            [0x63] + [UInt8](repeating: 0x61, count: 5000), [0x4E, 0x4E, 0x93], [0x80, 1], [0x80, 77],
        ] {
            let error = try error([0x80, 2] + instructions + [0x2E])
            #expect([.malformed, .truncated, .unsupported].contains(error.code), "\(instructions): \(error)")
        }
    }

    @Test("nesting without end, lists in themselves and millions of values are errors, not crashes")
    func bombs() throws {
        let count = 3_000_000
        for (instructions, expected) in [
            ([UInt8](repeating: 0x5D, count: count), "more than"), ([UInt8](repeating: 0x28, count: count), "more than"),
            ([0x4E] + [UInt8](repeating: 0x85, count: count), "more than"),
            ([0x4E] + [UInt8](repeating: 0x94, count: count), "more than"),
            ([0x5D] + [UInt8](repeating: 0x5D, count: 500_000) + [UInt8](repeating: 0x61, count: 500_000), "something else"),
            ([0x5D, 0x94, 0x68, 0, 0x61], "something else"),
            ([0x7D, 0x94] + Pickle.text("model") + [0x68, 0, 0x73], "no tensors"),
        ] {
            let error = try error([0x80, 2] + instructions + [0x2E])
            #expect(error.message.contains(expected), "\(error)")
        }
    }
}
