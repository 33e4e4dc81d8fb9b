import Basics
import TestSupport
import Testing
import Volumes

@Suite("A label volume")
struct LabelVolumeTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// 24 voxels of 4 × 3 × 2 in an MRC file of a mode.
    private func mrc<Value>(_ mode: Int32, _ values: [Value], imod: [Int32] = [0, 0]) throws -> any Volume {
        var fixture = MRCFixture()
        fixture.mode = mode
        fixture.voxels = MRCFixture.voxels(values)
        fixture.imod = imod
        return try VolumeLocation(path: directory.write("labels.mrc", fixture.bytes)).open()
    }

    /// An array of 4 × 3 × 2 in a zarr store.
    private func zarr<Value>(_ code: String, _ values: [Value]) throws -> any Volume {
        let metadata = """
            {"zarr_format": 2, "shape": [2, 3, 4], "chunks": [2, 3, 4], "dtype": "\(code)", "compressor": null, "fill_value": 0, \
            "order": "C", "filters": null}
            """
        try directory.write("labels.zarr/.zarray", Array(metadata.utf8))
        try directory.write("labels.zarr/0.0.0", MRCFixture.voxels(values))
        return try VolumeLocation(path: directory.file("labels.zarr")).open()
    }

    private func labels(_ volume: any Volume, threshold: Double? = nil) throws -> [Int64] {
        let labels = try LabelVolume(volume, threshold: threshold)
        return try (0..<2).flatMap { try labels.slice($0) }
    }

    private let stamp: Int32 = 1_146_047_817

    @Test("has whole numbers of every type, more than 255 and beyond 2²⁴")
    func types() throws {
        func check<Value: FixedWidthInteger>(_ code: String, _: Value.Type) throws {
            let values = (0..<24).map { $0 % 2 == 0 ? Value.max - Value($0) : Value($0) }
            #expect(try labels(zarr(code, values)) == values.map { Int64(exactly: $0) ?? LabelVolume.noLabel }, "\(code)")
        }
        try check("|u1", UInt8.self)
        try check("|i1", Int8.self)
        try check("<u2", UInt16.self)
        try check("<i2", Int16.self)
        try check("<u4", UInt32.self)
        try check("<i4", Int32.self)
        try check("<u8", UInt64.self)
        try check("<i8", Int64.self)
        let instances = (0..<24).map { Int64($0) * 40 }
        #expect(try labels(mrc(2, instances.map(Float.init))) == instances)
        #expect(try labels(mrc(12, instances.map { Float16($0) })) == instances)
        #expect(try labels(zarr("<f8", instances.map(Double.init))) == instances)
    }

    @Test("is a mask of 0 and 1 where IMOD stored bytes minus 128")
    func imod() throws {
        let mask = (0..<24).map { $0 % 5 == 0 ? Int8(-127) : -128 }
        let expected = (0..<24).map { $0 % 5 == 0 ? Int64(1) : 0 }
        let volume = try LabelVolume(mrc(0, mask, imod: [stamp, 1]))
        #expect(try volume.slice(0) + volume.slice(1) == expected)
        #expect(volume.offset == 128 && volume.notes == ["IMOD stored the bytes minus 128: −128 is read as 0, −127 as 1."])
        #expect(try volume.survey().counts == [0: 19, 1: 5])
        // Classes up to 255.
        let classes = (0..<24).map { Int8($0 * 11 - 128) }
        #expect(try labels(mrc(0, classes, imod: [stamp, 1])) == (0..<24).map { Int64($0 * 11) })
        // Grey values stay as they are stored.
        let grey = try mrc(0, mask, imod: [stamp, 1])
        #expect(try grey.read(grey.shape.box).values(Int8.self) == mask)
        // A byte of another program under IMOD's copied header, unsigned bytes, and no stamp.
        let plain = (0..<24).map { Int8($0 % 3) }
        #expect(try labels(mrc(0, plain, imod: [stamp, 1])) == plain.map(Int64.init))
        #expect(try labels(mrc(0, plain, imod: [stamp, 0])) == plain.map(Int64.init))
        #expect(try labels(mrc(0, mask)) == mask.map(Int64.init))
    }

    @Test("with a threshold is a mask of what is at least that")
    func threshold() throws {
        let scores = (0..<24).map { Int8($0 * 5) }
        #expect(try labels(mrc(0, scores), threshold: 60) == (0..<24).map { $0 >= 12 ? 1 : 0 })
        var probabilities = (0..<24).map { Float16($0) / 24 }
        #expect(try labels(mrc(12, probabilities), threshold: 0.5) == (0..<24).map { $0 >= 12 ? 1 : 0 })
        probabilities[23] = .nan
        #expect(try labels(mrc(12, probabilities), threshold: 0.5).last == 0)
        // One class of all numbered objects.
        #expect(try labels(mrc(6, (0..<24).map { UInt16($0 * 300) }), threshold: 1) == (0..<24).map { $0 > 0 ? 1 : 0 })
        // After IMOD's 128: the values that IMOD shows.
        let imod = (0..<24).map { Int8($0 * 11 - 128) }
        #expect(try labels(mrc(0, imod, imod: [stamp, 1]), threshold: 121) == (0..<24).map { $0 >= 11 ? 1 : 0 })
    }

    @Test("that holds scores is told apart from classes")
    func scores() throws {
        let probabilities = try LabelVolume(mrc(12, (0..<24).map { Float16($0) / 24 })).survey()
        #expect(probabilities.complaint(classes: [1]) == "has voxels that are no whole numbers")
        var values = [Float](repeating: 1, count: 24)
        values[20] = .nan
        #expect(try LabelVolume(mrc(2, values)).survey().hasFractions)
        let few = try LabelVolume(mrc(0, (0..<24).map { Int8($0) })).survey()
        #expect(few.complaint(classes: [1]) == nil)
        #expect(few.others(besides: [1, 5]) == Array(2...4) + Array(6...23))

        var fixture = MRCFixture()
        (fixture.size, fixture.mode, fixture.cell) = ([64, 2, 1], 0, [640, 20, 10])
        fixture.voxels = (0..<128).map { UInt8($0) }
        let scores = try LabelVolume(MRCVolume(path: directory.write("scores.mrc", fixture.bytes))).survey()
        #expect(scores.complaint(classes: [1]) == "has 126 values that are no class")
        #expect(scores.complaint(classes: 1...127) == nil)
    }

    @Test("or any other that is small says whether all its voxels have one value")
    func constants() throws {
        func constant(_ values: [Float]) throws -> Double? { try mrc(2, values).constantValue() }
        #expect(try constant([Float](repeating: -1, count: 24)) == -1)
        #expect(try constant([Float](repeating: 0.5, count: 23) + [0.25]) == nil)
        #expect(try constant([Float](repeating: .nan, count: 24))?.isNaN == true)
        #expect(try zarr("<u8", [UInt64](repeating: 1 << 40, count: 24)).constantValue() == 1_099_511_627_776)
        // One voxel more than 64³ is not read.
        for (columns, expected) in [(64, 7.0), (65, nil)] as [(Int32, Double?)] {
            var fixture = MRCFixture()
            (fixture.size, fixture.mode, fixture.cell) = ([columns, 64, 64], 0, [640, 640, 640])
            fixture.voxels = [UInt8](repeating: 7, count: Int(columns) * 64 * 64)
            #expect(try MRCVolume(path: directory.write("cube.mrc", fixture.bytes)).constantValue() == expected)
        }
    }
}
