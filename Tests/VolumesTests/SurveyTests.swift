import Basics
import TestSupport
import Testing

@testable import Volumes

@Suite("A survey of a volume")
struct SurveyTests {
    private static let shape = (z: 7, y: 30, x: 41)

    private func volume<Value: VoxelScalar>(_ values: [Value], chunk: VolumeShape? = nil) throws -> MemoryVolume {
        let shape = try #require(VolumeShape(z: Self.shape.z, y: Self.shape.y, x: Self.shape.x))
        return MemoryVolume(buffer: try #require(VoxelBuffer(shape: shape, values: values)), chunkShape: chunk)
    }

    private static let count = shape.z * shape.y * shape.x

    private static func random<Value: FixedWidthInteger>(_ type: Value.Type) -> [Value] {
        var generator = RandomStream(state: 3)
        return (0..<count).map { _ in Value.random(in: .min ... .max, using: &generator) }
    }

    /// Nearly normal numbers about a mean.
    private static func normal(mean: Double, deviation: Double, seed: UInt64 = 5) -> [Double] {
        var generator = RandomStream(state: seed)
        return (0..<count).map { _ in
            mean + deviation * (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &generator) }
        }
    }

    @Test("digests a prefix and the voxels, however large the buffers are", arguments: [1, 100, 1 << 13, 1 << 24])
    func digest(bufferBytes: Int) throws {
        let values = Self.random(Int16.self)
        var bytes = Array("cellar tomogram voxels 1\nint16\n7 30 41\n".utf8)
        for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        #expect(try VolumeSurvey.run(volume(values), bufferBytes: bufferBytes).digest == Digest(of: bytes))
        let chunk = VolumeShape(z: 4, y: 16, x: 16)
        #expect(try VolumeSurvey.run(volume(values, chunk: chunk), bufferBytes: bufferBytes).digest == Digest(of: bytes))
    }

    @Test("gives the digest of the voxels, and of nothing else")
    func digestOfVoxels() throws {
        let directory = try TemporaryDirectory()
        var fixture = MRCFixture.ramp
        let reference = try VolumeSurvey.run(MRCVolume(path: directory.write("a.mrc", fixture.bytes))).digest
        func digest(_ name: String, _ bytes: [UInt8]) throws -> Digest {
            try VolumeSurvey.run(VolumeLocation(path: directory.write(name, bytes)).open()).digest
        }
        #expect(try digest("z.mrc.gz", GzipFixture.member(fixture.bytes)) == reference)
        fixture.labelCount = 1
        fixture.labels = ["new"]
        fixture.cell = [1, 1, 1]
        fixture.extendedHeaderSize = 400
        #expect(try digest("b.mrc", fixture.bytes) == reference)
        fixture.isLittleEndian = false
        #expect(try digest("c.mrc", fixture.bytes) == reference)
        // Rows and columns exchanged in file and header.
        fixture.axes = [2, 1, 3]
        fixture.size = [3, 4, 2]
        let transposed = (0..<24).map { index -> Float in
            let (row, column) = (index % 12 / 3, index % 3)
            return Float(index / 12 * 12 + column * 4 + row)
        }
        fixture.voxels = MRCFixture.voxels(transposed)
        #expect(try digest("d.mrc", fixture.bytes) == reference)
        fixture.voxels[7] ^= 1
        #expect(try digest("e.mrc", fixture.bytes) != reference)

        // The same bytes as another type, or in another shape.
        let shape = try #require(VolumeShape(z: 1, y: 2, x: 3))
        let buffer = try #require(VoxelBuffer(shape: shape, values: [1, 2, 3, 4, 5, 6] as [UInt8]))
        let turnedShape = try #require(VolumeShape(z: 1, y: 3, x: 2))
        let turned = try #require(VoxelBuffer(shape: turnedShape, values: [1, 2, 3, 4, 5, 6] as [UInt8]))
        let signed = try #require(VoxelBuffer(shape: shape, values: [1, 2, 3, 4, 5, 6] as [Int8]))
        let digests = try [buffer, turned, signed].map { try VolumeSurvey.run(MemoryVolume(buffer: $0)).digest }
        #expect(Set(digests).count == 3)
    }

