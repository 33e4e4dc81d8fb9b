import Basics
import TestSupport
import Testing

@testable import Volumes

@Suite("Centred coordinates of RELION 5")
struct CentredPointTests {
    private static func read(_ text: String, convention: CoordinateConvention? = nil) throws -> PointSet {
        let directory = try TemporaryDirectory()
        return try PointFile.read(directory.write("a.star", Array(text.utf8)), convention: convention)
    }

    private static let centred = "_rlnCenteredCoordinateXAngst\n_rlnCenteredCoordinateYAngst\n_rlnCenteredCoordinateZAngst\n"
    private static let sizes = "_rlnTomoSizeX\n_rlnTomoSizeY\n_rlnTomoSizeZ\n"

    @Test("odd and even sizes of unbinned pixels are exact, there and back", arguments: 0..<40)
    func exactness(seed: Int) throws {
        var random = RandomStream(state: UInt64(seed))
        // Numbers with few binary digits, so that nothing has to be rounded.
        let pixel = Double(Int.random(in: 4...24, using: &random)) / 8
        let size = (0..<3).map { _ in Int.random(in: 100...6000, using: &random) }
        let pixels = (0..<3).map { Double(Int.random(in: 0..<size[$0] * 4, using: &random)) / 4 }
        let written = (0..<3).map { (pixels[$0] - Double(size[$0]) / 2) * pixel }
        let columns = size.map(String.init).joined(separator: " ")
        let set = try Self.read(
            "data_particles\nloop_\n_rlnTomoName\n\(Self.centred)\(Self.sizes)_rlnTomoTiltSeriesPixelSize\n"
                + "TS_1 \(written[0]) \(written[1]) \(written[2]) \(columns) \(pixel)\n")
        #expect(set.convention == .relion5Centered)
        // The tomogram is binned by 8, so that its own middle may be another.
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: pixel * 8))
        let shape = try #require(VolumeShape(z: size[2] / 8, y: size[1] / 8, x: size[0] / 8))
        let point = try #require(set.inAngstroms(voxelSize: voxelSize, shape: shape).points.first)
        #expect([point.x, point.y, point.z] == pixels.map { $0 * pixel })
        // In the tomogram before binning, the middle of its voxels is that of the size.
        let unbinned = try #require(VoxelSize(cubicInAngstroms: pixel))
        let whole = try #require(VolumeShape(z: size[2], y: size[1], x: size[0]))
        let back = set.inAngstroms(voxelSize: unbinned, shape: whole).converted(
            to: .relion5Centered, voxelSize: unbinned, shape: whole)
        #expect(back.points.map { [$0.x, $0.y, $0.z] } == [written])
        var plain = set
        plain.middlesInAngstroms = [:]
        #expect(
            plain.inAngstroms(voxelSize: unbinned, shape: whole).points
                == set.inAngstroms(voxelSize: unbinned, shape: whole).points)
    }

    @Test("the size may stand in a table of tomograms before or after, and the pixel size in the optics groups")
    func tables() throws {
        let optics = "data_optics\nloop_\n_rlnOpticsGroup\n_rlnOpticsGroupName\n_rlnTomoTiltSeriesPixelSize\n1 one 2.0\n"
        let withPixels = "data_global\nloop_\n_rlnTomoName\n\(Self.sizes)_rlnTomoTiltSeriesPixelSize\nTS_1 101 200 50 2.0\n"
        let withoutPixels = "data_global\nloop_\n_rlnTomoName\n\(Self.sizes)TS_1 101 200 50\nTS_3 1 1 1\n"
        let points = "data_particles\nloop_\n_rlnTomoName\n\(Self.centred)_rlnOpticsGroup\nTS_1 1 2 3 1\nTS_2 1 2 3 1\n"
        for text in [withPixels + points, points + withPixels, optics + withoutPixels + points, optics + points + withoutPixels] {
            let set = try Self.read(text)
            #expect(set.middlesInAngstroms == ["TS_1": [101, 200, 50]], "\(text)")
            // A tomogram whose size the file does not state has the middle of its own voxels.
            let (voxelSize, shape) = (
                try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 10, y: 40, x: 20))
            )
            #expect(
                set.inAngstroms(voxelSize: voxelSize, shape: shape).points.map { [$0.x, $0.y, $0.z] } == [
                    [102, 202, 53], [101, 202, 53],
                ])
        }
        // A convention that overrules the file's has no middle.
        #expect(try Self.read(withPixels + points, convention: .angstrom).middlesInAngstroms.isEmpty)
        #expect(try Self.read(withoutPixels + points).middlesInAngstroms.isEmpty)
        // Sizes that are none are not used.
        let absurd = withPixels.replacing("101 200 50", with: "0 200 1e9")
        #expect(try Self.read(absurd + points).middlesInAngstroms.isEmpty)
    }

    @Test("a sentence says which middle counts")
    func sentences() throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 10, y: 40, x: 21)))
        var set = PointSet(points: [PickedPoint(x: 0, y: 0, z: 0, tomogramName: "a")], convention: .relion5Centered)
        #expect(
            set.middleSentence(voxelSize: voxelSize, shape: shape)
                == "centred coordinates count from the middle of the tomogram's 21 × 40 × 10 voxels, at (105.0, 200.0, 50.0) Å from the "
                + "first one")
        #expect(
            set.middleSentence(voxelSize: nil, shape: shape)
                == "centred coordinates count from the middle of the tomogram's 21 × 40 × 10 voxels")
        set.middlesInAngstroms["a"] = [104, 200, 50]
        let near = "centred coordinates count from the middle of the size that the file states (rlnTomoSizeX, Y, Z), at "
        #expect(set.middleSentence(voxelSize: voxelSize, shape: shape) == near + "(104.0, 200.0, 50.0) Å")
        set.middlesInAngstroms["a"] = [204, 200, 50]
        #expect(
            set.middleSentence(voxelSize: voxelSize, shape: shape)?.contains(
                "the middle of the tomogram's own voxels is at (105.0, 200.0, 50.0) Å") == true)
        set.convention = .angstrom
        #expect(set.middleSentence(voxelSize: voxelSize, shape: shape) == nil)
    }

    @Test("pixel sizes that differ by rounding are one, and those that differ more are several")
    func rounding() throws {
        func pixels(_ sizes: String...) throws -> Double? {
            let rows = sizes.map { "1 2 3 \($0)\n" }.joined()
            return try Self.read("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnPixelSize\n\(rows)")
                .pixelSizeInAngstroms
        }
        #expect(try pixels("1.3500", "1.3501", "1.35") == 1.35)
        #expect(try pixels("1.35", "1.353") == nil)
        #expect(throws: VolumeError.self) { try pixels("1.35", "0") }
    }

    @Test("words of programs are conventions that are not mirrored")
    func words() {
        #expect(CoordinateWord("warp")?.convention == .relion && CoordinateWord("warp")?.program == "Warp")
        #expect(CoordinateWord("aretomo")?.convention == .voxel && CoordinateWord("aretomo")?.program == "AreTomo")
        for convention in CoordinateConvention.allCases {
            #expect(
                CoordinateWord(convention.rawValue)?.convention == convention
                    && CoordinateWord(convention.rawValue)?.program == nil)
        }
        #expect(CoordinateWord("Warp") == nil && CoordinateWord("") == nil)
        #expect(CoordinateWord.all.allSatisfy { CoordinateWord($0) != nil })
    }
}
