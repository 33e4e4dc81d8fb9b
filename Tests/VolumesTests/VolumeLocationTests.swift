import Basics
import CHDF5
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("The location of a volume")
struct VolumeLocationTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("is split at the colon behind the longest name that exists")
    func parsing() throws {
        let plain = try directory.write("a.h5", [])
        let colon = try directory.write("12:30.mrc", [])
        let both = try directory.write("a.h5:", [])
        func check(_ text: String, _ path: String, _ member: String?) {
            let location = VolumeLocation(parsing: text)
            #expect(location == VolumeLocation(path: path, member: member))
            #expect(location.description == text)
        }
        check(plain, plain, nil)
        check("\(plain):/volumes/raw", plain, "/volumes/raw")
        check("\(plain):/odd:name", plain, "/odd:name")
        check(colon, colon, nil)
        check("\(colon):2", colon, "2")
        check(both, both, nil)
        check("\(both):/x", both, "/x")
        check(directory.path, directory.path, nil)
        check("\(directory.path):/0", directory.path, "/0")
    }

    @Test("of a file that is absent is split where a member follows the last colon")
    func parsingAbsent() {
        #expect(VolumeLocation(parsing: "absent.h5:/x") == VolumeLocation(path: "absent.h5", member: "/x"))
        #expect(VolumeLocation(parsing: "absent.mrc:2") == VolumeLocation(path: "absent.mrc", member: "2"))
        #expect(VolumeLocation(parsing: "absent 12:30.mrc") == VolumeLocation(path: "absent 12:30.mrc"))
        #expect(VolumeLocation(parsing: "absent.mrc") == VolumeLocation(path: "absent.mrc"))
        #expect(VolumeLocation(parsing: ":2") == VolumeLocation(path: ":2"))
        #expect(VolumeLocation(parsing: "") == VolumeLocation(path: ""))
    }

    @Test("opens files by their bytes, whatever their names")
    func sniffing() throws {
        func format(_ name: String, _ bytes: [UInt8]) throws -> String {
            try VolumeLocation(path: directory.write(name, bytes)).open().header.format
        }
        #expect(try format("a.tif", MRCFixture.ramp.bytes) == "MRC")
        #expect(try format("a", MRCFixture.ramp.bytes) == "MRC")
        #expect(try format("a.mrc", GzipFixture.member(MRCFixture.ramp.bytes)) == "MRC (gzip)")
        #expect(try format("b.mrc", TIFFFixture().bytes) == "TIFF")
    }

    @Test("picks a volume of a stack")
    func stack() throws {
        var fixture = MRCFixture()
        fixture.size = [2, 2, 4]
        fixture.sampling = [2, 2, 2]
        fixture.spaceGroup = 401
        fixture.voxels = MRCFixture.voxels((0..<16).map { Float($0) })
        let path = try directory.write("stack.mrc", fixture.bytes)
        #expect(try VolumeLocation(parsing: "\(path):1").open().readSlice(z: 0).floats() == [8, 9, 10, 11])
        #expect(throws: VolumeError.self) { _ = try VolumeLocation(parsing: path).open() }
    }

    @Test("of something else is refused with a sentence")
    func refused() throws {
        func error(_ name: String, _ bytes: [UInt8]) throws -> VolumeError {
            let path = try directory.write(name, bytes)
            return try #require(throws: VolumeError.self) { _ = try VolumeLocation(path: path).open() }
        }
        let text = try error("notes.txt", Array("some text".utf8))
        #expect(text.code == .unsupported)
        #expect(text.message == "is not a volume format that Cellar reads; give MRC, MRC with gzip, TIFF, HDF5 or OME-Zarr")
        #expect(try error("empty", []).code == .unsupported)
        #expect(try error("long.txt", Array(String(repeating: "long text ", count: 500).utf8)).code == .unsupported)
        #expect(try error("._x.mrc", [0, 5, 0x16, 7, 0, 2, 0, 0]).message.contains("AppleDouble"))
        #expect(try error("._x.tif", [0, 5, 0x16, 7, 0, 2, 0, 0]).message.contains("AppleDouble"))
        #expect(try error("map.mrc.bz2", Array("BZh9".utf8)).message.contains("bunzip2"))
        #expect(try error("short.mrc", [1, 2, 3]).code == .truncated)
        #expect(throws: VolumeError.self) {
            let path = try directory.write("a.h5", [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
            _ = try VolumeLocation(path: path).open()
        }
        #expect(try error("png.gz", GzipFixture.member([0x89, 0x50, 0x4e, 0x47, 0x0d])).message.contains("PNG"))

        let folder = try #require(throws: VolumeError.self) { _ = try VolumeLocation(path: directory.path).open() }
        #expect(folder.message.contains("is a folder"))
        let absent = try #require(throws: VolumeError.self) { _ = try VolumeLocation(path: directory.file("absent.mrc")).open() }
        #expect(absent.code == .unreadable)
        #expect(absent.message == "there is no such file; check its path")
    }

    @Test("of an HDF5 file needs no dataset where there is but one")
    func onlyDataset() throws {
        let path = directory.file("file.bin")
        var fixture = HDF5Fixture(path)
        fixture.write("raw", [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8] as [Float], memoryType: chdf5_type_f32())
        fixture.close()
        #expect(try VolumeLocation(parsing: path).open().readSlice(z: 1).floats() == [5, 6, 7, 8])
        #expect(try VolumeLocation(parsing: "\(path):/raw").open().readSlice(z: 0).floats() == [1, 2, 3, 4])

        let several = directory.file("several.h5")
        fixture = HDF5Fixture(several)
        fixture.write("raw", [2, 2], [1, 2, 3, 4] as [Float], memoryType: chdf5_type_f32())
        fixture.write("mask", [2, 2], [1, 2, 3, 4] as [Float], memoryType: chdf5_type_f32())
        fixture.close()
        let error = try #require(throws: VolumeError.self) { _ = try VolumeLocation(path: several).open() }
        #expect(error.code == .ambiguous)
        #expect(error.message.contains("\(several):/mask, \(several):/raw"))
    }

    @Test("of a folder is that of its zarr array")
    func zarr() throws {
        let metadata = """
            {"zarr_format": 2, "shape": [2, 2, 2], "chunks": [2, 2, 2], "dtype": "|u1", "compressor": null, "fill_value": 0,
             "order": "C", "filters": null}
            """
        try directory.write("tomogram.zarr/0/.zarray", Array(metadata.utf8))
        try directory.write("tomogram.zarr/0/0.0.0", [1, 2, 3, 4, 5, 6, 7, 8])
        let volume = try VolumeLocation(parsing: directory.file("tomogram.zarr") + ":/0").open()
        #expect(try volume.readSlice(z: 1).floats() == [5, 6, 7, 8])
        #expect(throws: VolumeError.self) { _ = try VolumeLocation(parsing: directory.file("tomogram.zarr") + ":/1").open() }
    }

    @Test("of a pipe is refused, and not waited for")
    func pipe() throws {
        let path = directory.file("pipe.mrc")
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: VolumeError.self) { _ = try VolumeLocation(path: path).open() }
    }
}
