import Basics
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("copick's picks")
struct CopickPickTests {
    private static func portal(_ name: String) -> String {
        SharedData.file(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/\(name).json")
    }

    @Test(
        "the portal's picks: Å, and the transposed matrix of RELION's angles",
        .enabled(if: SharedData.isPresent, SharedData.absence))
    func portal() throws {
        let set = try PointFile.read(Self.portal("copick"))
        #expect(set.convention == .angstrom)
        #expect(set.points.map { [$0.x, $0.y, $0.z] } == [[40, 20, 30], [0, 50, 10], [30, 15, 92], [30, 10, 50]])
        // By SciPy: Rotation.from_matrix(m).inv().as_euler("ZYZ", degrees=True).
        for (point, angles) in zip(set.points, [(90.0, 45.0, -180.0), (-45, 90, 120), (-120, 30, 165), (0, 90, 0)]) {
            let orientation = try #require(point.orientation)
            #expect(abs(orientation.rot - angles.0) < 1e-9 && abs(orientation.tilt - angles.1) < 1e-9)
            // -180 and 180 are one angle.
            #expect(abs((orientation.psi - angles.2).remainder(dividingBy: 360)) < 1e-9)
        }
        #expect(
            set.points.allSatisfy { $0.className == "ribosome" && $0.score == 1 && $0.instance == 0 && $0.tomogramName == nil })
        #expect(
            try PointFile.read(Self.portal("copick_instance")).points.map(\.tomogramName)
                == Array(repeating: "Position_94_Vol", count: 6))
    }

    @Test("what is written has copick's keys, nulls among them")
    func schema() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("cellar_1_ribosome.json")
        let set = PointSet(points: [PickedPoint(x: 1, y: 2, z: 3, className: "ribosome", score: 0.5)], convention: .angstrom)
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 8, y: 8, x: 8)))
        try PointFile.write(
            set, to: path, voxelSize: voxelSize, shape: shape, session: CopickSession(userID: "cellar", sessionID: "1"))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
        #expect(
            json.keys.sorted() == [
                "pickable_object_name", "points", "run_name", "session_id", "trust_orientation", "unit", "user_id",
                "voxel_spacing",
            ])
        #expect(json["run_name"] is NSNull && json["voxel_spacing"] is NSNull)
        #expect(
            json["unit"] as? String == "angstrom" && json["user_id"] as? String == "cellar"
                && json["session_id"] as? String == "1")
        #expect(json["trust_orientation"] as? Bool == false)
        let point = try #require((json["points"] as? [[String: Any]])?.first)
        #expect(point.keys.sorted() == ["instance_id", "location", "score", "transformation_"])
        #expect(point["transformation_"] as? [[Double]] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        #expect(point["location"] as? [String: Double] == ["x": 1, "y": 2, "z": 3])
    }

    @Test("the translation of a transformation moves the point; a scaling is no orientation")
    func transformations() throws {
        let directory = try TemporaryDirectory()
        func picks(_ transformation: String, x: String = "1") throws -> PointSet {
            let text = """
                {"pickable_object_name": "a", "points": [
                {"location": {"x": \(x), "y": 2, "z": 3}, "transformation_": \(transformation)}]}
                """
            return try PointFile.read(directory.write("a.json", Array(text.utf8)))
        }
        let moved = try picks("[[1,0,0,10],[0,1,0,20],[0,0,1,30],[0,0,0,1]]")
        #expect(moved.points.map { [$0.x, $0.y, $0.z] } == [[11, 22, 33]])
        #expect(moved.points.first?.orientation == ParticleOrientation(rot: 0, tilt: 0, psi: 0))
        for distortion in ["[[2,0,0,0],[0,2,0,0],[0,0,2,0],[0,0,0,1]]", "[[-1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]"] {
            let scaled = try picks(distortion)
            #expect(scaled.points.first?.orientation == nil)
            #expect(scaled.notes.count == 1)
        }
        for wrong in [
            "[[1,0,0],[0,1,0],[0,0,1]]", "[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,1,1]]", "[]",
            "[[NaN,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]",
        ] {
            #expect(throws: VolumeError.self) { try picks(wrong) }
        }
        let error = #expect(throws: VolumeError.self) { try picks("[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]", x: "NaN") }
        #expect(error?.message.hasPrefix("point 1:") == true)
    }

    @Test(
        "JSON that is not copick's is refused",
        arguments: [
            "", "[]", "{}", "{\"pickable_object_name\": 1}", "{\"pickable_object_name\": \"a\", \"points\": [{}]}",
            "{\"pickable_object_name\": \"a\", \"unit\": \"nanometer\", \"points\": []}", String(repeating: "[", count: 100_000),
        ])
    func malformed(text: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("a.json", Array(text.utf8))
        #expect(throws: VolumeError.self) { try PointFile.read(path) }
    }

    @Test("several classes or tomograms, or none, do not fit into one file")
    func severalClasses() throws {
        let directory = try TemporaryDirectory()
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 8, y: 8, x: 8)))
        let points = ["a", "b", nil].map { PickedPoint(x: 0, y: 0, z: 0, className: $0) }
        for points in [Array(points.prefix(2)), Array(points.suffix(1))] {
            let error = #expect(throws: VolumeError.self) {
                try PointFile.write(
                    PointSet(points: points, convention: .angstrom), to: directory.file("a.json"), voxelSize: voxelSize,
                    shape: shape)
            }
            #expect(error?.code == .unsupported)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }
}
