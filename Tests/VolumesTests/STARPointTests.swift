import Basics
import TestSupport
import Testing
import Volumes

@Suite("Points in STAR files")
struct STARPointTests {
    private static func read(_ text: String, convention: CoordinateConvention? = nil) throws -> PointSet {
        let directory = try TemporaryDirectory()
        return try PointFile.read(directory.write("a.star", Array(text.utf8)), convention: convention)
    }

    private static func portal(_ name: String) -> String {
        SharedData.file(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/\(name).star")
    }

    /// The six particles of the portal's STAR files: coordinates, shifts and angles.
    private static let coordinates: [SIMD3<Double>] = [[4, 8, 12], [4, 4, 4], [6, 4, 2], [0, 6, 0], [8, 4, 2], [3, 2, 1]]
    private static let shifts: [SIMD3<Double>] = [
        [-1.2, -2.4, -3.2], [3.2, 2.4, 1.2], [-1, -2, -3], [3, 2, 1], [0, 3, 0], [2, 2, 2],
    ]
    private static let angles = [(90.0, 45.0, 180.0), (-45, 90, 120), (0, 90, 0), (-120, 30, 165), (0, -90, 0), (0, 0, 0)]

    private static func isClose(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Bool { ((a - b) * (a - b)).sum() < 1e-18 }

    @Test(
        "RELION 3 of the portal: origins in pixels are subtracted", .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            ("relion_3_star", 1.7005, ["tomo_1.tomostar", "tomo_1.tomostar", "tomo_2.tomostar"]),
            ("tomoman_relion_star", 1.96, ["grid_1_lamella1_pos1", "grid_1_lamella1_pos1", "grid_1_lamella1_pos2"]),
        ])
    func relion3(name: String, pixelSize: Double, tomograms: [String]) throws {
        let set = try PointFile.read(Self.portal(name))
        #expect(set.convention == .relion)
        #expect(set.pixelSizeInAngstroms == pixelSize)
        try #require(set.points.count == 6)
        for (index, point) in set.points.enumerated() {
            #expect(Self.isClose([point.x, point.y, point.z], Self.coordinates[index] - Self.shifts[index]))
            let (rot, tilt, psi) = Self.angles[index]
            #expect(point.orientation == ParticleOrientation(rot: rot, tilt: tilt, psi: psi))
            #expect(point.shiftInAngstroms == .zero)
        }
        #expect(set.points.prefix(3).map(\.tomogramName) == tomograms)
    }

    @Test("RELION 4 of the portal: origins in Å wait for the conversion", .enabled(if: SharedData.isPresent, SharedData.absence))
    func relion4() throws {
        let set = try PointFile.read(Self.portal("relion_4_star"))
        #expect(set.convention == .relion)
        #expect(set.pixelSizeInAngstroms == 1)
        try #require(set.points.count == 6)
        for (index, point) in set.points.enumerated() {
            #expect(SIMD3(point.x, point.y, point.z) == Self.coordinates[index])
            #expect(point.shiftInAngstroms == -Self.shifts[index])
        }
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 4)), try #require(VolumeShape(z: 10, y: 10, x: 10)))
        for (index, point) in set.inAngstroms(voxelSize: voxelSize, shape: shape).points.enumerated() {
            #expect(Self.isClose([point.x, point.y, point.z], Self.coordinates[index] - Self.shifts[index]))
        }
        #expect(set.points.map(\.tomogramName) == ["TS_001", "TS_001", "TS_002", "TS_002", "TS_002", "TS_003"])
    }

    @Test(
        "STOPGAP of the portal: shifts are added, angles become RELION's", .enabled(if: SharedData.isPresent, SharedData.absence))
    func stopgap() throws {
        let set = try PointFile.read(Self.portal("stopgap_star"))
        #expect(set.convention == .voxel)
        try #require(set.points.count == 6)
        for (index, point) in set.points.enumerated() {
            #expect(Self.isClose([point.x, point.y, point.z], Self.coordinates[index] + Self.shifts[index]))
        }
        // By SciPy 1.x: Rotation.from_euler("zxz", [phi, the, psi], degrees=True).inv().as_euler("ZYZ", degrees=True).
        for (index, angles) in [0: (0.0, 45.0, 90.0), 1: (135, 90, 150)] {
            let orientation = try #require(set.points[index].orientation)
            #expect(
                abs(orientation.rot - angles.0) < 1e-9 && abs(orientation.tilt - angles.1) < 1e-9
                    && abs(orientation.psi - angles.2) < 1e-9)
        }
        #expect(set.points[0].tomogramName == "1" && set.points[0].instance == 1 && set.points[0].score == 0.1816)
    }

    @Test(
        "Warp's file of starfile: pixel size by detector and magnification",
        .enabled(if: SharedData.isPresent, SharedData.absence))
    func warp() throws {
        let set = try PointFile.read(SharedData.file("teamtomo+starfile/tests/data/one_loop.star"))
        #expect(set.points.count == 16)
        #expect(set.pixelSizeInAngstroms == 5)
        #expect(set.points.first.map { [$0.x, $0.y, $0.z] } == [1572.444, 1084.5, 964.5])
        #expect(set.points.first?.tomogramName == "tomo_ts01.mrc_15.00Apx.mrc")
    }

    @Test(
        "STAR files without points say so", .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: ["postprocess", "empty_loop"])
    func withoutPoints(name: String) throws {
        let error = #expect(throws: VolumeError.self) {
            try PointFile.read(SharedData.file("teamtomo+starfile/tests/data/\(name).star"))
        }
        #expect(error?.code == .malformed)
    }

    @Test("RELION 5: centred Å, with the subtomogram's orientation before the particle's")
    func relion5() throws {
        let text = """
            data_optics
            loop_
            _rlnOpticsGroup #1
            _rlnOpticsGroupName #2
            _rlnTomoTiltSeriesPixelSize #3
            1 opticsGroup1 1.35

            data_particles
            loop_
            _rlnTomoName
            _rlnCenteredCoordinateXAngst
            _rlnCenteredCoordinateYAngst
            _rlnCenteredCoordinateZAngst
            _rlnCoordinateX
            _rlnCoordinateY
            _rlnCoordinateZ
            _rlnOriginXAngst
            _rlnOriginYAngst
            _rlnOriginZAngst
            _rlnTomoSubtomogramRot
            _rlnTomoSubtomogramTilt
            _rlnTomoSubtomogramPsi
            _rlnAngleRot
            _rlnAngleTilt
            _rlnAnglePsi
            _rlnOpticsGroup
            TS_01 -10.0 20.0 5.0 100 200 300 1.0 2.0 3.0 0 0 90 0 90 0 1
            """
        let set = try Self.read(text)
        #expect(set.convention == .relion5Centered)
        #expect(set.pixelSizeInAngstroms == nil)
        let point = try #require(set.points.first)
        #expect([point.x, point.y, point.z] == [-10, 20, 5])
        // A of psi = 90 takes (1, 2, 3) to (2, -1, 3).
        #expect(Self.isClose(point.shiftInAngstroms, [-2, 1, -3]))
        // By SciPy, A_sub · A = from_euler("ZYZ", [0, 0, 90]).inv() * from_euler("ZYZ", [0, 90, 0]).inv() has these angles.
        let orientation = try #require(point.orientation)
        #expect(abs(orientation.rot) < 1e-9 && abs(orientation.tilt - 90) < 1e-9 && abs(orientation.psi - 90) < 1e-9)

        let pixels = try Self.read(text, convention: .relion)
        #expect(pixels.points.first.map { [$0.x, $0.y, $0.z] } == [100, 200, 300])
        #expect(pixels.pixelSizeInAngstroms == 1.35)
        #expect(try Self.read(text, convention: .voxel).convention == .voxel)
    }

    @Test("rows that cannot be points are named by their line", arguments: ["nan", "inf", "x", "1e999", ""])
    func notFinite(text: String) throws {
        let value = text.isEmpty ? "\"\"" : text
        let error = #expect(throws: VolumeError.self) {
            try Self.read("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n1 2 3\n1 \(value) 3\n")
        }
        #expect(error?.message.hasPrefix("line 7: _rlnCoordinateY is \"\(text)\"") == true, "\(error?.message ?? "")")
    }

    @Test("a shift that leads beyond all numbers is refused")
    func overflow() throws {
        let columns = (Self.relionColumns + ["_rlnOriginX", "_rlnOriginY", "_rlnOriginZ"]).joined(separator: "\n")
        let error = #expect(throws: VolumeError.self) { try Self.read("data_\nloop_\n\(columns)\n1e308 0 0 -1e308 0 0\n") }
        #expect(error?.message.hasPrefix("line 9:") == true)
    }

    private static let relionColumns = ["_rlnCoordinateX", "_rlnCoordinateY", "_rlnCoordinateZ"]

    @Test("points in pixels of several sizes become Å, each by its own")
    func severalPixelSizes() throws {
        let table =
            "data_a\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnTomoTiltSeriesPixelSize\n"
        let set = try Self.read(table + "a 1 2 3 4\nb 1 2 3 5\na 2 0 0 4.001\n")
        #expect(set.convention == .angstrom && set.pixelSizeInAngstroms == nil)
        #expect(set.points.map { [$0.x, $0.y, $0.z] } == [[4, 8, 12], [5, 10, 15], [8, 0, 0]])
        #expect(set.notes == ["points are in pixels of 4.0, 5.0 Å, and were converted to Å each by its own"])
        // A size of 0 is none.
        #expect(throws: VolumeError.self) { try Self.read(table + "a 1 2 3 4\nb 1 2 3 0\n") }
        // A person who says what the coordinates are is believed.
        #expect(try Self.read(table + "a 1 2 3 4\nb 1 2 3 5\n", convention: .voxel).points.map(\.x) == [1, 1])
    }

    @Test("loops of different coordinates are refused")
    func mixtures() throws {
        let centred = "loop_\n_rlnCenteredCoordinateXAngst\n_rlnCenteredCoordinateYAngst\n_rlnCenteredCoordinateZAngst\n1 2 3\n"
        let pixels = "loop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnPixelSize\n1 2 3 4\n"
        #expect(throws: VolumeError.self) { try Self.read("data_a\n\(centred)data_b\n\(pixels)") }
        #expect(try Self.read("data_a\n\(pixels)1 2 3 4\n").pixelSizeInAngstroms == 4)
        // Two dimensions are no points of a tomogram.
        #expect(throws: VolumeError.self) { try Self.read("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n") }
    }
}
