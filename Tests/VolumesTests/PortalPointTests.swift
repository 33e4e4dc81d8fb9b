import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("The CryoET Data Portal's points")
struct PortalPointTests {
    private static func read(_ text: String, convention: CoordinateConvention? = nil) throws -> PointSet {
        let directory = try TemporaryDirectory()
        return try PointFile.read(directory.write("a.ndjson", Array(text.utf8)), convention: convention)
    }

    @Test("points of all types are voxels, 0-based, with their orientation or instance")
    func types() throws {
        let set = try Self.read(
            """
            {"type": "point", "location": {"x": 10, "y": 20.5, "z": 4}}

            {"type":"orientedPoint","location":{"x":1,"y":2,"z":3},"xyz_rotation_matrix":[[0,-1,0],[1,0,0],[0,0,1]]}\r
            {"instance_id": 7, "location": {"z": 1e1, "y": 0, "x": -0.5}, "type": "instancePoint", "more": null}
            """)
        #expect(set.convention == .voxel && set.notes.isEmpty)
        #expect(set.points.map { [$0.x, $0.y, $0.z] } == [[10, 20.5, 4], [1, 2, 3], [-0.5, 0, 10]])
        #expect(set.points.map(\.instance) == [nil, nil, 7])
        #expect(set.points.map { $0.orientation != nil } == [false, true, false])
        // The matrix takes x to y: a rotation by 90 degrees about z of the particle, whose transpose has psi = -90.
        let orientation = try #require(set.points[1].orientation)
        #expect(abs(orientation.rot) < 1e-9 && abs(orientation.tilt) < 1e-9 && abs(orientation.psi + 90) < 1e-9)
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 16, y: 64, x: 64)))
        #expect(
            set.inAngstroms(voxelSize: voxelSize, shape: shape).points.prefix(2).map { [$0.x, $0.y, $0.z] } == [
                [100, 205, 40], [10, 20, 30],
            ])
        #expect(try Self.read("").points.isEmpty)
        #expect(try Self.read("\n \n", convention: .angstrom).convention == .angstrom)
    }

    @Test(
        "a wrong line is named by its number",
        arguments: [
            #"{"type": "point"}"#, #"{"location": {"x": 1, "y": 2, "z": 3}}"#,
            #"{"type": "blob", "location": {"x":1,"y":2,"z":3}}"#,
            #"{"type": "point", "location": {"x": 1, "y": 2}}"#, #"{"type": "point", "location": {"x": "1", "y": 2, "z": 3}}"#,
            #"{"type": "point", "location": {"x": NaN, "y": 2, "z": 3}}"#,
            #"{"type": "point", "location": {"x": 1, "y": -Infinity, "z": 3}}"#,
            #"{"type": "point", "location": {"x": 1, "y": 2, "z": 1e999}}"#, "[]", "x", "{", "{\"type\": \"\u{0}\"}",
            #"{"type":"orientedPoint","location":{"x":1,"y":2,"z":3},"xyz_rotation_matrix":[[1,0,0],[0,1,0]]}"#,
            #"{"type":"orientedPoint","location":{"x":1,"y":2,"z":3},"xyz_rotation_matrix":[[1,0],[0,1,0],[0,0,1]]}"#,
            #"{"type":"orientedPoint","location":{"x":1,"y":2,"z":3},"xyz_rotation_matrix":[[NaN,0,0],[0,1,0],[0,0,1]]}"#,
            #"{"type":"instancePoint","location":{"x":1,"y":2,"z":3},"instance_id":1.5}"#, String(repeating: "[", count: 100_000),
        ])
    func wrongLines(line: String) throws {
        let sound = #"{"type": "point", "location": {"x": 1, "y": 2, "z": 3}}"#
        let error = #expect(throws: VolumeError.self) { try Self.read("\(sound)\n\n\(line)\n\(sound)\n") }
        #expect(error?.code == .malformed)
        #expect(error?.message.hasPrefix("line 3: ") == true, "\(error?.message ?? "")")
    }

    @Test("a matrix that is no rotation is no orientation, and said so; so is a missing one")
    func distortions() throws {
        func oriented(_ rest: String) -> String { #"{"type":"orientedPoint","location":{"x":1,"y":2,"z":3}\#(rest)}"# }
        let set = try Self.read(
            [
                oriented(#","xyz_rotation_matrix":[[2,0,0],[0,2,0],[0,0,2]]"#),
                oriented(#","xyz_rotation_matrix":[[-1,0,0],[0,1,0],[0,0,1]]"#), oriented(""),
                oriented(#","xyz_rotation_matrix":null"#),
            ].joined(separator: "\n"))
        #expect(set.points.count == 4 && set.points.allSatisfy { $0.orientation == nil })
        #expect(
            set.notes == [
                "the orientation of 2 points was ignored: their xyz_rotation_matrix is no rotation",
                "2 oriented points have no xyz_rotation_matrix",
            ])
    }

    @Test("what is written has the portal's keys, and is read back as it was", arguments: [0, 1, 2, 3])
    func roundTrip(kind: Int) throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 7.5)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        var random = RandomStream(state: UInt64(kind))
        let (isOriented, hasInstances) = (kind % 2 == 1, kind >= 2)
        let points = (0..<50).map { index in
            let position = (0..<3).map { _ in Double.random(in: -5...40, using: &random) }
            let angles = (0..<3).map { _ in Double.random(in: 1...170, using: &random) }
            return PickedPoint(
                x: position[0], y: position[1], z: position[2],
                orientation: isOriented ? ParticleOrientation(rot: angles[0], tilt: angles[1], psi: angles[2]) : nil,
                instance: hasInstances ? index / 3 : nil)
        }
        let directory = try TemporaryDirectory()
        let path = directory.file("a.ndjson")
        let set = PointSet(points: points, convention: .voxel)
        try PointFile.write(set, to: path, voxelSize: voxelSize, shape: shape)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 50)
        let keys = ["location", "type"] + (isOriented ? ["xyz_rotation_matrix"] : []) + (hasInstances ? ["instance_id"] : [])
        for line in lines {
            let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(object.keys.sorted() == keys.sorted())
            #expect(object["type"] as? String == (isOriented ? "orientedPoint" : hasInstances ? "instancePoint" : "point"))
        }
        let read = try PointFile.read(path)
        #expect(read.convention == .voxel && read.notes.isEmpty)
        for (a, b) in zip(points, read.points) {
            #expect([a.x, a.y, a.z] == [b.x, b.y, b.z] && a.instance == b.instance)
            #expect((a.orientation == nil) == (b.orientation == nil))
            if let a = a.orientation, let b = b.orientation {
                #expect(abs(a.rot - b.rot) < 1e-8 && abs(a.tilt - b.tilt) < 1e-8 && abs(a.psi - b.psi) < 1e-8)
            }
        }
    }

    @Test("Å become voxels; one missing orientation makes all points plain; several classes are refused")
    func writing() throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        let directory = try TemporaryDirectory()
        let path = directory.file("a.ndjson")
        var points = [PickedPoint(x: 10, y: 25, z: 0), PickedPoint(x: 0, y: 0, z: 1)]
        points[0].orientation = ParticleOrientation(rot: 0, tilt: 0, psi: 0)
        try PointFile.write(PointSet(points: points, convention: .angstrom), to: path, voxelSize: voxelSize, shape: shape)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasPrefix(#"{"type": "point", "location": {"x": 1.0, "y": 2.5, "z": 0.0}}"# + "\n"), "\(text)")
        (points[0].className, points[1].className) = ("a", "b")
        for convention in [nil, CoordinateConvention.angstrom] {
            let error = #expect(throws: VolumeError.self) {
                try PointFile.write(
                    PointSet(points: points, convention: .angstrom), to: path, convention: convention, voxelSize: voxelSize,
                    shape: shape)
            }
            #expect(error?.code == .unsupported)
        }
    }

    @Test(
        "every file of points among the portal's test files is read, or refused with what to do",
        .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            ("copick.json", 4, ""), ("copick_instance.json", 6, ""), ("points.csv", 0, "name the convention"),
            ("points_tab_delim.csv", 0, "name the convention"), ("points_with_header.csv", 0, "name the convention"),
            ("points_with_header_pipe_delim.csv", 0, "name the convention"), ("points.mod", 0, "model2point"),
            ("oriented_points.mod", 0, "model2point"), ("relion_3_star.star", 6, ""), ("relion_4_star.star", 6, ""),
            ("stopgap_star.star", 6, ""), ("tomoman_relion_star.star", 6, ""), ("tardis.csv", 6, ""),
            ("segmask.mrc", 0, "no .csv, .tsv, .txt, .star, .json or .ndjson file"),
        ])
    func portalFiles(name: String, count: Int, advice: String) throws {
        let path = SharedData.file(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/\(name)")
        if advice.isEmpty {
            #expect(try PointFile.read(path).points.count == count)
        } else {
            let error = #expect(throws: VolumeError.self) { try PointFile.read(path) }
            #expect(error?.code == .unsupported && error?.message.contains(advice) == true, "\(error?.message ?? "")")
            if name.hasSuffix(".csv") { #expect(try PointFile.read(path, convention: .voxel).points.count == 3) }
        }
    }
}
