import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

/// More than ten thousand damaged files: each is read or refused with a ``VolumeError`` (which typed throws has the
/// compiler prove), and none ends the process.
///
/// The seed and the index of a damaged file stand in its name, `seed-5-index-1234-volume.mrc`. It is removed when it was
/// read: after a crash or a hang, the one at fault is still in `cellar-test-…` in the directory for temporary files.
@Suite("Damaged files by the thousand")
struct FuzzTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// What was read of a volume.
    private struct Outcome: Equatable {
        let shape: VolumeShape
        let scalarType: ScalarType
    }

    /// Opens a volume and reads its first voxel, its last, a small box, and a slice of at most 4 MiB.
    private static func exercise(_ location: VolumeLocation) throws(VolumeError) -> Outcome {
        let volume = try location.open()
        let shape = volume.shape
        func box(_ z: Range<Int>, _ y: Range<Int>, _ x: Range<Int>) -> VoxelBuffer? {
            guard let box = Box(z: z, y: y, x: x) else { return nil }
            do throws(VolumeError) {
                let voxels = try volume.read(box)
                #expect(voxels.bytes.count == box.shape.count * volume.scalarType.size)
                return voxels
            } catch {
                #expect(!error.message.isEmpty)
                return nil
            }
        }
        func middle(_ count: Int) -> Range<Int> { count / 2..<min(count, count / 2 + 3) }
        let first = box(0..<1, 0..<1, 0..<1)
        _ = box(shape.z - 1..<shape.z, shape.y - 1..<shape.y, shape.x - 1..<shape.x)
        _ = box(middle(shape.z), middle(shape.y), middle(shape.x))
        if shape.voxelsPerSlice <= 4 << 20 / volume.scalarType.size, let first, let slice = box(0..<1, 0..<shape.y, 0..<shape.x) {
            #expect(slice.bytes.starts(with: first.bytes), "a voxel differs from its slice")
        }
        #expect(volume.header.voxelSize.map { VoxelSize.plausibleRange.contains($0.xInAngstroms) } ?? true)
        return Outcome(shape: shape, scalarType: volume.scalarType)
    }

    /// Damages samples in turn and reads what comes out: the members in turn too, of which the first is that of the sound file.
    private func fuzz(_ samples: [FuzzSample], count: Int, seed: UInt64, members: [String?] = [nil]) throws {
        let originals = try samples.map { sample in
            let path = try directory.write(sample.name, stored(sample, sample.bytes))
            return try Self.exercise(VolumeLocation(path: path, member: members[0]))
        }
        var mutator = FileMutator(seed: seed)
        var refused = 0
        for index in 0..<count {
            let sample = samples[index % samples.count]
            let mutant = mutator.mutate(sample.bytes, fields: sample.fields, isText: sample.isText)
            let path = try directory.write("seed-\(seed)-index-\(index)-\(sample.name)", stored(sample, mutant))
            let member = members[index / samples.count % members.count]
            do throws(VolumeError) {
                let outcome = try Self.exercise(VolumeLocation(path: path, member: member))
                if member == members[0], Self.changesVoxelsOnly(mutant, of: sample) {
                    let original = originals[index % samples.count]
                    #expect(outcome == original, "seed \(seed), \(index)")
                }
            } catch {
                refused += 1
                #expect(!error.message.isEmpty)
                let mayBeRefused = member != members[0] || !Self.changesVoxelsOnly(mutant, of: sample)
                #expect(mayBeRefused, "seed \(seed), \(index): \(error)")
            }
            unlink(path)
        }
        // Damage that is never noticed, or always, would be none worth the name.
        #expect(refused > count / 20 && refused < count)
        try Self.expectSmallMemory()
    }

    private func stored(_ sample: FuzzSample, _ bytes: [UInt8]) -> [UInt8] {
        sample.isCompressed ? GzipFixture.member(bytes, level: 1) : bytes
    }

    private static func changesVoxelsOnly(_ mutant: [UInt8], of sample: FuzzSample) -> Bool {
        mutant.count == sample.bytes.count && mutant[..<sample.voxels.lowerBound] == sample.bytes[..<sample.voxels.lowerBound]
            && mutant[sample.voxels.upperBound...] == sample.bytes[sample.voxels.upperBound...]
    }

    /// No header made the process take memory by the size that it claims. All tests of the process share the mark.
    private static func expectSmallMemory() throws {
        let peak = try #require(ProcessMemory.peak())
        #expect(peak < 1536 << 20, "the process once held \(peak >> 20) MiB")
    }

    @Test("MRC files")
    func mrc() throws { try fuzz(FuzzSample.mrc(), count: 3000, seed: 1, members: [nil, nil, "0", "1"]) }

    @Test("MRC files compressed by gzip, damaged before or after")
    func gzip() throws { try fuzz(FuzzSample.gzip(), count: 2000, seed: 2) }

    @Test("TIFF stacks")
    func tiff() throws { try fuzz(FuzzSample.tiff(), count: 3000, seed: 3) }

    /// Of 12,000 such files (seed 77) libhdf5 1.10.8 ends its process on three, which is why a copy of ours meets them first.
    /// In seven of them it makes other voxels of a chunk that is shorter than it says in each reading: with another seed,
    /// expect that finding.
    @Test("HDF5 files")
    func hdf5() throws { try fuzz(FuzzSample.hdf5(in: directory), count: 1200, seed: 4, members: ["raw", nil]) }

    /// Damages the files of a store in turn, and reads what comes out. The store is renamed for each damaged file, to bear the seed
    /// and the index.
    private func fuzz(store name: String, parts: [String], count: Int, members: [String?], mutator: inout FileMutator) throws {
        let original = try Self.exercise(VolumeLocation(path: directory.file(name)))
        var path = directory.file(name)
        for index in 0..<count {
            let part = parts[index % parts.count]
            let renamed = directory.file("seed-\(mutator.seed)-index-\(index)-\(name)")
            try #require(rename(path, renamed) == 0)
            path = renamed
            let file = URL(fileURLWithPath: "\(path)/\(part)")
            let sound = try Data(contentsOf: file)
            let isChunk = part.last?.isNumber ?? false
            let mutant = mutator.mutate(Array(sound), fields: 0..<sound.count, isText: !isChunk)
            try Data(mutant).write(to: file)
            do throws(VolumeError) {
                let outcome = try Self.exercise(VolumeLocation(path: path, member: members[index % members.count]))
                if isChunk { #expect(outcome == original, "\(path)") }
            } catch {
                // Chunks are not looked at before they are read.
                #expect(!isChunk && !error.message.isEmpty, "\(path): \(error)")
            }
            try sound.write(to: file)
        }
    }

    @Test("OME-Zarr stores")
    func zarr() throws {
        let axes = #"[{"name": "z", "type": "space", "unit": "angstrom"}, {"name": "y"}, {"name": "x"}]"#
        let attributes = ZarrFixture.attributes(axes: axes, paths: ["0", "1"], scales: ["[5, 5, 5]", "[10, 10, 10]"])
        var mutator = FileMutator(seed: 5)
        for (store, compressor) in ["null", #"{"id": "zlib", "level": 1}"#, #"{"id": "gzip", "level": 1}"#].enumerated() {
            let name = "t\(store).zarr"
            let fixture = ZarrFixture(shape: [3, 4, 5], chunks: [2, 2, 5], dtype: "<u2", compressor: compressor)
            for level in ["0", "1"] {
                try fixture.write(to: "\(name)/\(level)", in: directory, size: 2) { [UInt8($0[2]), UInt8($0[0])] }
            }
            try directory.write("\(name)/.zattrs", attributes)
            try directory.write("\(name)/.zgroup", Array(#"{"zarr_format": 2}"#.utf8))
            let parts = ["0/.zarray", ".zattrs", "0/.zarray", "0/0.0.0", "0/1.1.0", ".zgroup"]
            try fuzz(store: name, parts: parts, count: 700, members: ["0", nil, nil, nil], mutator: &mutator)
        }
        try Self.expectSmallMemory()
    }

    @Test("zarr arrays of every codec, and shards")
    func zarrCodecs() throws {
        try ZarrGolden.write("", to: directory)
        let names = try ZarrGolden.names().filter { !$0.contains("-type-") }
        let count = FuzzCount.usual(200 * names.count) / names.count + 1
        for (number, name) in names.enumerated() {
            let files = try ZarrGolden.files().map(\.path).filter { $0.hasPrefix("\(name)/") && !$0.hasSuffix(".zattrs") }
            let parts = files.map { String($0.dropFirst(name.count + 1)) }
            let metadata = try #require(parts.first { $0 == ".zarray" || $0 == "zarr.json" })
            let chunks = parts.filter { $0 != metadata }
            // A file of chunks twice for each time that the metadata are damaged.
            var mutator = FileMutator(seed: UInt64(100 + number))
            try fuzz(
                store: name, parts: [metadata] + [chunks[0], chunks[chunks.count - 1]], count: count, members: [nil],
                mutator: &mutator)
        }
        try Self.expectSmallMemory()
    }

    @Test("points: CSV, STAR, copick's JSON and the portal's ndjson")
    func points() throws {
        let seed: UInt64 = 6
        let samples = FuzzSample.points()
        for sample in samples {
            let path = try directory.write(sample.name, sample.bytes)
            #expect(try !PointFile.read(path).points.isEmpty)
        }
        var mutator = FileMutator(seed: seed)
        var refused = 0
        let count = FuzzCount.usual(4000)
        for index in 0..<count {
            let sample = samples[index % samples.count]
            let mutant = mutator.mutate(sample.bytes, fields: sample.fields, isText: true)
            let path = try directory.write("seed-\(seed)-index-\(index)-\(sample.name)", mutant)
            do throws(VolumeError) {
                let set = try PointFile.read(path)
                #expect(set.points.allSatisfy { ($0.x + $0.y + $0.z).isFinite }, "seed \(seed), \(index)")
            } catch {
                refused += 1
                #expect(!error.message.isEmpty)
            }
            unlink(path)
        }
        #expect(refused > count / 20 && refused < count)
        try Self.expectSmallMemory()
    }
}