    @Test("finds the statistics of every type")
    func statistics() throws {
        func check<Value: VoxelScalar>(_ values: [Value], _ convert: (Value) -> Double) throws {
            for bufferBytes in [1 << 24, 5000] {
                let survey = try VolumeSurvey.run(volume(values), bufferBytes: bufferBytes)
                let found = try #require(survey.statistics)
                let wide = values.map(convert)
                let mean = wide.reduce(0, +) / Double(wide.count)
                let deviation = (wide.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(wide.count)).squareRoot()
                #expect(found.minimum == wide.min())
                #expect(found.maximum == wide.max())
                #expect(abs(found.mean - mean) <= 1e-12 * deviation)
                #expect(abs(found.standardDeviation - deviation) <= 1e-12 * deviation)
                #expect(survey.nonFiniteCount == 0)
                #expect(survey.histogram.total == values.count)
            }
        }
        try check(Self.random(UInt8.self)) { Double($0) }
        try check(Self.random(Int8.self)) { Double($0) }
        try check(Self.random(UInt16.self)) { Double($0) }
        try check(Self.random(Int16.self)) { Double($0) }
        try check(Self.random(UInt32.self)) { Double($0) }
        try check(Self.random(Int32.self)) { Double($0) }
        try check(Self.random(UInt64.self)) { Double($0) }
        try check(Self.random(Int64.self)) { Double($0) }
        let numbers = Self.normal(mean: 1, deviation: 3)
        try check(numbers.map { Float16($0) }) { Double($0) }
        try check(numbers.map { Float($0) }) { Double($0) }
        try check(numbers) { $0 }
    }

    @Test("loses no digits far from zero")
    func stability() throws {
        let values = Self.normal(mean: 1e6, deviation: 0.5).map { Float($0) }
        let found = try #require(try VolumeSurvey.run(volume(values), bufferBytes: 4096).statistics)
        let offsets = values.map { Double($0) - 1e6 }
        let mean = offsets.reduce(0, +) / Double(offsets.count)
        let deviation = (offsets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(offsets.count)).squareRoot()
        #expect(abs(found.mean - 1e6 - mean) < 1e-9)
        #expect(abs(found.standardDeviation - deviation) < 1e-9)
    }

    @Test("leaves out NaN and infinity, and counts them")
    func nonFinite() throws {
        var numbers = Self.normal(mean: 0, deviation: 1)
        let positions = [0, 1, 40, 41, 2000, 4095, 4096, Self.count - 1]
        let odd: [Double] = [.nan, .infinity, -.infinity, -.nan]
        for (index, position) in positions.enumerated() { numbers[position] = odd[index % 4] }
        let finite = numbers.filter(\.isFinite)
        func check<Value: VoxelScalar>(_ values: [Value], tolerance: Double) throws {
            let survey = try VolumeSurvey.run(volume(values))
            #expect(survey.nonFiniteCount == positions.count)
            #expect(survey.histogram.total == finite.count)
            let found = try #require(survey.statistics)
            #expect(abs(found.mean - finite.reduce(0, +) / Double(finite.count)) < tolerance)
            #expect(abs(found.minimum - (finite.min() ?? 0)) < tolerance * 10)
            #expect(try #require(survey.percentile(100)) == found.maximum)
        }
        // The tolerances are those of the rounding to the type.
        try check(numbers, tolerance: 1e-12)
        try check(numbers.map { Float($0) }, tolerance: 1e-7)
        try check(numbers.map { Float16($0) }, tolerance: 1e-3)

        let nothing = try VolumeSurvey.run(volume([Float](repeating: .nan, count: Self.count)))
        #expect(nothing.nonFiniteCount == Self.count)
        #expect(nothing.statistics == nil)
        #expect(nothing.percentile(50) == nil)
    }

    @Test("counts float64 beyond the range of float32 as finite")
    func largeNumbers() throws {
        var numbers = Self.normal(mean: 0, deviation: 1)
        numbers[17] = .greatestFiniteMagnitude
        numbers[18] = -1e300
        let survey = try VolumeSurvey.run(volume(numbers))
        #expect(survey.nonFiniteCount == 0)
        #expect(survey.statistics?.maximum == .greatestFiniteMagnitude)
        #expect(survey.statistics?.mean.isFinite == true)
        #expect(survey.statistics?.standardDeviation == .infinity)
        // Means of blocks at both ends of the range.
        let limit = Double.greatestFiniteMagnitude
        let ends = (0..<Self.count).map { $0 < Self.count / 2 ? limit : -limit }
        let found = try VolumeSurvey.run(volume(ends)).statistics
        #expect(found?.mean.isFinite == true)
        #expect(found?.standardDeviation == .infinity)
        let same = try VolumeSurvey.run(volume([Double](repeating: 1e200, count: Self.count))).statistics
        #expect(same?.mean == 1e200)
        #expect(same?.standardDeviation == 0)
        #expect(survey.histogram.total == Self.count)
    }

