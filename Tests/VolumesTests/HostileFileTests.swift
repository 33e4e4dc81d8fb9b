import Basics
import CHDF5
import Foundation
import TestSupport
import Testing

@testable import Volumes

/// Files made to be expensive or to lie. What a single reader refuses stands with the tests of that reader; here is what
/// must be refused at the door, ``VolumeLocation/open()``, or be read in small memory.
@Suite("Hostile files")
struct HostileFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func refusal(_ name: String, _ bytes: [UInt8], member: String? = nil) throws -> VolumeError {
        let location = VolumeLocation(path: try directory.write(name, bytes), member: member)
        return try #require(throws: VolumeError.self) {
            let volume = try location.open()
            _ = try volume.readSlice(z: 0)
        }
    }

    @Test(
        "an MRC header with impossible sizes is refused",
        arguments: [
            ([.max, .max, .max], .malformed), ([-4, 3, 2], .malformed), ([.min, .min, .min], .malformed),
            ([4, 3, 0], .malformed),
            ([.max, .max, 1], .malformed), ([.max, 1 << 20, 1], .truncated), ([4, 3, .max], .truncated),
        ] as [([Int32], VolumeErrorCode)])
    func mrcSizes(size: [Int32], code: VolumeErrorCode) throws {
        var fixture = MRCFixture.ramp
        fixture.size = size
        #expect(try refusal("volume.mrc", fixture.bytes).code == code)
    }

    @Test("an MRC header whose mode is wider than the voxels is refused, and one that is narrower noted")
    func lyingMode() throws {
        var fixture = MRCFixture.ramp
        fixture.mode = 2
        fixture.voxels = Array(repeating: 1, count: 24)
        #expect(try refusal("wide.mrc", fixture.bytes).code == .truncated)
        fixture = .ramp
        fixture.mode = 1
        let volume = try VolumeLocation(path: directory.write("narrow.mrc", fixture.bytes)).open()
        #expect(volume.header.notes == ["The file is 48 bytes longer than its header says."])
    }

    @Test("a gzip file of some hundred bytes that declares 60000³ voxels is refused before memory is taken")
    func gzipDeclaration() throws {
        var fixture = MRCFixture.ramp
        fixture.size = [60_000, 60_000, 60_000]
        let bytes = GzipFixture.member(fixture.bytes)
        #expect(bytes.count < 1000)
        #expect(try refusal("bomb.mrc.gz", bytes).code == .truncated)
    }

    @Test("an honest gzip file of 600 MB of zeros gives a slice in small memory")
    func gzipZeros() throws {
        var fixture = MRCFixture()
        fixture.size = [2048, 2048, 36]
        let slice = [UInt8](repeating: 0, count: 2048 * 2048 * 4)
        let compressedSlice = GzipFixture.member(slice, level: 9)
        let bytes = GzipFixture.member(fixture.bytes) + Array(repeatElement(compressedSlice, count: 36).joined())
        #expect(bytes.count < 700_000)
        let before = try #require(ProcessMemory.peak())
        let volume = try VolumeLocation(path: directory.write("zeros.mrc.gz", bytes)).open()
        #expect(volume.shape == VolumeShape(z: 36, y: 2048, x: 2048))
        #expect(try volume.readSlice(z: 35).bytes == slice)
        // The slice has 16 MiB, the volume 576; the tests that run beside this one share the mark.
        let growth = try #require(ProcessMemory.peak()) - before
        #expect(growth < 256 << 20, "the process grew by \(growth >> 20) MiB")
    }

    @Test("a TIFF page that claims 65535 tags is refused")
    func tiffTags() throws {
        let header: [UInt8] = Array("II".utf8) + [42, 0, 8, 0, 0, 0, 0xff, 0xff]
        #expect(try refusal("short.tif", header).code == .malformed)
        // As many as it claims are there.
        #expect(try refusal("long.tif", header + [UInt8](repeating: 0, count: 65535 * 12 + 4)).code == .malformed)
    }

    @Test("TIFF offsets past the end of the file are refused", arguments: [0x7fff_ffff, 0x8000_0000, 0xffff_ffff])
    func tiffOffsets(offset: UInt32) throws {
        var page = TIFFFixture.Page()
        page.segments = [Array(0..<12)]
        let bytes = TIFFFixture(pages: [page]).bytes
        func patched(at place: Int) -> [UInt8] {
            var bytes = bytes
            withUnsafeBytes(of: offset.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
            return bytes
        }
        #expect(try refusal("directory.tif", patched(at: 4)).code == .truncated)
        // The directory stands behind the header and twelve voxels; tag 273 (0x0111), the offset of the voxels, is its fifth.
        let field = 20 + 2 + 4 * 12
        try #require(Array(bytes[field..<field + 2]) == [0x11, 0x01])
        #expect(try refusal("voxels.tif", patched(at: field + 8)).code == .truncated)
        #expect(try refusal("count.tif", patched(at: field + 4)).code == .truncated)
    }

    @Test("garbage behind a valid HDF5 signature is refused", arguments: [nil, "raw"])
    func hdf5Garbage(member: String?) throws {
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
        var random = RandomStream(state: 9)
        for version in 0...4 as ClosedRange<UInt8> {
            let noise = (0..<4096).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let error = try refusal("garbage.h5", signature + [version] + noise, member: member)
            #expect([.malformed, .truncated].contains(error.code), "\(error)")
        }
        #expect([.malformed, .truncated].contains(try refusal("signature.h5", signature, member: member).code))
    }

    @Test("a zarr array of 2³¹-voxel chunks is refused, and an axis of more voxels than a volume has")
    func zarrChunks() throws {
        func code(_ name: String, shape: [Int], chunks: [Int]) throws -> VolumeErrorCode? {
            let fixture = ZarrFixture(shape: shape, chunks: chunks, dtype: "|u1")
            try directory.write("\(name)/.zarray", Array(fixture.metadata.utf8))
            return #expect(throws: VolumeError.self) { try VolumeLocation(path: directory.file(name)).open() }?.code
        }
        #expect(try code("chunk", shape: [8, 8, 8], chunks: [1, 1, 1 << 31]) == .malformed)
        #expect(try code("chunks", shape: [8, 8, 8], chunks: [1, 1 << 15, 1 << 16]) == .tooLarge)
        #expect(try code("axis", shape: [1, 1, 1 << 31], chunks: [1, 1, 1]) == .malformed)
    }

    @Test("a zarr array of huge shape without chunks reads its fill value, box by box")
    func zarrHugeShape() throws {
        let fixture = ZarrFixture(shape: [1_000_000, 1_000_000, 100_000], chunks: [16, 16, 16], dtype: "<u2", fill: "7")
        try directory.write("huge/.zarray", Array(fixture.metadata.utf8))
        let volume = try VolumeLocation(path: directory.file("huge")).open()
        let box = try #require(Box(z: 999_998..<1_000_000, y: 500_000..<500_003, x: 15..<17))
        #expect(try volume.read(box).values(UInt16.self) == Array(repeating: 7, count: 12))
        let error = try #require(throws: VolumeError.self) { _ = try volume.readSlice(z: 0) }
        #expect(error.code == .tooLarge)
    }

    @Test(
        "JSON whose keys are not UTF-8 is refused", arguments: [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf8, 0x88]] as [[UInt8]])
    func jsonKeys(bytes: [UInt8]) throws {
        let json = Array("{\"a".utf8) + bytes + Array("\": 1, b".utf8) + bytes + Array(": 2}".utf8)
        let picks = try directory.write("picks.json", json)
        #expect(#expect(throws: VolumeError.self) { try PointFile.read(picks) }?.code == .malformed)
        for name in [".zarray", ".zattrs"] {
            try directory.write("\(name)-store/\(name)", json)
            let location = VolumeLocation(path: directory.file("\(name)-store"))
            #expect(#expect(throws: VolumeError.self) { try location.open() }?.code == .malformed)
        }
    }

    @Test("chunks of an HDF5 dataset that were never written, and have no fill value, show nothing of this process's memory")
    func hdf5WithoutValues() throws {
        let fixture = HDF5Fixture(directory.file("unwritten.h5"))
        fixture.write("raw", [4, 8, 8], [UInt8](), memoryType: chdf5_type_u8()) { creation in
            H5Pset_chunk(creation, 3, [2, 8, 8])
            H5Pset_fill_value(creation, chdf5_type_u8(), nil)
        }
        fixture.write(chunkOf: "raw", at: [0, 0, 0], [UInt8](repeating: 7, count: 128))
        fixture.close()
        let volume = try VolumeLocation(path: fixture.path).open()
        let destination = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 8)
        defer { destination.deallocate() }
        destination.initializeMemory(as: UInt8.self, repeating: 0xa5)
        try volume.read(volume.shape.box, into: destination)
        #expect(destination.elementsEqual(Array(repeating: 7, count: 128) + Array(repeating: 0, count: 128)))
    }

    @Test("a compact HDF5 dataset whose shape is larger than what it stores is refused", arguments: [5, 1 << 18, Int(Int32.max)])
    func hdf5CompactShape(z: Int) throws {
        let fixture = HDF5Fixture(directory.file("compact.h5"))
        fixture.write("raw", [4, 6, 8], [UInt16](repeating: 7, count: 192), memoryType: chdf5_type_u16()) {
            H5Pset_layout($0, H5D_COMPACT)
        }
        fixture.close()
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: fixture.path)))
        #expect(try VolumeLocation(path: fixture.path, member: "raw").open().shape == VolumeShape(z: 4, y: 6, x: 8))
        // The extents stand in the file twice: as they are and as they may become.
        let extents = MRCFixture.voxels([4, 6, 8] as [UInt64])
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: extents + extents) })
        bytes.replaceSubrange(place..<place + 48, with: MRCFixture.voxels([UInt64(z), 6, 8, UInt64(z), 6, 8]))
        let error = try refusal("damaged.h5", bytes, member: "raw")
        #expect(error.code == .malformed)
        #expect(error.message.contains("is larger than what it stores"))
    }
}
