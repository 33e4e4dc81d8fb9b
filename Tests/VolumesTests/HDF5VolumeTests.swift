import Basics
import CHDF5
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Volumes

@Suite("HDF5 volumes")
struct HDF5VolumeTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func fixture(_ name: String = "volume.h5", _ write: (HDF5Fixture) -> Void) -> String {
        let fixture = HDF5Fixture(directory.file(name))
        write(fixture)
        fixture.close()
        return fixture.path
    }

    private func values<Value: VoxelScalar>(_ volume: HDF5Volume, _: Value.Type = Value.self) throws -> [Value] {
        try #require(try volume.read(volume.shape.box).withValues(as: Value.self) { Array($0) })
    }

    @Test("slices, rows and boxes of a chunked, compressed dataset")
    func boxes() throws {
        let source = (0..<7 * 9 * 11).map { Float($0) }
        let path = fixture { file in
            file.write("raw", [7, 9, 11], source, memoryType: chdf5_type_f32()) { creation in
                H5Pset_chunk(creation, 3, [2, 4, 5])
                H5Pset_shuffle(creation)
                H5Pset_deflate(creation, 4)
            }
        }
        let volume = try HDF5Volume(path: path, dataset: "/raw")
        #expect(volume.shape == VolumeShape(z: 7, y: 9, x: 11))
        #expect(volume.scalarType == .float32)
        #expect(volume.chunkShape == VolumeShape(z: 2, y: 4, x: 5))
        #expect(volume.header.format == "HDF5")
        #expect(volume.header.voxelSize == nil)
        #expect(volume.header.notes == [])
        #expect(try values(volume) == source)
        let box = try #require(Box(z: 3..<6, y: 2..<9, x: 4..<6))
        let expected = (3..<6).flatMap { z in (2..<9).flatMap { y in (4..<6).map { x in source[(z * 9 + y) * 11 + x] } } }
        #expect(try volume.read(box).withValues(as: Float.self) { Array($0) } == expected)
        let outside = try #require(Box(z: 6..<8, y: 0..<1, x: 0..<1))
        let error = #expect(throws: VolumeError.self) { try volume.read(outside) }
        #expect(error?.code == .outOfBounds)
    }

    @Test("a plane is one slice, and axes of extent 1 in front do not count")
    func ranks() throws {
        let path = fixture { file in
            file.write("plane", [2, 3], [1, 2, 3, 4, 5, 6] as [Int16], memoryType: chdf5_type_i16())
            file.write("five", [1, 1, 2, 1, 3], [1, 2, 3, 4, 5, 6] as [Int16], memoryType: chdf5_type_i16())
            file.write("line", [6], [1, 2, 3, 4, 5, 6] as [Int16], memoryType: chdf5_type_i16())
            file.write("channels", [2, 1, 1, 3], [1, 2, 3, 4, 5, 6] as [Int16], memoryType: chdf5_type_i16())
            file.write("empty", [0, 2, 3], [Int16](), memoryType: chdf5_type_i16())
        }
        let plane = try HDF5Volume(path: path, dataset: "plane")
        #expect(plane.shape == VolumeShape(z: 1, y: 2, x: 3))
        #expect(try values(plane) == [1, 2, 3, 4, 5, 6] as [Int16])
        let five = try HDF5Volume(path: path, dataset: "five")
        #expect(five.shape == VolumeShape(z: 2, y: 1, x: 3))
        #expect(try five.readSlice(z: 1).withValues(as: Int16.self) { Array($0) } == [4, 5, 6])
        for name in ["line", "channels"] {
            let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: name) }
            #expect(error?.code == .unsupported)
        }
        let empty = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: "empty") }
        #expect(empty?.code == .malformed)
    }

    @Test("numbers of other byte orders and widths are converted")
    func types() throws {
        let big = H5Tcopy(chdf5_type_i32())
        H5Tset_order(big, H5T_ORDER_BE)
        let wide24 = H5Tcopy(chdf5_type_u32())
        H5Tset_precision(wide24, 24)
        H5Tset_size(wide24, 3)
        let bigHalf = H5Tcopy(ScalarType.float16.hdf5)
        H5Tset_order(bigHalf, H5T_ORDER_BE)
        let brainFloat = H5Tcopy(chdf5_type_f32())
        H5Tset_fields(brainFloat, 15, 7, 8, 0, 7)
        H5Tset_size(brainFloat, 2)
        H5Tset_ebias(brainFloat, 127)
        let truth = H5Tenum_create(chdf5_type_i8())
        for (name, value) in [("FALSE", 0), ("TRUE", 1)] as [(String, Int8)] {
            withUnsafePointer(to: value) { _ = H5Tenum_insert(truth, name, $0) }
        }
        let path = fixture { file in
            file.write("big", [1, 1, 2], [-5, 70_000] as [Int32], memoryType: chdf5_type_i32(), type: big)
            file.write("wide24", [1, 1, 2], [7, 16_000_000] as [UInt32], memoryType: chdf5_type_u32(), type: wide24)
            file.write("half", [1, 1, 2], [1.5, -0.1] as [Float16], memoryType: ScalarType.float16.hdf5)
            file.write("bigHalf", [1, 1, 2], [1.5, -0.1] as [Float16], memoryType: ScalarType.float16.hdf5, type: bigHalf)
            file.write("brain", [1, 1, 2], [1.5, 1e30] as [Float], memoryType: chdf5_type_f32(), type: brainFloat)
            file.write("truth", [1, 1, 2], [0, 1] as [Int8], memoryType: truth)
        }
        for type in [big, wide24, bigHalf, brainFloat, truth] { H5Tclose(type) }
        #expect(try values(HDF5Volume(path: path, dataset: "big")) == [-5, 70_000] as [Int32])
        #expect(try values(HDF5Volume(path: path, dataset: "wide24")) == [7, 16_000_000] as [UInt32])
        #expect(try values(HDF5Volume(path: path, dataset: "half")) == [1.5, -0.1] as [Float16])
        #expect(try values(HDF5Volume(path: path, dataset: "bigHalf")) == [1.5, -0.1] as [Float16])
        let brain = try values(HDF5Volume(path: path, dataset: "brain"), Float.self)
        #expect(brain[0] == 1.5)
        #expect(abs(brain[1] / 1e30 - 1) < 0.01)
        let masks = try HDF5Volume(path: path, dataset: "truth")
        #expect(try values(masks) == [0, 1] as [Int8])
        #expect(masks.header.notes == ["the elements are stored as another type and read as int8"])
    }

    @Test("a missing dataset is refused with the ones there are, also where groups contain themselves")
    func missingDataset() throws {
        let path = fixture { file in
            file.makeGroup("a")
            file.makeGroup("a/b")
            file.hardLink("a/b/loop", to: "/")
            file.write("a/volume", [1, 1, 1], [1.0], memoryType: chdf5_type_f64())
            file.write("line", [1], [1.0], memoryType: chdf5_type_f64())
            file.link("nowhere", to: "/gone")
        }
        let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: "/volume") }
        #expect(error?.message.contains("cannot open the dataset '/volume'") == true)
        #expect(error?.message.contains("name one of the datasets of two axes or more: '/a/b/loop/") == true)
        #expect(error?.message.contains("'/a/volume'") == true)
        for name in ["", "a", "nowhere", "line/x"] {
            #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: name) }
        }
    }

    @Test("a link inside the file is followed, one into another file is not")
    func links() throws {
        let other = fixture("other.h5") { $0.write("raw", [1, 1, 1], [1.0], memoryType: chdf5_type_f64()) }
        let path = fixture { file in
            file.write("raw", [1, 1, 1], [2.0], memoryType: chdf5_type_f64())
            file.link("soft", to: "/raw")
            file.link("external", toFile: other, "/raw")
            file.link("group", toFile: other, "/")
            file.link("detour", to: "/group/raw")
        }
        #expect(try values(HDF5Volume(path: path, dataset: "soft")) == [2.0])
        for name in ["external", "/group/raw"] {
            let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: name) }
            #expect(error?.message == "the dataset '\(name)' is a link into another file; name that file instead")
        }
        #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: "detour") }
    }

    @Test("elements in external files and virtual datasets are refused")
    func elsewhere() throws {
        let data = try directory.write("secret.raw", [UInt8](repeating: 7, count: 64))
        let path = fixture { file in
            file.write("external", [2, 4, 8], [UInt8](), memoryType: chdf5_type_u8()) { creation in
                H5Pset_external(creation, data, 0, 64)
            }
            file.write("source", [1, 2, 2], [1, 2, 3, 4] as [UInt8], memoryType: chdf5_type_u8())
            file.write("virtual", [1, 2, 2], [UInt8](), memoryType: chdf5_type_u8()) { creation in
                let space = H5Screate_simple(3, [1, 2, 2], nil)
                H5Pset_virtual(creation, space, data, "source", space)
                H5Sclose(space)
            }
        }
        for name in ["external", "virtual"] {
            let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: name) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("which is not read") == true)
        }
    }

    @Test("text, compound and other types are refused by name")
    func unsupportedTypes() throws {
        let compound = H5Tcreate(H5T_COMPOUND, 8)
        H5Tinsert(compound, "re", 0, chdf5_type_f32())
        H5Tinsert(compound, "im", 4, chdf5_type_f32())
        let text = H5Tcopy(chdf5_type_c_string())
        H5Tset_size(text, 4)
        let path = fixture { file in
            file.write("compound", [1, 1, 1], [1, 2] as [Float], memoryType: compound)
            file.write("text", [1, 1, 1], [65, 66, 67, 0] as [UInt8], memoryType: text)
        }
        H5Tclose(compound)
        H5Tclose(text)
        for (name, type) in [("compound", "compound"), ("text", "string")] {
            let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: name) }
            #expect(error?.code == .unsupported)
            #expect(error?.message == "the dataset '\(name)' has elements of the type '\(type)'; name one of numbers")
        }
    }

    @Test("an unknown codec is refused with the number of its filter")
    func unknownFilter() throws {
        let path = fixture { file in
            file.write("raw", [1, 8, 8], [UInt8](repeating: 1, count: 64), memoryType: chdf5_type_u8()) { creation in
                H5Pset_chunk(creation, 3, [1, 8, 8])
                H5Pset_deflate(creation, 1)
            }
        }
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        // The filter's number stands eight bytes before its name.
        let name = Array("deflate\0".utf8)
        let place = try #require(bytes.indices.first { Array(bytes[$0...].prefix(8)) == name })
        bytes[place - 8] = UInt8(32001 & 255)
        bytes[place - 7] = UInt8(32001 >> 8)
        let patched = try directory.write("patched.h5", bytes)
        let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: patched, dataset: "raw") }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("a codec that is not supported, the HDF5 filter 32001 (Blosc)") == true)
    }

    @Test("chunks larger than memory should hold are refused")
    func largeChunks() throws {
        let path = fixture { file in
            file.write("raw", [1024, 1024, 1024], [UInt8](), memoryType: chdf5_type_u8()) { creation in
                H5Pset_chunk(creation, 3, [1024, 1024, 1024])
            }
        }
        let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: "raw") }
        #expect(error?.code == .tooLarge)
    }

    @Test("what is no HDF5, missing or cut short is told apart")
    func garbage() throws {
        let garbage = try directory.write("garbage.h5", [UInt8](repeating: 1, count: 3000))
        let path = fixture { $0.write("raw", [10, 10, 10], [Double](repeating: 1, count: 1000), memoryType: chdf5_type_f64()) }
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let short = try directory.write("short.h5", whole.prefix(whole.count / 2))
        for (path, code) in [(garbage, .malformed), (directory.file("none.h5"), .unreadable), (short, .truncated)]
            as [(String, VolumeErrorCode)]
        {
            let error = #expect(throws: VolumeError.self) { try HDF5Volume(path: path, dataset: "raw") }
            #expect(error?.code == code)
        }
        #expect(throws: VolumeError.self) { try HDF5Volume(path: directory.path, dataset: "raw") }
    }

    @Test("a read-only file is read, also while another program has it locked")
    func locks() throws {
        let path = fixture { $0.write("raw", [1, 1, 1], [3.0], memoryType: chdf5_type_f64()) }
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
        let handle = try #require(FileHandle(forReadingAtPath: path))
        flock(handle.fileDescriptor, LOCK_EX)
        #expect(try values(HDF5Volume(path: path, dataset: "raw")) == [3.0])
        try handle.close()
    }

    @Test("several threads read one volume")
    func concurrency() throws {
        let source = (0..<20 * 30 * 40).map { UInt16($0) }
        let path = fixture { file in
            file.write("raw", [20, 30, 40], source, memoryType: chdf5_type_u16()) { H5Pset_chunk($0, 3, [7, 8, 9]) }
        }
        let volume = try HDF5Volume(path: path, dataset: "raw")
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 40) { index in
            let slice = try? volume.readSlice(z: index / 2).withValues(as: UInt16.self) { Array($0) }
            if slice != Array(source[index / 2 * 1200..<(index / 2 + 1) * 1200]) { wrong.withLock { $0 += 1 } }
        }
        #expect(wrong.withLock { $0 } == 0)
    }

    @Test("flipped bits never crash the process")
    func flippedBits() throws {
        let path = fixture { file in
            file.write("raw", [4, 8, 8], (0..<256).map { UInt8($0) }, memoryType: chdf5_type_u8()) { creation in
                H5Pset_chunk(creation, 3, [2, 8, 8])
                H5Pset_deflate(creation, 1)
            }
            file.setAttribute("voxel_size", on: "raw", [10], isScalar: true)
        }
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        var refused = 0
        for index in stride(from: 0, to: bytes.count, by: 7) {
            var damaged = bytes
            damaged[index] ^= 1 << (index % 8)
            let file = try directory.write("flipped.h5", damaged)
            do throws(VolumeError) {
                let volume = try HDF5Volume(path: file, dataset: "raw")
                if volume.shape.count < 1 << 20 { _ = try volume.read(volume.shape.box) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}

@Suite("Voxel sizes in HDF5 attributes")
struct HDF5VoxelSizeTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func voxelSize(_ attributes: (HDF5Fixture) -> Void) throws -> (VoxelSize?, notes: [String]) {
        let fixture = HDF5Fixture(directory.file("\(UUID().uuidString).h5"))
        fixture.write("raw", [1, 1, 1], [1.0], memoryType: chdf5_type_f64())
        attributes(fixture)
        fixture.close()
        let header = try HDF5Volume(path: fixture.path, dataset: "raw").header
        return (header.voxelSize, header.notes)
    }

    @Test("one number is a cube, three are z, y, x")
    func edges() throws {
        let cube = VoxelSize(cubicInAngstroms: 13.48)
        #expect(try voxelSize { $0.setAttribute("voxel_size", on: "raw", [13.48], isScalar: true) } == (cube, []))
        #expect(try voxelSize { $0.setAttribute("pixel_size", on: "raw", [13.48]) } == (cube, []))
        let (size, notes) = try voxelSize { $0.setAttribute("voxel_size", on: "raw", [30, 20, 10]) }
        #expect(size == VoxelSize(xInAngstroms: 10, yInAngstroms: 20, zInAngstroms: 30))
        #expect(notes == ["the attribute 'voxel_size' was read in the order z, y, x"])
        #expect(try voxelSize { $0.setAttribute("voxel_size", on: "raw", [1, 2]) } == (nil, []))
    }

    @Test("units are understood, and needed where the name is ambiguous")
    func units() throws {
        let micrometres = try voxelSize { $0.setAttribute("element_size_um", on: "raw", [0.001, 0.001, 0.001]) }
        #expect(micrometres.0 == VoxelSize(cubicInAngstroms: 10))
        let nanometres = try voxelSize {
            $0.setAttribute("voxel_size", on: "raw", [1.25], isScalar: true)
            $0.setAttribute("unit", on: "raw", [], text: "nm")
        }
        #expect(nanometres.0 == VoxelSize(cubicInAngstroms: 12.5))
        #expect(try voxelSize { $0.setAttribute("resolution", on: "raw", [4, 4, 4]) }.0 == nil)
        let resolution = try voxelSize {
            $0.setAttribute("resolution", on: "raw", [4, 4, 4])
            $0.setAttribute("resolution_unit", on: "raw", [], text: "Å")
        }
        #expect(resolution.0 == VoxelSize(cubicInAngstroms: 4))
        let furlongs = try voxelSize {
            $0.setAttribute("voxel_size", on: "raw", [1], isScalar: true)
            $0.setAttribute("unit", on: "raw", [], text: "furlong")
        }
        #expect(furlongs.0 == nil)
    }

    @Test("the dataset goes before the file, and what no voxel has is none")
    func plausibility() throws {
        let both = try voxelSize {
            $0.setAttribute("voxel_size", on: "/", [20], isScalar: true)
            $0.setAttribute("pixel_size", on: "raw", [10], isScalar: true)
        }
        #expect(both.0 == VoxelSize(cubicInAngstroms: 10))
        let file = try voxelSize { $0.setAttribute("voxel_size", on: "/", [20], isScalar: true) }
        #expect(file.0 == VoxelSize(cubicInAngstroms: 20))
        for value in [0, -1, .nan, .infinity, 1e9] {
            #expect(try voxelSize { $0.setAttribute("voxel_size", on: "raw", [value], isScalar: true) }.0 == nil)
        }
    }
}
