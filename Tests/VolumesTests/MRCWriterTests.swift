import Basics
import Foundation
import TestSupport
import Testing
import Volumes

private let python = PythonProgram(running: "import mrcfile")

@Suite("An MRC writer")
struct MRCWriterTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func write<Value: VoxelScalar>(
        _ values: [Value], z: Int, y: Int, x: Int, voxelSize: VoxelSize? = VoxelSize(cubicInAngstroms: 7.84),
        labels: [String] = [],
        slicesAtOnce: Int = 1
    ) throws -> String {
        let path = directory.file("\(Value.scalarType).mrc")
        let shape = try #require(VolumeShape(z: z, y: y, x: x))
        let writer = try MRCWriter(path: path, shape: shape, scalarType: Value.scalarType, voxelSize: voxelSize, labels: labels)
        for first in stride(from: 0, to: z, by: slicesAtOnce) {
            let slices = try #require(VolumeShape(z: min(slicesAtOnce, z - first), y: y, x: x))
            let part = Array(values[first * y * x..<first * y * x + slices.count])
            let buffer = try #require(VoxelBuffer(shape: slices, values: part))
            try writer.append(buffer)
        }
        try writer.finish()
        return path
    }

    @Test("gives back what was written, in every mode", arguments: [1, 2, 5])
    func roundTrip(slicesAtOnce: Int) throws {
        func check<Value: VoxelScalar & Equatable>(_ values: [Value], mode: Int32) throws {
            let path = try write(values, z: 5, y: 3, x: 4, slicesAtOnce: slicesAtOnce)
            let volume = try MRCVolume(path: path)
            #expect(try volume.read(volume.shape.box).values(Value.self) == values)
            #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 7.84))
            #expect(volume.header.notes.isEmpty)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(bytes.count == 1024 + 60 * MemoryLayout<Value>.size)
            #expect(Array(bytes[12..<16]) == withUnsafeBytes(of: mode.littleEndian) { Array($0) })
        }
        try check((-30..<30).map { Int8($0 * 4) }, mode: 0)
        try check((-30..<30).map { Int16($0 * 1000) }, mode: 1)
        try check((-30..<30).map { Float($0) / 7 }, mode: 2)
        try check((0..<60).map { UInt16($0 * 1000) }, mode: 6)
        try check((-30..<30).map { Float16($0) / 7 }, mode: 12)
    }

    @Test("widens unsigned bytes, for which MRC has no mode")
    func unsignedBytes() throws {
        let volume = try MRCVolume(path: write((0..<60).map { UInt8($0 * 4) }, z: 5, y: 3, x: 4))
        #expect(volume.scalarType == .uint16)
        #expect(try volume.read(volume.shape.box).values(UInt16.self) == (0..<60).map { UInt16($0 * 4) })
    }

    @Test("writes the header of MRC2014, byte for byte")
    func header() throws {
        // 1, 2, 3, 4: mean 2.5, deviation √1.25.
        let size = VoxelSize(xInAngstroms: 2, yInAngstroms: 3, zInAngstroms: 4)
        let path = try write([1, 2, 3, 4] as [Float], z: 1, y: 2, x: 2, voxelSize: size, labels: ["Cellar", "µ"])
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)).prefix(1024))
        var expected = [UInt8](repeating: 0, count: 1024)
        func put(_ word: Int, _ value: Int32) {
            withUnsafeBytes(of: value.littleEndian) { expected.replaceSubrange(4 * (word - 1)..<4 * word, with: $0) }
        }
        func put(_ word: Int, _ value: Float) { put(word, Int32(bitPattern: value.bitPattern)) }
        for (word, value) in [1: 2, 2: 2, 3: 1, 4: 2, 8: 2, 9: 2, 10: 1, 17: 1, 18: 2, 19: 3, 23: 1, 28: 20141, 56: 2]
            as [Int: Int32]
        {
            put(word, value)
        }
        for (word, value) in [11: 4, 12: 6, 13: 4, 14: 90, 15: 90, 16: 90, 20: 1, 21: 4, 22: 2.5, 55: Float(1.25.squareRoot())]
            as [Int: Float]
        {
            put(word, value)
        }
        expected.replaceSubrange(208..<214, with: Array("MAP DD".utf8))
        expected.replaceSubrange(224..<230, with: Array("Cellar".utf8))
        expected.replaceSubrange(304..<306, with: Array("??".utf8))
        #expect(bytes == expected)
    }

    @Test("leaves statistics undetermined where a voxel is not a number")
    func notANumber() throws {
        let path = try write([1, .nan, 3, 4] as [Float], z: 1, y: 2, x: 2, voxelSize: nil)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let statistics = [76, 80, 84, 216].map { offset in
            Float(
                bitPattern: bytes[offset..<offset + 4].enumerated().reduce(0) { $0 | UInt32($1.element) << UInt32(8 * $1.offset) }
            )
        }
        #expect(statistics == [0, -1, -2, -1])
        #expect(try MRCVolume(path: path).header.voxelSize == nil)
    }

    @Test("leaves nothing behind unless it is finished")
    func unfinished() throws {
        let path = directory.file("volume.mrc")
        let shape = try #require(VolumeShape(z: 2, y: 2, x: 2))
        do {
            let writer = try MRCWriter(path: path, shape: shape, scalarType: .int8, voxelSize: nil)
            let square = try #require(VolumeShape(z: 1, y: 2, x: 2))
            let row = try #require(VolumeShape(z: 1, y: 1, x: 4))
            let slice = try #require(VoxelBuffer(shape: square, values: [1, 2, 3, 4] as [Int8]))
            let wide = try #require(VoxelBuffer(shape: row, values: [1, 2, 3, 4] as [Int8]))
            let unsigned = try #require(VoxelBuffer(shape: square, values: [1, 2, 3, 4] as [UInt16]))
            try writer.append(slice)
            let error = try #require(throws: VolumeError.self) { try writer.finish() }
            #expect(error.message.contains("lacks 1 of its 2 slices"))
            try writer.append(slice)
            #expect(throws: VolumeError.self) { try writer.append(slice) }
            #expect(throws: VolumeError.self) { try writer.append(wide) }
            #expect(throws: VolumeError.self) { try writer.append(unsigned) }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test("replaces a file only at the end, and refuses a folder that is not there or a type without a mode")
    func replaces() throws {
        let path = try directory.write("int8.mrc", Array("old".utf8))
        #expect(try write([1] as [Int8], z: 1, y: 1, x: 1) == path)
        #expect(try MRCVolume(path: path).readSlice(z: 0).values(Int8.self) == [1])
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["int8.mrc"])
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 1))
        for path in [directory.file("absent/volume.mrc"), "", directory.path + "/"] {
            let error = try #require(throws: VolumeError.self) {
                _ = try MRCWriter(path: path, shape: shape, scalarType: .int8, voxelSize: nil)
            }
            #expect(error.code == .unwritable)
        }
        let error = try #require(throws: VolumeError.self) {
            _ = try MRCWriter(path: path, shape: shape, scalarType: .float64, voxelSize: nil)
        }
        #expect(error.code == .unsupported)
    }

    @Test("writes what mrcfile finds valid", .enabled(if: python != nil, PythonProgram.absence))
    func validate() throws {
        let paths = [
            try write((-30..<30).map { Int8($0) }, z: 5, y: 3, x: 4), try write((-30..<30).map { Int16($0) }, z: 5, y: 3, x: 4),
            try write((0..<200_000).map { Float($0 % 977) / 3 + 1000 }, z: 20, y: 100, x: 100, labels: ["Cellar"]),
            try write((0..<60).map { UInt16($0) }, z: 5, y: 3, x: 4), try write((-30..<30).map { Float16($0) }, z: 5, y: 3, x: 4),
            try write((0..<60).map { UInt8($0) }, z: 5, y: 3, x: 4, voxelSize: nil),
        ]
        let list = paths.map { "\"\($0)\"" }.joined(separator: ", ")
        try #require(python).run([
            "-c", "import mrcfile, sys; sys.exit(not all([mrcfile.validate(p) for p in [\(list)]]))",
        ])
    }
}
