import Basics
import Checkpoints
import Glibc
import Tensors
import TestSupport
import Testing

@Suite("Safetensors files")
struct SafetensorsFileTests {
    @Test("a file of the reference implementation is read in all its types")
    func everything() throws {
        let checkpoint = try Checkpoint(path: GoldenFile("everything.safetensors", in: .module).path)
        #expect(checkpoint.names.count == 13)
        #expect(checkpoint.files[0].metadata == ["format": "pt"])
        for (name, shape) in [
            ("scalar", []), ("none", [3, 0, 2]), ("matrix", [5, 7]), ("half", [3, 3, 3]), ("brain", [4, 9]), ("double", [2, 2]),
        ] {
            let tensor = try checkpoint.tensor(named: name, expecting: shape)
            #expect(tensor.shape == shape)
            #expect(tensor.values == GoldenValues.floats(shape.reduce(1, *)), "\(name)")
        }
        #expect(try checkpoint.tensor(named: "Å \"quoted\"\\\n", expecting: [2]).values == GoldenValues.floats(2))
        for (name, count) in [("i64", 77), ("i32", 6), ("i16", 6), ("i8", 6), ("u8", 7)] {
            #expect(try checkpoint.integers(named: name) == GoldenValues.integers(count), "\(name)")
        }
        #expect(try checkpoint.integers(named: "truth") == [1, 0, 0, 1, 0])
        #expect(checkpoint.entry(named: "half")?.elementType == .float16)
        #expect(checkpoint.entry(named: "absent") == nil)
    }

    @Test("a tensor outlives its checkpoint, survives the release of its pages, and is copied when it is changed")
    func lifetime() throws {
        var tensor = try {
            let checkpoint = try Checkpoint(path: GoldenFile("everything.safetensors", in: .module).path)
            let tensor = try checkpoint.tensor(named: "matrix", expecting: [5, 7])
            checkpoint.releasePages(prefix: "mat")
            return tensor
        }()
        #expect(tensor.values == GoldenValues.floats(35))
        tensor.withUnsafeMutableBufferPointer { $0[0] = 7 }
        #expect(tensor.values[0] == 7)
        let again = try Checkpoint(path: GoldenFile("everything.safetensors", in: .module).path)
        #expect(try again.tensor(named: "matrix", expecting: [5, 7]).values == GoldenValues.floats(35))
    }

