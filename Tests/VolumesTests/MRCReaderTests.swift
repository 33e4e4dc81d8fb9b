import Basics
import TestSupport
import Testing
import Volumes

@Suite("An MRC file")
struct MRCReaderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func volume(_ fixture: MRCFixture, name: String = "volume.mrc") throws -> MRCVolume {
        try MRCVolume(path: directory.write(name, fixture.bytes))
    }

    private func error(_ fixture: MRCFixture, name: String = "volume.mrc") throws -> VolumeError {
        let path = try directory.write(name, fixture.bytes)
        return try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path) }
    }

    @Test("is read in every mode and in both byte orders", arguments: [true, false])
    func modes(isLittleEndian: Bool) throws {
        func check<Value: VoxelScalar & Equatable>(_ mode: Int32, _ values: [Value]) throws {
            var fixture = MRCFixture()
            fixture.mode = mode
            fixture.isLittleEndian = isLittleEndian
            fixture.voxels = MRCFixture.voxels(values)
            fixture.voxelSize = MemoryLayout<Value>.size
            let volume = try volume(fixture)
            #expect(volume.shape == VolumeShape(z: 2, y: 3, x: 4))
            #expect(volume.scalarType == Value.scalarType)
            #expect(try volume.read(volume.shape.box).values(Value.self) == values)
            #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 10))
            #expect(volume.header.notes.isEmpty)
            // One column of one slice: strided.
            let box = try #require(Box(z: 1..<2, y: 0..<3, x: 2..<3))
            #expect(try volume.read(box).values(Value.self) == [values[14], values[18], values[22]])
            // Some rows of each slice.
            let rows = try #require(Box(z: 0..<2, y: 1..<3, x: 0..<4))
            #expect(try volume.read(rows).values(Value.self) == Array(values[4..<12] + values[16..<24]))
        }
        try check(0, (-12..<12).map { Int8($0 * 10) })
        try check(1, (-12..<12).map { Int16($0 * 1000) })
        try check(2, (-12..<12).map { Float($0) * 1.5 })
        try check(6, (0..<24).map { UInt16($0 * 2700) })
        try check(12, (-12..<12).map { Float16($0) / 3 })
    }

    @Test("of four-bit voxels has the first of two in the low bits and whole bytes in a row", arguments: [4, 5])
    func nibbles(columns: Int) throws {
        let values = (0..<columns * 6).map { UInt8($0 * 7 % 16) }
        var fixture = MRCFixture()
        fixture.size = [Int32(columns), 3, 2]
        fixture.mode = 101
        for row in 0..<6 {
            let voxels = Array(values[row * columns..<(row + 1) * columns]) + (columns.isMultiple(of: 2) ? [] : [0])
            fixture.voxels += stride(from: 0, to: voxels.count, by: 2).map { voxels[$0] | voxels[$0 + 1] << 4 }
        }
        let volume = try volume(fixture)
        #expect(volume.scalarType == .uint8)
        #expect(try volume.read(volume.shape.box).values(UInt8.self) == values)
        let box = try #require(Box(z: 1..<2, y: 1..<3, x: 1..<4))
        let expected = [4, 5].flatMap { row in (1..<4).map { values[row * columns + $0] } }
        #expect(try volume.read(box).values(UInt8.self) == expected)
    }

    @Test(
        "is presented as [z][y][x] whatever its order of axes",
        arguments: [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] as [[Int32]], [true, false])
    func axes(order: [Int32], isLittleEndian: Bool) throws {
        // A voxel's value is 100 z + 10 y + x in space; shape x 4, y 3, z 2.
        let counts: [Int32: Int] = [1: 4, 2: 3, 3: 2]
        let weights: [Int32: Float] = [1: 1, 2: 10, 3: 100]
        var fixture = MRCFixture()
        fixture.size = order.map { Int32(counts[$0] ?? 0) }
        fixture.sampling = [4, 3, 2]
        fixture.cell = [4, 6, 6]
        fixture.axes = order
        fixture.isLittleEndian = isLittleEndian
        let axis = order.map { (count: counts[$0] ?? 0, weight: weights[$0] ?? 0) }
        var values: [Float] = []
        for section in 0..<axis[2].count {
            for row in 0..<axis[1].count {
                for column in 0..<axis[0].count {
                    values.append(Float(section) * axis[2].weight + Float(row) * axis[1].weight + Float(column) * axis[0].weight)
                }
            }
        }
        fixture.voxels = MRCFixture.voxels(values)
        let volume = try volume(fixture)
        #expect(volume.shape == VolumeShape(z: 2, y: 3, x: 4))
        #expect(volume.header.voxelSize == VoxelSize(xInAngstroms: 1, yInAngstroms: 2, zInAngstroms: 3))
        #expect(volume.header.notes.count == (order == [1, 2, 3] ? 0 : 1))
        func expected(_ box: Box) -> [Float] {
            box.z.flatMap { z in box.y.flatMap { y in box.x.map { x in Float(100 * z + 10 * y + x) } } }
        }
        let part = try #require(Box(z: 1..<2, y: 1..<3, x: 1..<3))
        for box in [volume.shape.box, part] {
            #expect(try volume.read(box).values(Float.self) == expected(box))
        }
    }

    @Test("whose rows and sections do not fit the scratch memory is permuted in pieces")
    func largePermuted() throws {
        // 300 000 columns of four bytes exceed the scratch limit of one megabyte.
        let columns = 300_000
        var fixture = MRCFixture()
        fixture.size = [Int32(columns), 3, 2]
        fixture.axes = [3, 1, 2]
        let values = (0..<columns * 6).map { Float($0) }
        fixture.voxels = MRCFixture.voxels(values)
        let volume = try volume(fixture)
        #expect(volume.shape == VolumeShape(z: columns, y: 2, x: 3))
        let read = try #require(try volume.read(volume.shape.box).values(Float.self))
        let agrees = (0..<columns).allSatisfy { z in
            (0..<2).allSatisfy { y in (0..<3).allSatisfy { x in read[(z * 2 + y) * 3 + x] == values[(y * 3 + x) * columns + z] } }
        }
        #expect(agrees)
    }

    @Test("with axes of zero means 1, 2, 3")
    func zeroAxes() throws {
        var fixture = MRCFixture.ramp
        fixture.axes = [0, 0, 0]
        let volume = try volume(fixture)
        #expect(try volume.read(volume.shape.box).floats() == (0..<24).map { Float($0) })
    }

    @Test(
        "with axes that are no permutation is refused", arguments: [[1, 1, 3], [0, 2, 3], [1, 2, 4], [-1, 2, 3]] as [[Int32]])
    func invalidAxes(axes: [Int32]) throws {
        var fixture = MRCFixture.ramp
        fixture.axes = axes
        let error = try error(fixture)
        #expect(error.code == .malformed)
        #expect(error.message.contains("axis order is \(axes[0]), \(axes[1]), \(axes[2])"))
    }

    @Test("whose machine stamp is absent or lies is read in the order that makes sense", arguments: [true, false])
    func machineStamp(isLittleEndian: Bool) throws {
        for (stamp, notes) in [([0, 0], 0), (isLittleEndian ? [0x11, 0x11] : [0x44, 0x44], 1)] as [([UInt8], Int)] {
            var fixture = MRCFixture.ramp
            fixture.isLittleEndian = isLittleEndian
            fixture.machineStamp = stamp
            let volume = try volume(fixture)
            #expect(try volume.readSlice(z: 1).floats() == (12..<24).map { Float($0) })
            #expect(volume.header.notes.count == notes)
        }
    }

    @Test("of mode 0 without axes is told apart by what fits the file, and then by the stamp")
    func symmetricHeaders() throws {
        // 0x01000000 × 1 × 1 in one order is 1 × 16777216 × 16777216 in the other.
        var fixture = MRCFixture()
        fixture.size = [0x0100_0000, 1, 1]
        fixture.mode = 0
        fixture.axes = [0, 0, 0]
        fixture.machineStamp = [0, 0]
        fixture.voxels = [UInt8](repeating: 7, count: 0x0100_0000)
        fixture.voxelSize = 1
        #expect(try volume(fixture).shape == VolumeShape(z: 1, y: 1, x: 0x0100_0000))
        fixture.isLittleEndian = false
        #expect(try volume(fixture).shape == VolumeShape(z: 1, y: 1, x: 0x0100_0000))

        var palindrome = MRCFixture()
        palindrome.size = [0x0100_0001, 1, 1]
        palindrome.mode = 0
        palindrome.axes = [0, 0, 0]
        palindrome.isLittleEndian = false
        palindrome.voxels = [UInt8](repeating: 7, count: 0x0100_0001)
        palindrome.voxelSize = 1
        #expect(try volume(palindrome).shape == VolumeShape(z: 1, y: 1, x: 0x0100_0001))
    }

    @Test("of mode 0 holds signed bytes unless there is evidence against it")
    func signedness() throws {
        func scalarType(statistics: [Float], imod: [Int32] = [0, 0]) throws -> ScalarType {
            var fixture = MRCFixture()
            fixture.mode = 0
            fixture.statistics = statistics
            fixture.imod = imod
            fixture.voxels = [UInt8](repeating: 1, count: 24)
            fixture.voxelSize = 1
            let volume = try volume(fixture)
            #expect(volume.header.notes.count == (volume.scalarType == .uint8 ? 1 : 0))
            return volume.scalarType
        }
        #expect(try scalarType(statistics: [0, -1, -2]) == .int8)
        #expect(try scalarType(statistics: [0, 0, 0]) == .int8)
        #expect(try scalarType(statistics: [-128, 127, 0]) == .int8)
        #expect(try scalarType(statistics: [0, 100, 50]) == .int8)
        #expect(try scalarType(statistics: [141, 163, 152]) == .uint8)
        #expect(try scalarType(statistics: [0, 255, 10]) == .uint8)
        // Contradictory, or of voxels before they were scaled to bytes.
        #expect(try scalarType(statistics: [-128, 255, 0]) == .int8)
        #expect(try scalarType(statistics: [0, 3000, 10]) == .int8)
        #expect(try scalarType(statistics: [.nan, .infinity, .nan]) == .int8)
        let stamp: Int32 = 1_146_047_817
        #expect(try scalarType(statistics: [0, 0, 0], imod: [stamp, 0]) == .uint8)
        #expect(try scalarType(statistics: [0, 255, 200], imod: [stamp, 1]) == .int8)
    }

    @Test("has a voxel size where the header gives a plausible one")
    func voxelSize() throws {
        func header(sampling: [Int32], cell: [Float]) throws -> VolumeHeader {
            var fixture = MRCFixture.ramp
            fixture.sampling = sampling
            fixture.cell = cell
            return try volume(fixture).header
        }
        // Rounded as the float32 was: not 2.6200000339.
        #expect(try header(sampling: [90, 90, 90], cell: [235.8, 235.8, 235.8]).voxelSize == VoxelSize(cubicInAngstroms: 2.62))
        #expect(
            try header(sampling: [4, 3, 2], cell: [4, 3, 20]).voxelSize
                == VoxelSize(xInAngstroms: 1, yInAngstroms: 1, zInAngstroms: 10))
        for (sampling, cell) in [
            ([4, 3, 1], [40, 30, 10]), ([4, 3, 1], [40, 30, 9000]), ([4, 3, 2], [40, 30, 0]), ([4, 3, 2], [40, 30, .infinity]),
            ([4, 3, 0], [40, 30, 20]), ([4, 3, -2], [40, 30, 20]), ([4, 3, 2], [40, 30, 5000]),
        ] as [([Int32], [Float])] {
            let header = try header(sampling: sampling, cell: cell)
            #expect(header.voxelSize == VoxelSize(cubicInAngstroms: 10))
            #expect(header.notes == ["The voxel size along z is absent or absurd; that along x is used."])
        }
        #expect(try header(sampling: [1, 1, 1], cell: [10, 10, 10]).voxelSize == VoxelSize(cubicInAngstroms: 10))
        // Programs that do not know it write 1.
        for (sampling, cell) in [([4, 3, 2], [4, 3, 2]), ([4, 3, 2], [4, 0, 0]), ([4, 3, 1], [4, 3, 1])] as [([Int32], [Float])] {
            let header = try header(sampling: sampling, cell: cell)
            #expect(header.voxelSize == nil)
            #expect(header.notes.contains { $0.contains("exactly 1 Å is not believed") && $0.contains("--voxel-size 1") })
        }
        for edge in [0.9999, 1.0001] as [Float] {
            #expect(try header(sampling: [4, 3, 2], cell: [4 * edge, 3 * edge, 2 * edge]).voxelSize != nil)
        }
        for (sampling, cell) in [
            ([4, 3, 2], [0, 0, 0]), ([4, 3, 2], [-40, -30, -20]), ([0, 0, 0], [40, 30, 20]), ([4, 3, 2], [.nan, 30, 20]),
            ([4, 3, 2], [1e9, 1e9, 1e9]), ([4, 3, 2], [1e-9, 1e-9, 1e-9]),
        ] as [([Int32], [Float])] {
            #expect(try header(sampling: sampling, cell: cell).voxelSize == nil)
        }
    }

    @Test("without a MAP identifier is read, with a note")
    func noIdentifier() throws {
        var fixture = MRCFixture.ramp
        fixture.identifier = "\0\0\0\0"
        let volume = try volume(fixture)
        #expect(try volume.readSlice(z: 0).floats() == (0..<12).map { Float($0) })
        #expect(volume.header.notes.count == 1)
    }

    @Test("has its extended header skipped, however long it is")
    func extendedHeader() throws {
        var fixture = MRCFixture.ramp
        fixture.extendedHeaderSize = 900_000
        #expect(try volume(fixture).readSlice(z: 0).floats() == (0..<12).map { Float($0) })
    }

    /// A ramp whose header declares an extended header of some size that is not there.
    private func ramp(declaring size: Int32, then rest: [UInt8] = []) throws -> String {
        var bytes = MRCFixture.ramp.bytes + rest
        withUnsafeBytes(of: size.littleEndian) { bytes.replaceSubrange(92..<96, with: $0) }
        return try directory.write("volume.mrc", bytes)
    }

    @Test(
        "that is as long as header and voxels has no extended header, whatever it declares",
        arguments: [1, 96, 1024, -1, Int32.min, Int32.max])
    func absentExtendedHeader(size: Int32) throws {
        let volume = try MRCVolume(path: ramp(declaring: size))
        #expect(try volume.read(volume.shape.box).floats() == (0..<24).map { Float($0) })
        let note =
            "The header declares an extended header of \(size) bytes, which is not there: the file is as long as header and voxels."
        #expect(volume.header.notes == [note])
    }

    @Test("whose size fits no reading is refused", arguments: [-1, Int32.min, Int32.max, 1024])
    func impossibleExtendedHeader(size: Int32) throws {
        let path = try ramp(declaring: size, then: [1, 2, 3])
        let error = try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path) }
        #expect(error.code == .malformed)
        #expect(error.message.contains("extended header of \(size) bytes"))
        // Part of the extended header may be there: where the voxels begin is not known.
        let partial = try ramp(declaring: 1024, then: [UInt8](repeating: 0, count: 1000))
        #expect(try #require(throws: VolumeError.self) { _ = try MRCVolume(path: partial) }.code == .truncated)
    }

    @Test("that declares no extended header has its voxels after the header, however long it is")
    func undeclaredExtendedHeader() throws {
        let volume = try MRCVolume(path: ramp(declaring: 0, then: [UInt8](repeating: 9, count: 1024)))
        #expect(try volume.readSlice(z: 0).floats() == (0..<12).map { Float($0) })
        #expect(volume.header.notes == ["The file is 1024 bytes longer than its header says."])
    }

    @Test("gives its labels without padding")
    func labels() throws {
        var fixture = MRCFixture.ramp
        fixture.labelCount = 3
        fixture.labels = ["Clip: flip  " + String(repeating: " ", count: 68), String(repeating: " ", count: 80), "two\0rest"]
        #expect(try volume(fixture).header.labels == ["Clip: flip", "two"])
        fixture.labelCount = -7
        #expect(try volume(fixture).header.labels == ["Clip: flip", "two"])
    }

    @Test("that is truncated is refused with the missing bytes")
    func truncated() throws {
        let path = try directory.write("volume.mrc", MRCFixture.ramp.bytes.dropLast(10))
        let error = try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path) }
        #expect(error.code == .truncated)
        #expect(error.message == "declares 96 bytes of voxels but has 86, 10 too few; copy it again")
        for count in [0, 1, 4, 1023] {
            let path = try directory.write("short.mrc", MRCFixture.ramp.bytes.prefix(count))
            #expect(throws: VolumeError.self) { _ = try MRCVolume(path: path) }
        }
    }

    @Test("that declares more voxels than can be addressed is refused")
    func absurdSizes() throws {
        var fixture = MRCFixture.ramp
        fixture.size = [.max, .max, .max]
        #expect(try error(fixture).code == .malformed)
        fixture.size = [.max, 65536, 1]
        #expect(try error(fixture).code == .truncated)
        fixture.size = [4, 0, 2]
        #expect(try error(fixture).message.contains("its size is 4 × 0 × 2"))
        fixture.size = [4, 3, -2]
        #expect(try error(fixture).code == .malformed)
    }

    @Test("that is longer than its header says is read, with a note")
    func longer() throws {
        let volume = try MRCVolume(path: directory.write("volume.mrc", MRCFixture.ramp.bytes + [1, 2, 3]))
        #expect(volume.header.notes == ["The file is 3 bytes longer than its header says."])
        #expect(try volume.readSlice(z: 1).floats() == (12..<24).map { Float($0) })
    }

    @Test("of complex numbers, colours or an unknown mode is refused by name")
    func unsupportedModes() throws {
        var fixture = MRCFixture.ramp
        for (mode, part) in [(3, "complex numbers"), (4, "complex numbers"), (16, "colours")] as [(Int32, String)] {
            fixture.mode = mode
            let error = try error(fixture)
            #expect(error.code == .unsupported)
            #expect(error.message.contains(part))
        }
        fixture.mode = 77
        #expect(try error(fixture).message.contains("its mode is 77"))
    }

    @Test("that is a stack of volumes gives the one that is named")
    func stack() throws {
        var fixture = MRCFixture()
        fixture.size = [4, 3, 6]
        fixture.sampling = [4, 3, 2]
        fixture.spaceGroup = 401
        fixture.voxels = MRCFixture.voxels((0..<72).map { Float($0) })
        let path = try directory.write("stack.mrc", fixture.bytes)
        let error = try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path) }
        #expect(error.code == .ambiguous)
        #expect(error.message.contains("3 volumes of 4 × 3 × 2 voxels"))
        let third = try MRCVolume(path: path, member: "2")
        #expect(third.shape == VolumeShape(z: 2, y: 3, x: 4))
        #expect(try third.read(third.shape.box).floats() == (48..<72).map { Float($0) })
        for member in ["3", "-1", "x", ""] {
            let error = try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path, member: member) }
            #expect(error.code == .outOfBounds)
        }
    }

    @Test("is no stack because its sampling along z is 1 or its space group is 0")
    func noStack() throws {
        for (spaceGroup, sampling) in [(0, 1), (1, 1), (401, 1), (401, 2), (401, 0), (0, 2)] as [(Int32, Int32)] {
            var fixture = MRCFixture.ramp
            fixture.spaceGroup = spaceGroup
            fixture.sampling = [4, 3, sampling]
            #expect(try volume(fixture).shape == VolumeShape(z: 2, y: 3, x: 4))
        }
    }

    @Test("is refused with a reason where it is something else")
    func otherFiles() throws {
        func message(_ name: String, _ bytes: [UInt8]) throws -> String {
            let path = try directory.write(name, bytes)
            return try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path) }.message
        }
        #expect(try message("._volume.mrc", [0, 5, 0x16, 7] + [UInt8](repeating: 0, count: 2000)).contains("AppleDouble"))
        #expect(try message("._cut.mrc", [0]).contains("AppleDouble"))
        #expect(try message("volume.mrc", Array("BZh9".utf8) + [UInt8](repeating: 1, count: 2000)).contains("bunzip2"))
        #expect(
            try message("text.mrc", Array(String(repeating: "not a volume ", count: 100).utf8)).contains("no sane MRC header"))
        #expect(throws: VolumeError.self) { _ = try MRCVolume(path: directory.path) }
        #expect(throws: VolumeError.self) { _ = try MRCVolume(path: directory.file("absent.mrc")) }
    }

    @Test("refuses boxes that do not lie inside, and destinations of another size")
    func outOfBounds() throws {
        let volume = try volume(.ramp)
        let box = try #require(Box(z: 0..<3, y: 0..<1, x: 0..<1))
        #expect(throws: VolumeError.self) { _ = try volume.read(box) }
        #expect(throws: VolumeError.self) { _ = try volume.readSlice(z: 2) }
        #expect(throws: VolumeError.self) { _ = try volume.readSlice(z: -1) }
        let short = UnsafeMutableRawBufferPointer.allocate(byteCount: 95, alignment: 8)
        defer { short.deallocate() }
        #expect(throws: VolumeError.self) { try volume.read(volume.shape.box, into: short) }
    }

    @Test("with any byte changed gives an error or voxels, and never a crash", arguments: [false, true])
    func mutations(isCompressed: Bool) throws {
        var fixture = MRCFixture.ramp
        fixture.extendedHeaderSize = 8
        let bytes = isCompressed ? GzipFixture.member(fixture.bytes) : fixture.bytes
        var generator = RandomStream(state: 13)
        for _ in 0..<400 {
            var mutated = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // Most of the header is labels: aim at the fields.
                let limit = Bool.random(using: &generator) ? min(230, bytes.count) : bytes.count
                mutated[Int.random(in: 0..<limit, using: &generator)] = UInt8.random(in: .min ... .max, using: &generator)
            }
            mutated.removeLast(Int.random(in: 0...2, using: &generator))
            let location = VolumeLocation(
                path: try directory.write("mutated.mrc", mutated), member: Bool.random(using: &generator) ? "0" : nil)
            do throws(VolumeError) {
                let volume = try location.open()
                #expect(volume.shape.count <= mutated.count * 1032 * 2)
                _ = try volume.read(volume.shape.box)
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}
