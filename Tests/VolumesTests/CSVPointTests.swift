import Basics
import TestSupport
import Testing
import Volumes

@Suite("Points in tables of text")
struct CSVPointTests {
    private static func read(_ text: String, convention: CoordinateConvention? = nil, name: String = "a.csv") throws -> PointSet {
        let directory = try TemporaryDirectory()
        return try PointFile.read(directory.write(name, Array(text.utf8)), convention: convention)
    }

    private static func positions(_ set: PointSet) -> [[Double]] { set.points.map { [$0.x, $0.y, $0.z] } }

    @Test(
        "the portal's tables: comma, tab and pipe, with titles and without",
        .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            "points", "points_tab_delim", "points_with_header", "points_with_header_pipe_delim",
        ])
    func portal(name: String) throws {
        let folder = "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations"
        let path = SharedData.file("\(folder)/\(name).csv")
        let set = try PointFile.read(path, convention: .voxel)
        #expect(Self.positions(set) == [[1, 2, 3], [2, 2, 2], [0, 3, 0]])
        #expect(set.convention == .voxel && set.notes.isEmpty)
        let error = #expect(throws: VolumeError.self) { try PointFile.read(path) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("angstrom, voxel, relion, relion5-centered, imod, dynamo") == true)
    }

    @Test(
        "TARDIS says Å in its titles, and its filaments keep their numbers",
        .enabled(if: SharedData.isPresent, SharedData.absence))
    func tardis() throws {
        let set = try PointFile.read(
            SharedData.file(
                "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/tardis.csv"))
        #expect(set.convention == .angstrom)
        #expect(Self.positions(set) == [[4, 8, 12], [4, 4, 4], [6, 4, 2], [0, 6, 0], [8, 4, 2], [3, 2, 1]])
        #expect(set.points.map(\.instance) == [0, 0, 1, 1, 1, 2])
    }

    @Test("a table of contours in one image lacks z", .enabled(if: SharedData.isPresent, SharedData.absence))
    func contours() throws {
        let name = "20dec04c_Grey1_00028gr_00012sq_v02_00003hln_00003enn2-a-DW-contours-tb.csv"
        let path = SharedData.file("SMLC-NYSBC+TARDIS/tests/test_data/data_loader/filament_mem/train/masks/\(name)")
        let error = #expect(throws: VolumeError.self) { try PointFile.read(path) }
        #expect(error?.message.hasPrefix("line 1:") == true && error?.message.contains("none is z;") == true)
    }

    @Test(
        "titles are found in any order, case and spelling",
        arguments: [
            "x,y,z", "X,Y,Z", "location_x,location_y,location_z", "centroid-x,centroid-y,centroid-z", "x_coord,y_coord,z_coord",
            "xcoord,ycoord,zcoord",
            "pos_x,pos_y,pos_z", "CoordinateX,CoordinateY,CoordinateZ",
        ])
    func titles(line: String) throws {
        #expect(try Self.positions(Self.read("\(line)\n1,2,3\n", convention: .voxel)) == [[1, 2, 3]])
        let reversed = line.split(separator: ",").reversed().joined(separator: ";")
        #expect(try Self.positions(Self.read("id;\(reversed)\n7;3;2;1\n", convention: .voxel)) == [[1, 2, 3]])
    }

    @Test(
        "units in titles are the convention, unless the caller knows better",
        arguments: [
            ("x [A],y [A],z [A]", CoordinateConvention.angstrom), ("X (px),Y (px),Z (px)", .voxel),
            ("x_angstrom,y_angstrom,z_angstrom", .angstrom),
            ("x_relion5-centered,y_relion5-centered,z_relion5-centered", .relion5Centered), ("x_imod,y_imod,z_imod", .imod),
        ])
    func units(line: String, convention: CoordinateConvention) throws {
        #expect(try Self.read("\(line)\n1,2,3\n").convention == convention)
        let overruled = try Self.read("\(line)\n1,2,3\n", convention: .dynamo)
        #expect(overruled.convention == .dynamo)
        #expect(overruled.notes.count == 1)
    }

    @Test("napari's points are array indices, z first")
    func napari() throws {
        let set = try Self.read("index,axis-0,axis-1,axis-2\n0.0,3,2,1\n")
        #expect(Self.positions(set) == [[1, 2, 3]])
        #expect(set.convention == .voxel)
    }

    @Test("classes, tomograms, scores, radii and angles are read; quotes, comments, blanks and Windows lines understood")
    func everything() throws {
        let text =
            "\u{FEFF}# picks of today\r\nexperiment,particle_type,x,y,z,score,radius [A],rot,tilt,psi\r\n\r\n"
            + "TS_1,\"apo, \"\"ferritin\"\"\", 1.5 ,-2e1,3,0.9,60,10,20,30\r\n# more\r\nTS_1,,4,5,6,,,,,\r\n"
        let set = try Self.read(text, convention: .angstrom)
        #expect(
            set.points == [
                PickedPoint(
                    x: 1.5, y: -20, z: 3, orientation: ParticleOrientation(rot: 10, tilt: 20, psi: 30),
                    className: "apo, \"ferritin\"",
                    tomogramName: "TS_1", score: 0.9, radiusInAngstroms: 60),
                PickedPoint(x: 4, y: 5, z: 6, tomogramName: "TS_1"),
            ])
    }

    @Test("blanks part the fields of model2point's files")
    func blanks() throws {
        let set = try Self.read("  101.50   7.50    3.00\n   1.00\t  2.00   3.00  \n", convention: .imod, name: "points.txt")
        #expect(Self.positions(set) == [[101.5, 7.5, 3], [1, 2, 3]])
    }

    @Test("a radius in voxels is not taken for Å")
    func radius() throws {
        let set = try Self.read("x,y,z,radius\n1,2,3,4\n", convention: .voxel)
        #expect(set.points.first?.radiusInAngstroms == nil)
        #expect(set.notes.count == 1)
    }

    @Test(
        "lines that cannot be points are named",
        arguments: [
            ("x,y,z\n1,2,3\n1,2\n", 3), ("x,y,z\n1,two,3\n", 2), ("1,2,3\n\n4,nan,6\n", 3), ("1,2,3\n4,5,inf\n", 2),
            ("1,2,3,4\n", 1), ("a,b,c\n1,2,3\n", 1),
            ("x,x,y,z\n1,1,2,3\n", 1), ("x [A],y [px],z [A]\n1,2,3\n", 1), ("x,y,z,score\n1,2,3,high\n", 2), ("1,2,3\n4,,6\n", 2),
        ])
    func mistakes(text: String, line: Int) throws {
        let error = #expect(throws: VolumeError.self) { try Self.read(text, convention: .voxel) }
        #expect(error?.code == .malformed)
        #expect(error?.message.hasPrefix("line \(line):") == true, "\(error?.message ?? "")")
    }

    @Test("empty files and formats that are not read say what to do", arguments: ["mod", "am", "npy", "tbl", "pdf"])
    func otherFormats(ending: String) throws {
        let error = #expect(throws: VolumeError.self) { try Self.read("1,2,3\n", name: "a.\(ending)") }
        #expect(error?.code == .unsupported)
        #expect(throws: VolumeError.self) { try Self.read("# nothing\n", convention: .voxel) }
        #expect(throws: VolumeError.self) { try PointFile.read("/nonexistent/a.csv", convention: .voxel) }
    }
}
