import Basics
import TestSupport
import Testing
import Volumes

@Suite("A TIFF stack")
struct TIFFReaderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func volume(_ fixture: TIFFFixture) throws -> TIFFVolume {
        try TIFFVolume(path: directory.write("stack.tif", fixture.bytes))
    }

    private func error(_ fixture: TIFFFixture) throws -> VolumeError {
        let path = try directory.write("stack.tif", fixture.bytes)
        return try #require(throws: VolumeError.self) { _ = try TIFFVolume(path: path) }
    }

    private static let layouts = [(true, false), (false, false), (true, true), (false, true)]

    @Test("is read in every type, byte order and size of offsets", arguments: layouts)
    func types(isLittleEndian: Bool, isBig: Bool) throws {
        func check<Value: VoxelScalar & Equatable, Bits: FixedWidthInteger>(
            _ format: Int, _ values: [Value], _ bits: (Value) -> Bits
        ) throws {
            var fixture = TIFFFixture(isLittleEndian: isLittleEndian, isBig: isBig)
            fixture.pages = [0, 12].map { first in
                var page = TIFFFixture.Page()
                page.bits = MemoryLayout<Value>.size * 8
                page.format = format
                page.segments = [fixture.stored(values[first..<first + 12].map(bits))]
                return page
            }
            let volume = try volume(fixture)
            #expect(volume.shape == VolumeShape(z: 2, y: 3, x: 4))
            #expect(volume.scalarType == Value.scalarType)
            #expect(volume.header.format == (isBig ? "BigTIFF" : "TIFF"))
            #expect(try volume.read(volume.shape.box).values(Value.self) == values)
            let box = try #require(Box(z: 1..<2, y: 1..<3, x: 1..<3))
            #expect(try volume.read(box).values(Value.self) == [17, 18, 21, 22].map { values[$0] })
        }
        try check(1, (0..<24).map { UInt8($0 * 10) }) { $0 }
        try check(2, (-12..<12).map { Int8($0 * 10) }) { $0 }
        try check(1, (0..<24).map { UInt16($0 * 2700) }) { $0 }
        try check(2, (-12..<12).map { Int16($0 * 2700) }) { $0 }
        try check(1, (0..<24).map { UInt32($0 * 100_000_000) }) { $0 }
        try check(2, (-12..<12).map { Int32($0 * 100_000_000) }) { $0 }
        try check(3, (-12..<12).map { Float($0) / 7 }) { $0.bitPattern }
        try check(3, (-12..<12).map { Double($0) / 7 }) { $0.bitPattern }
        try check(3, (-12..<12).map { Float16($0) / 7 }) { $0.bitPattern }
    }

    /// A page of uint16 in strips or tiles, compressed and predicted as wished, and its values.
    private func page(
        in fixture: TIFFFixture, width: Int, height: Int, compression: Int, predictor: Int, tile: (width: Int, height: Int)?,
        rowsPerStrip: Int
    ) -> (page: TIFFFixture.Page, values: [UInt16]) {
        var generator = RandomStream(state: 9)
        let values = (0..<width * height).map { _ in UInt16.random(in: 0...9999, using: &generator) }
        var page = TIFFFixture.Page()
        (page.width, page.height, page.bits, page.compression) = (width, height, 16, compression)
        page.predictor = predictor
        page.tile = tile
        page.rowsPerStrip = tile == nil ? rowsPerStrip : nil
        page.segments = []
        let segment = tile ?? (width, rowsPerStrip)
        for top in stride(from: 0, to: height, by: segment.height) {
            for left in stride(from: 0, to: width, by: segment.width) {
                var bytes: [UInt8] = []
                for row in top..<(tile == nil ? min(top + segment.height, height) : top + segment.height) {
                    // Tiles are filled up beyond the edge of the page.
                    let line = (left..<left + segment.width).map { column in
                        row < height && column < width ? values[row * width + column] : 0xdead
                    }
                    let differences = line.indices.map { $0 == 0 ? line[0] : line[$0] &- line[$0 - 1] }
                    bytes += fixture.stored(predictor == 2 ? differences : line)
                }
                switch compression {
                case 8, 32946: page.segments.append(GzipFixture.deflated(bytes))
                case 5: page.segments.append(LZWEncoder.encode(bytes))
                default: page.segments.append(bytes)
                }
            }
        }
        return (page, values)
    }

    @Test("is read in strips and tiles, compressed or not, with differences or without", arguments: [1, 8, 32946, 5], layouts)
    func segments(compression: Int, layout: (Bool, Bool)) throws {
        var fixture = TIFFFixture(isLittleEndian: layout.0, isBig: layout.1)
        let (width, height) = (150, 70)
        for predictor in compression == 1 ? [1] : [1, 2] {
            for (tile, rows) in [(nil, 70), (nil, 8), (nil, 1), ((64, 32), 0), ((16, 16), 0), ((160, 80), 0)]
                as [((Int, Int)?, Int)]
            {
                let made = page(
                    in: fixture, width: width, height: height, compression: compression, predictor: predictor,
                    tile: tile.map { (width: $0.0, height: $0.1) }, rowsPerStrip: rows)
                fixture.pages = [made.page, made.page]
                let volume = try volume(fixture)
                #expect(try volume.readSlice(z: 1).values(UInt16.self) == made.values)
                let box = try #require(Box(z: 0..<2, y: 20..<69, x: 13..<140))
                let expected = (20..<69).flatMap { made.values[$0 * width + 13..<$0 * width + 140] }
                #expect(try volume.read(box).values(UInt16.self) == expected + expected)
            }
        }
    }

    @Test("with differences of float bytes is put together again", arguments: [true, false])
    func floatPredictor(isLittleEndian: Bool) throws {
        let values = (0..<12).map { Float($0) * 1.7 - 3 }
        var fixture = TIFFFixture(isLittleEndian: isLittleEndian)
        var bytes: [UInt8] = []
        for row in 0..<3 {
            let planes = [24, 16, 8, 0].flatMap { shift in
                values[row * 4..<row * 4 + 4].map { UInt8(truncatingIfNeeded: $0.bitPattern >> UInt32(shift)) }
            }
            bytes += planes.indices.map { $0 == 0 ? planes[0] : planes[$0] &- planes[$0 - 1] }
        }
        fixture.pages[0].bits = 32
        fixture.pages[0].format = 3
        fixture.pages[0].compression = 8
        fixture.pages[0].predictor = 3
        fixture.pages[0].segments = [GzipFixture.deflated(bytes)]
        #expect(try volume(fixture).readSlice(z: 0).floats() == values)
        fixture.pages[0].format = 1
        #expect(try error(fixture).message.contains("predictor 3"))
    }

    @Test("of ImageJ beyond 4 GB has one page and its slices behind each other")
    func imageJ() throws {
        var fixture = TIFFFixture(isLittleEndian: false)
        fixture.pages[0].description = "ImageJ=1.53t\nimages=3\nslices=3\nunit=nm\nspacing=2.5\nloop=false\n"
        fixture.pages[0].resolution = ((1_000_000, 1_360_000), (1_000_000, 1_360_000), 1)
        fixture.pages[0].segments = [Array(0..<36)]
        let volume = try volume(fixture)
        #expect(volume.shape == VolumeShape(z: 3, y: 3, x: 4))
        #expect(try volume.read(volume.shape.box).values(UInt8.self) == Array(0..<36))
        #expect(volume.header.voxelSize == VoxelSize(xInAngstroms: 13.6, yInAngstroms: 13.6, zInAngstroms: 25))
        fixture.pages[0].description = "ImageJ=1.53t\nimages=30000\n"
        #expect(try error(fixture).code == .truncated)
        fixture.pages[0].description = "ImageJ=1.53t\nimages=99999999999999999999\n"
        #expect(try self.volume(fixture).shape.z == 1)
        fixture.pages[0].description = "ImageJ=1.53t\nimages=2\nchannels=2\n"
        #expect(try self.volume(fixture).header.notes.first?.contains("channels") == true)
    }

    @Test("has a voxel size where resolution or ImageJ give a plausible one")
    func voxelSize() throws {
        func voxelSize(_ x: (Int, Int), unit: Int, description: String? = nil) throws -> VoxelSize? {
            var fixture = TIFFFixture()
            fixture.pages[0].resolution = (x, x, unit)
            fixture.pages[0].description = description
            return try volume(fixture).header.voxelSize
        }
        // 10 Å are 10⁷ pixels per centimetre.
        #expect(try voxelSize((10_000_000, 1), unit: 3) == VoxelSize(cubicInAngstroms: 10))
        #expect(try voxelSize((25_400_000, 1), unit: 2) == VoxelSize(cubicInAngstroms: 10))
        for (x, unit) in [((72, 1), 2), ((300, 1), 2), ((1, 1), 1), ((1, 1), 3), ((1, 0), 3), ((0, 1), 3), ((10_000_000, 1), 7)] {
            #expect(try voxelSize(x, unit: unit) == nil)
        }
        for (name, edge) in [("nm", 10.0), ("\\u00B5m", 10000), ("micron", 10000), ("Å", 1), ("A", 1)] {
            let description = "ImageJ=1.53t\nunit=\(name)\nspacing=1.0\n"
            #expect(try voxelSize((1, 1), unit: 1, description: description) == VoxelSize(cubicInAngstroms: edge))
        }
        #expect(try voxelSize((1, 1), unit: 1, description: "ImageJ=1.53t\nunit=pixel\n") == nil)
    }

    @Test("skips reduced copies of pages")
    func reducedCopies() throws {
        var fixture = TIFFFixture()
        var thumbnail = TIFFFixture.Page(width: 2, height: 1, segments: [[1, 2]])
        thumbnail.extra[254] = 3
        fixture.pages = [TIFFFixture.Page(), thumbnail, TIFFFixture.Page()]
        #expect(try volume(fixture).shape == VolumeShape(z: 2, y: 3, x: 4))
        fixture.pages = [thumbnail]
        #expect(try error(fixture).code == .malformed)
    }

    @Test("with pages of different shapes or types is refused")
    func differentPages() throws {
        var fixture = TIFFFixture()
        fixture.pages = [TIFFFixture.Page(), TIFFFixture.Page(width: 3, height: 4)]
        #expect(try error(fixture).message.contains("page 1 is 4 × 3 uint8, page 2 is 3 × 4 uint8"))
        fixture.pages = [TIFFFixture.Page(), TIFFFixture.Page(format: 2)]
        #expect(try error(fixture).code == .unsupported)
    }

    @Test("whose pages follow each other in a circle is refused")
    func circle() throws {
        var fixture = TIFFFixture()
        fixture.lastNext = 20
        // 8 bytes of header, 12 of pixels: the first directory begins at 20.
        #expect(try error(fixture).message.contains("circle"))
    }

    @Test("of a kind that is not read is refused by name")
    func unsupported() throws {
        for (number, name) in [(7, "JPEG"), (32773, "PackBits"), (50000, "Zstandard"), (999, "compression 999")] {
            var fixture = TIFFFixture()
            fixture.pages[0].compression = number
            let error = try error(fixture)
            #expect(error.code == .unsupported)
            #expect(error.message.contains(name))
        }
        var fixture = TIFFFixture()
        fixture.pages[0].extra[277] = 3
        #expect(try error(fixture).message.contains("3 samples per pixel"))
        fixture = TIFFFixture()
        fixture.pages[0].bits = 1
        #expect(try error(fixture).message.contains("pixels of 1 bits"))
        fixture = TIFFFixture()
        fixture.pages[0].extra[266] = 2
        #expect(try error(fixture).message.contains("reverse order"))
    }

    @Test("that was cut off anywhere is refused")
    func truncated() throws {
        var fixture = TIFFFixture()
        fixture.pages = [
            TIFFFixture.Page(), TIFFFixture.Page(rowsPerStrip: 1, segments: [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]),
        ]
        let bytes = fixture.bytes
        for length in 0..<bytes.count {
            let path = try directory.write("stack.tif", bytes.prefix(length))
            #expect(throws: VolumeError.self) { _ = try TIFFVolume(path: path) }
        }
    }

    @Test("that declares more than its file can hold is refused")
    func absurdSizes() throws {
        for compression in [1, 5, 8] {
            var fixture = TIFFFixture()
            fixture.pages[0].compression = compression
            fixture.pages[0].width = 0x7fff_ffff
            fixture.pages[0].height = 0x0fff_ffff
            #expect(try error(fixture).code == .truncated)
            fixture.pages[0].width = 4
            fixture.pages[0].tile = (0x7fff_ffff, 0x7fff_ffff)
            #expect(throws: VolumeError.self) { _ = try volume(fixture) }
            fixture.pages[0].tile = (0, 16)
            #expect(try error(fixture).code == .malformed)
        }
    }

    @Test("whose compressed bytes are damaged is refused when they are read", arguments: [5, 8])
    func corrupt(compression: Int) throws {
        var fixture = TIFFFixture()
        let made = page(in: fixture, width: 50, height: 40, compression: compression, predictor: 1, tile: nil, rowsPerStrip: 40)
        fixture.pages = [made.page]
        fixture.pages[0].segments[0].removeLast(made.page.segments[0].count / 2)
        let volume = try volume(fixture)
        let error = try #require(throws: VolumeError.self) { _ = try volume.readSlice(z: 0) }
        #expect(error.code == .malformed)
        // Rows before the damage are sound.
        let box = try #require(Box(z: 0..<1, y: 0..<5, x: 0..<50))
        #expect(try volume.read(box).values(UInt16.self) == Array(made.values[..<250]))
    }

    @Test("with any byte changed gives an error or voxels, and never a crash")
    func mutations() throws {
        var fixture = TIFFFixture()
        let made = page(in: fixture, width: 20, height: 10, compression: 5, predictor: 2, tile: (16, 16), rowsPerStrip: 0)
        fixture.pages = [made.page, made.page]
        let bytes = fixture.bytes
        var generator = RandomStream(state: 11)
        for _ in 0..<400 {
            var mutated = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                mutated[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: .min ... .max, using: &generator)
            }
            let path = try directory.write("mutated.tif", mutated)
            do throws(VolumeError) {
                let volume = try TIFFVolume(path: path)
                // What a page can claim is bounded by what its file could decode to.
                #expect(volume.shape.count <= bytes.count * 4096)
                _ = try volume.readSlice(z: 0)
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}

/// The encoder of TIFF 6.0 section 13, as simple as can be.
private enum LZWEncoder {
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var bits: UInt64 = 0
        var bitCount = 0
        var codeSize = 9
        func put(_ code: Int) {
            bits = bits << UInt64(codeSize) | UInt64(code)
            bitCount += codeSize
            while bitCount >= 8 {
                bitCount -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt64(bitCount)))
            }
        }
        var table: [[UInt8]: Int] = [:]
        func clear() {
            put(256)
            table = Dictionary(uniqueKeysWithValues: (0...255).map { ([UInt8($0)], $0) })
            codeSize = 9
        }
        clear()
        var string: [UInt8] = []
        for byte in bytes {
            if table[string + [byte]] != nil {
                string.append(byte)
                continue
            }
            put(table[string] ?? 0)
            let next = table.count + 2
            table[string + [byte]] = next
            // One code early, and a new table before the codes run out.
            if next == 4094 { clear() } else if next + 1 == 1 << codeSize { codeSize += 1 }
            string = [byte]
        }
        if let code = table[string] { put(code) }
        put(257)
        if bitCount > 0 { output.append(UInt8(truncatingIfNeeded: bits << UInt64(8 - bitCount))) }
        return output
    }
}