    @Test("float32 that is not aligned is read all the same")
    func unaligned() throws {
        let directory = try TemporaryDirectory()
        let header =
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}"#
        let bytes = HandmadeFile.bytes(header, data: 9)
        let checkpoint = try Checkpoint(path: directory.write("unaligned.safetensors", bytes))
        let expected = [0x0403_0201, 0x0807_0605].map { Float(bitPattern: UInt32($0)) }
        #expect(try checkpoint.tensor(named: "b", expecting: [2]).values == expected)
    }

    @Test("a missing tensor, another shape and another type are named")
    func mismatches() throws {
        let checkpoint = try Checkpoint(path: GoldenFile("everything.safetensors", in: .module).path)
        func message(_ name: String, _ shape: [Int]) throws -> String {
            try #require(#expect(throws: CheckpointError.self) { try checkpoint.tensor(named: name, expecting: shape) }).message
        }
        #expect(try message("nothing", [1]).contains("has no tensor 'nothing'"))
        #expect(try message("matrix", [7, 5]).contains("'matrix' has the shape [5, 7] where [7, 5] is expected"))
        #expect(try message("i64", [1, 77]).contains("'i64' has the type I64"))
        #expect(throws: CheckpointError.self) { try checkpoint.integers(named: "matrix") }
    }

    @Test(
        "a header that lies is refused by what is wrong in it",
        arguments: [
            ("[0,16]", "[0,12]", 16, "cannot have 12 bytes"),
            ("[0,16]", "[16,0]", 16, "before it begins"),
            ("[0,16]", "[4,20]", 20, "no tensor holds the bytes"),
            ("[0,16]", "[0,16,16]", 16, "lacks its dtype"),
            ("[0,16]", "[-1,15]", 16, "not negative"),
            ("[0,16]", "[0,1.6e1]", 16, "whole number"),
            ("[0,16]", "[0,99999999999999999999]", 16, "too large"),
            ("[0,16]", "[0,016]", 16, "begins with 0"),
            ("[2,2]", "[4294967296,4294967296,0]", 16, "cannot have 16 bytes"),
            ("[2,2]", "[9223372036854775807,4]", 16, "cannot have 16 bytes"),
            ("[2,2]", "[2,2,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 16, "17 axes"),
            ("[2,2]", "[2,null]", 16, "not negative"),
            ("F32", "F8_E4M3", 16, "type 'F8_E4M3'"),
            (#""F32""#, "32", 16, "text in quotes"),
            ("dtype", "type", 16, "unknown field 'type'"),
            (#""dtype":"F32","#, "", 16, "lacks its dtype"),
            (#""dtype":"F32","#, #""dtype":"F32","dtype":"F32","#, 16, "'dtype' occurs twice"),
            ("{\"weight", #"{"__metadata__":{"a":1},"weight"#, 16, "text in quotes"),
            ("{\"weight", " {\"weight", 16, "no header begins"),
            ("}}", "}}x", 16, "nothing more"),
            ("}}", "}", 16, "'}' is expected"),
            ("weight", "we\\u0000ight", 16, "no character"),
            ("weight", "we\\ud800ight", 16, "no character"),
            ("weight", "we\\u+123ight", 16, "hexadecimal"),
            ("weight", "we\\qight", 16, "means nothing"),
            ("weight", "we\0ight", 16, "control character"),
            ("", "", 12, "holds only 12 bytes of data"),
            ("", "", 17, "1 bytes follow the last tensor"),
        ])
    func lies(part: String, replacement: String, data: Int, expected: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("lie.safetensors", HandmadeFile.oneTensor(part, replacement, data: data))
        let error = try #require(#expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) })
        #expect(error.message.contains(expected), "\(error)")
        #expect(error.location == path)
    }

    @Test("a header whose length looks like the beginning of a pickle is read")
    func ambiguousLength() throws {
        let directory = try TemporaryDirectory()
        for count in [0x280, 0x380, 0x480, 0x580] {
            let header = #"{"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#
            let padded = header + String(repeating: " ", count: count - header.utf8.count)
            let path = try directory.write("padded.safetensors", HandmadeFile.bytes(padded, data: 16))
            #expect(try Checkpoint(path: path).names == ["weight"])
        }
    }

    @Test("the same file, as it should be, is read")
    func truth() throws {
        let directory = try TemporaryDirectory()
        let file = try SafetensorsFile(path: directory.write("truth.safetensors", HandmadeFile.oneTensor()))
        #expect(file.tensors.map(\.shape) == [[2, 2]])
    }

    @Test("two tensors that share bytes, or a name, are refused")
    func overlap() throws {
        let directory = try TemporaryDirectory()
        func message(_ header: String) throws -> String {
            let path = try directory.write("overlap.safetensors", HandmadeFile.bytes(header, data: 12))
            return try #require(#expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }).message
        }
        let first = #""a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}"#
        #expect(try message(#"{\#(first),"b":{"dtype":"I8","shape":[8],"data_offsets":[4,12]}}"#).contains("'b' begins at byte"))
        #expect(try message(#"{\#(first),"a":{"dtype":"I8","shape":[4],"data_offsets":[8,12]}}"#).contains("'a' occurs twice"))
    }

    @Test("names that are not UTF-8, headers without end and nesting without end are errors, not crashes")
    func hostileText() throws {
        let directory = try TemporaryDirectory()
        let opened: [[UInt8]] = [
            [UInt8](#"{""#.utf8) + [0xFF, 0xC0] + [UInt8](#"":{}}"#.utf8),
            [UInt8](#"{"a":"#.utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 200_000),
            [UInt8](#"{"__metadata__":"#.utf8) + [UInt8](repeating: UInt8(ascii: "{"), count: 200_000),
            [UInt8](#"{"a":{"shape":"#.utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 200_000),
            [UInt8](repeating: UInt8(ascii: "{"), count: 200_000), [UInt8](#"{"a"#.utf8), [UInt8](#"{"a\"#.utf8),
            [UInt8](#"{"a\u00"#.utf8),
            [], [0],
        ]
        for header in opened {
            let path = try directory.write("hostile.safetensors", HandmadeFile.bytes(header, data: 0))
            #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
        }
        let index = [UInt8](#"{"metadata":"#.utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 200_000)
        let path = try directory.write("hostile.safetensors.index.json", index)
        let error = try #require(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
        #expect(error.message.contains("nested too deep"))
    }

    @Test("a tensor's name cannot write to the terminal by way of an error")
    func controlCharacters() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("escape.safetensors", HandmadeFile.oneTensor("weight", "w\\u001b[31m\\u202e", data: 3))
        let error = try #require(#expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) })
        #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
    }

    @Test(
        "what is no safetensors file is named for what it is",
        arguments: [
            ("version https://git-lfs.github.com/spec/v1\n", "Git LFS"), ("PK\u{3}\u{4}archive/data.pkl", "PyTorch"),
            ("abc", "has 3 bytes"), ("", "has 0 bytes"), ("<!DOCTYPE html><html>", "is the limit"),
            ("\u{5}\0\0\0\0\0\0\0{}", "inside its header"),
        ])
    func otherFiles(content: String, expected: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("other.safetensors", content.utf8)
        let error = try #require(#expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) })
        #expect(error.message.contains(expected), "\(error)")
    }

    @Test("a file that is absent, and a folder, are refused")
    func absent() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: directory.path) }
        let error = try #require(#expect(throws: CheckpointError.self) { try SafetensorsFile(path: directory.file("no")) })
        #expect(error.code == .unreadable)
    }

    @Test("a file that is cut after it was opened gives an error where its tensors are asked for")
    func shrinking() throws {
        let directory = try TemporaryDirectory()
        let bytes = try GoldenFile("everything.safetensors", in: .module).bytes()
        let checkpoint = try Checkpoint(path: directory.write("cut.safetensors", bytes))
        let handle = try #require(fopen(directory.file("cut.safetensors"), "r+"))
        #expect(ftruncate(fileno(handle), 100) == 0)
        fclose(handle)
        for (name, shape) in [("matrix", [5, 7]), ("half", [3, 3, 3])] {
            let error = try #require(
                #expect(throws: CheckpointError.self) { try checkpoint.tensor(named: name, expecting: shape) })
            #expect(error.code == .truncated)
        }
    }
}
