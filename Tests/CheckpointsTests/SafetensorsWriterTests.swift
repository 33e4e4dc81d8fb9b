import Basics
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Writing safetensors files")
struct SafetensorsWriterTests {
    @Test("what is written is read back: float32 bit by bit, float16 rounded to the nearest half")
    func roundTrip() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("out.safetensors")
        let values = (0..<30).map { Float(sin(Double($0))) }
        let metadata = ["made by": "a \"test\"\n\u{1}Å", "format": "pt"]
        let writer = try SafetensorsWriter(
            .scratch(path),
            tensors: [
                .init("odd halves", [3], .float16), .init("z/…\"\\", [5, 3, 2]), .init("a", [30]), .init("scalar", []),
                .init("none", [0, 4]), .init("halves", [30], .float16),
            ], metadata: metadata)
        try writer.write(Tensor(shape: [30], values: values), named: "halves")
        try writer.write(Tensor(shape: [30], values: values), named: "a")
        try writer.write(Tensor(shape: [5, 3, 2], values: values), named: "z/…\"\\")
        try writer.write(Tensor(shape: [], values: [-0.0]), named: "scalar")
        try writer.write(Tensor(shape: [0, 4], values: []), named: "none")
        #expect(!FileManager.default.fileExists(atPath: path))
        try writer.write(Tensor(shape: [3], values: [65_504, 1e-8, .nan]), named: "odd halves")
        try writer.finish()

        let checkpoint = try Checkpoint(path: path)
        #expect(checkpoint.files[0].metadata == metadata)
        #expect(try checkpoint.tensor(named: "a", expecting: [30]).values == values)
        #expect(try checkpoint.tensor(named: "z/…\"\\", expecting: [5, 3, 2]).values == values)
        #expect(try checkpoint.tensor(named: "scalar", expecting: []).values[0].sign == .minus)
        let halves = try checkpoint.tensor(named: "halves", expecting: [30]).values
        #expect(zip(halves, values).allSatisfy { abs($0 - $1) <= abs($1) / 2048 })
        let odd = try checkpoint.tensor(named: "odd halves", expecting: [3]).values
        #expect(odd[0] == 65_504 && odd[1] == 0 && odd[2].isNaN)
        #expect(checkpoint.files[0].tensors.allSatisfy { $0.byteRange.lowerBound % $0.elementType.byteCount == 0 })
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["out.safetensors"])
    }

    @Test("a golden file that is read and written again has the same bytes as one the reference implementation writes")
    func sameLayout() throws {
        let directory = try TemporaryDirectory()
        let name = "model-00001-of-00002.safetensors"
        let golden = try Checkpoint(path: GoldenFile(name, in: .module).path)
        let declarations = golden.files[0].tensors.reversed().map {
            SafetensorsWriter.Declaration($0.name, $0.shape, $0.elementType)
        }
        let writer = try SafetensorsWriter(.scratch(directory.file(name)), tensors: declarations, metadata: ["format": "pt"])
        for entry in golden.files[0].tensors {
            try writer.write(golden.tensor(named: entry.name, expecting: entry.shape), named: entry.name)
        }
        try writer.finish()
        #expect(
            try [UInt8](Data(contentsOf: URL(fileURLWithPath: directory.file(name)))) == GoldenFile(name, in: .module).bytes())
    }

    @Test("an unfinished file leaves nothing behind, and the old one in place")
    func unfinished() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("out.safetensors", [1, 2, 3])
        do {
            let writer = try SafetensorsWriter(.scratch(path), tensors: [.init("a", [1]), .init("b", [1])])
            try writer.write(Tensor(shape: [1]), named: "a")
            let error = try #require(#expect(throws: CheckpointError.self) { try writer.finish() })
            #expect(error.message.contains("'b'"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["out.safetensors"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
    }

    @Test("what the format or the declaration does not allow is refused")
    func refusals() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("out.safetensors")
        for tensors: [SafetensorsWriter.Declaration] in [
            [.init("a", [1]), .init("a", [2])], [.init("__metadata__", [1])], [.init("a\0", [1])], [.init("a", [-1])],
            [.init("a", [1], .int64)], [.init("a", [Int.max, 3])], [.init("a", [Int.max / 8]), .init("b", [Int.max / 8])],
        ] {
            #expect(throws: CheckpointError.self) { _ = try SafetensorsWriter(.scratch(path), tensors: tensors) }
        }
        #expect(throws: CheckpointError.self) { _ = try SafetensorsWriter(.scratch(directory.file("no/out")), tensors: []) }
        let writer = try SafetensorsWriter(.scratch(path), tensors: [.init("a", [2])])
        #expect(throws: CheckpointError.self) { try writer.write(Tensor(shape: [2]), named: "b") }
        #expect(throws: CheckpointError.self) { try writer.write(Tensor(shape: [1, 2]), named: "a") }
        try writer.write(Tensor(shape: [2]), named: "a")
        try writer.finish()
        #expect(throws: CheckpointError.self) { try writer.write(Tensor(shape: [2]), named: "a") }
    }

    @Test("a full disk is said to be full", .enabled(if: SmallDisk.isPermitted, "this process may not mount a file system"))
    func fullDisk() throws {
        let disk = try SmallDisk(megabytes: 1)
        let writer = try SafetensorsWriter(.scratch("\(disk.path)/out.safetensors"), tensors: [.init("a", [1 << 20])])
        let error = try #require(
            #expect(throws: CheckpointError.self) { try writer.write(Tensor(shape: [1 << 20], repeating: 1), named: "a") })
        #expect(error.message.contains("full"))
    }
}