    @Test("gives percentiles that are exact for 8 and 16 bits, and within 2⁻¹¹ for others")
    func percentiles() throws {
        func check<Value: VoxelScalar>(_ values: [Value], bound: Double, _ convert: (Value) -> Double) throws {
            let survey = try VolumeSurvey.run(volume(values))
            let sorted = values.map(convert).sorted()
            for percentage in [0, 0.1, 1, 5, 25, 50, 75, 99, 99.9, 100, 33.333] {
                // numpy.percentile: linear between the order statistics.
                let rank = percentage / 100 * Double(sorted.count - 1)
                let low = sorted[Int(rank)]
                let high = sorted[min(Int(rank) + 1, sorted.count - 1)]
                let expected = low + (rank - rank.rounded(.down)) * (high - low)
                let found = try #require(survey.percentile(percentage))
                #expect(abs(found - expected) <= bound * max(abs(low), abs(high)) + 1e-41)
            }
            #expect(survey.percentile(-3) == survey.percentile(0))
            #expect(survey.percentile(300) == survey.percentile(100))
            #expect(survey.percentile(.nan) == nil)
        }
        try check(Self.random(UInt8.self), bound: 1e-12) { Double($0) }
        try check(Self.random(Int8.self), bound: 1e-12) { Double($0) }
        try check(Self.random(UInt16.self), bound: 1e-12) { Double($0) }
        try check(Self.random(Int16.self), bound: 1e-12) { Double($0) }
        try check(Self.random(Int32.self), bound: 1.0 / 2048) { Double($0) }
        try check(Self.random(UInt64.self), bound: 1.0 / 2048) { Double($0) }
        let numbers = Self.normal(mean: 0.3, deviation: 2)
        try check(numbers.map { Float16($0) }, bound: 1e-12) { Double($0) }
        try check(numbers.map { Float($0) }, bound: 1.0 / 2048) { Double($0) }
        try check(numbers, bound: 1.0 / 2048) { $0 }
        // Zero is zero, although its bin holds the smallest numbers, too.
        try check([Float](repeating: 0, count: Self.count), bound: 0) { Double($0) }
    }

    @Test("has a histogram that can be stored and rebuilt, and refuses one that cannot be")
    func storedHistogram() throws {
        let survey = try VolumeSurvey.run(volume(Self.normal(mean: 0, deviation: 1).map { Float($0) }))
        let histogram = survey.histogram
        let rebuilt = Histogram(binning: histogram.binning, keys: histogram.keys, counts: histogram.counts)
        #expect(rebuilt == histogram)
        let values = histogram.keys.map { histogram.bounds(ofKey: $0) }
        #expect(zip(values, values.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        #expect(Histogram(binning: .integer, keys: [1, 1], counts: [1, 1]) == nil)
        #expect(Histogram(binning: .integer, keys: [1], counts: []) == nil)
        #expect(Histogram(binning: .integer, keys: [1], counts: [0]) == nil)
        #expect(Histogram(binning: .integer, keys: [1, 2], counts: [.max, 1]) == nil)
        for binning in Histogram.Binning.allCases {
            for key in [Int32.min, -1, 0, .max] { #expect(!histogram.bounds(ofKey: key).lowerBound.isNaN) }
            #expect(Histogram(binning: binning, keys: [], counts: [])?.percentile(50) == nil)
        }
    }

    @Test("reports its progress, and ends where that throws")
    func progress() throws {
        struct Cancelled: Error {}
        let volume = try volume(Self.random(UInt8.self))
        var parts: [Double] = []
        _ = try VolumeSurvey.run(volume, bufferBytes: 2000) { parts.append($0) }
        #expect(parts.count == 7)
        #expect(parts.last == 1)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0 < $1 })
        #expect(throws: Cancelled.self) {
            try VolumeSurvey.run(volume, bufferBytes: 2000) { if $0 > 0.5 { throw Cancelled() } }
        }
    }

    @Test("passes on the error of a file that ends early")
    func readError() throws {
        let directory = try TemporaryDirectory()
        var fixture = MRCFixture.ramp
        fixture.size = [4, 3, 4]
        let volume = try MRCVolume(path: directory.write("a.mrc.gz", GzipFixture.member(fixture.bytes)))
        #expect(throws: VolumeError.self) { try VolumeSurvey.run(volume, bufferBytes: 100) }
    }
}

/// A volume in memory, with chunks as storage might have them.
private struct MemoryVolume: Volume {
    let buffer: VoxelBuffer
    let header = VolumeHeader(path: "memory", format: "memory")
    let chunkShape: VolumeShape
    var shape: VolumeShape { buffer.shape }
    var scalarType: ScalarType { buffer.scalarType }

    init(buffer: VoxelBuffer, chunkShape: VolumeShape? = nil) {
        self.buffer = buffer
        self.chunkShape = chunkShape ?? VolumeShape(z: 1, y: 1, x: buffer.shape.x) ?? buffer.shape
    }

    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let size = scalarType.size
        var written = 0
        for z in box.z {
            for y in box.y {
                let start = ((z * shape.y + y) * shape.x + box.x.lowerBound) * size
                let length = box.x.count * size
                destination[written..<written + length].copyBytes(from: buffer.bytes[start..<start + length])
                written += length
            }
        }
    }
}
