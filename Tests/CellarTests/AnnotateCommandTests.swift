import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

/// Points that are where they say: names, units, mirrors, and what lies outside.
@Suite("cellar annotate --points") struct AnnotateCommandTests {
    private let scene: CommandScene
    private var directory: TemporaryDirectory { scene.directory }

    init() throws { scene = try CommandScene() }

    private func run(_ arguments: String...) -> CommandScene.Result { scene.run(arguments) }

    /// Annotates with points of the class ribosome.
    private func annotate(_ tomogram: String, _ file: String, _ more: String...) -> CommandScene.Result {
        let arguments = ["annotate", tomogram, "--points", directory.file(file), "--class", "ribosome", "--radius", "125"] + more
        return scene.run(arguments)
    }

    /// A tomogram of cubes of voxels, added to a dataset.
    private func add(_ name: String, x: Int = 100, y: Int = 100, z: Int = 100, voxelSize: Double? = 10, dataset: String = "d")
        throws
    {
        let shape = try #require(VolumeShape(z: z, y: y, x: x))
        try FileManager.default.createDirectory(atPath: directory.file(dataset), withIntermediateDirectories: true)
        let path = "\(dataset)/\(name).mrc"
        let writer = try MRCWriter(
            OutputFile(directory.file(path), replacing: false, protecting: .none), shape: shape, scalarType: .uint8,
            voxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) })
        try writer.append(#require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { UInt8($0 % 251) })))
        try writer.finish()
        let added = run("add", directory.file(path), "--dataset", dataset)
        #expect(added.status == 0, "\(added)")
    }

    private func write(_ name: String, _ text: String) throws { try directory.write(name, Array(text.utf8)) }

    /// A STAR file of pixels.
    private func star(_ rows: String, columns: String = "_rlnTomoName", more: String = "") -> String {
        "data_particles\n\nloop_\n\(columns) #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n_rlnCoordinateZ #4\n\(more)\(rows)"
    }

    /// The points of all annotations, in the convention that is kept: `tomogram convention x y z`.
    private func points() -> [String] {
        let rows = run(
            "query",
            """
            SELECT printf('%s %s %g %g %g', tomogram, convention, x, y, z) FROM annotation_point
            JOIN v_annotation ON v_annotation.id = annotation_id ORDER BY tomogram, annotation_id, ordinal
            """, "--format", "csv")
        #expect(rows.status == 0, "\(rows)")
        return rows.output.split(separator: "\n").dropFirst().map(String.init)
    }

    @Test("points outside are refused with the likely cause, and the advice brings them inside")
    func outside() throws {
        try add("cube")
        let size = "_rlnTomoTiltSeriesPixelSize #5\n"
        try write("outside.star", star("cube 400.0 400.0 40.0 4.0\n", more: size))
        try write("inside.star", star("cube 400.0 400.0 40.0 2.25\n", more: size))
        let refused = annotate("cube", "outside.star")
        #expect(refused.status == 1 && refused.output.isEmpty)
        #expect(
            refused.errors.contains("1 of 1 point lies outside of the 100 × 100 × 100 voxels of cube, at voxel (160, 160, 16)"))
        #expect(
            refused.errors.contains("if their pixels are 2 Å, as before a binning by 2: give --pixel-size 2.0"),
            "\(refused.errors)")
        #expect(points().isEmpty)
        #expect(annotate("cube", "inside.star").output == "annotation 1: 1 point of cube, ribosome\n")
        #expect(points() == ["cube angstrom 900 900 90"])
        #expect(annotate("cube", "outside.star", "--pixel-size", "2.0").status == 0)
        #expect(points().last == "cube angstrom 800 800 80")
    }

    @Test("a few points outside are said, and kept; without a voxel size nothing is said of Å")
    func fewOutside() throws {
        try add("a")
        try add("b", voxelSize: nil)
        try write("p.csv", "x_angstrom,y_angstrom,z_angstrom\n10,10,10\n20,20,20\n5000,10,10\n")
        let few = annotate("a", "p.csv")
        #expect(few.status == 0 && few.output == "annotation 1: 3 points of a, ribosome\n")
        #expect(
            few.errors.contains("1 of 3 points lies outside of the 100 × 100 × 100 voxels of a, at voxel (500, 1, 1)"), "\(few)")
        let unknown = annotate("b", "p.csv")
        #expect(unknown.status == 0 && unknown.errors.isEmpty, "\(unknown)")
        try write("v.csv", "x_voxel,y_voxel,z_voxel\n200,10,10\n")
        let voxels = annotate("b", "v.csv")
        #expect(voxels.status == 1 && voxels.errors.contains("they count pixels before a binning by 4"), "\(voxels.errors)")
    }

    @Test("the portal's ndjson is voxels, and export writes what is read again")
    func portal() throws {
        try add("volume", x: 64, y: 64, z: 16)
        try write(
            "points.ndjson",
            """
            {"type": "point", "location": {"x": 10, "y": 20, "z": 4}}
            {"type": "orientedPoint", "location": {"x": 1, "y": 2, "z": 3}, "xyz_rotation_matrix": [[0, -1, 0], [1, 0, 0], [0, 0, 1]]}

            """)
        #expect(annotate("volume", "points.ndjson").output == "annotation 1: 2 points of volume, ribosome\n")
        #expect(points() == ["volume voxel 10 20 4", "volume voxel 1 2 3"])
    }

    @Test("names are matched without known endings, by a substitution, or are listed")
    func names() throws {
        try add("TS_001_10.00Apx", x: 64, y: 64, z: 16)
        try add("data_01", x: 64, y: 64, z: 16)
        try write("warp.star", star("TS_001.tomostar 10.0 10.0 4.0\n", columns: "_rlnMicrographName"))
        #expect(annotate("TS_001_10.00Apx", "warp.star").output == "annotation 1: 1 point of TS_001_10.00Apx, ribosome\n")
        let none = annotate("data_01", "warp.star")
        #expect(
            none.status == 1
                && none.errors.contains("has no point of a tomogram named data_01; it names TS_001.tomostar (1); --names"),
            "\(none)")
        #expect(annotate("data_01", "warp.star", "--names", #"^TS_0(\d+).*=data_$1"#).status == 0)
        #expect(annotate("data_01", "warp.star", "--names", "(").status == 2)
        try write(
            "loops.star",
            "data_optics\nloop_\n_rlnOpticsGroup #1\n_rlnOpticsGroupName #2\n1 'group one'\n\n"
                + star("data_01 1.0 2.0 3.0\ndata_01 4.0 5.0 6.0\n\ndata_empty\nloop_\n_rlnA #1\n_rlnB #2\n"))
        #expect(annotate("data_01", "loops.star").output.contains("2 points of data_01"))
        let many = (1...12).map { "T\($0) 1 2 3\n" }.joined()
        try write("many.star", star(many))
        #expect(annotate("data_01", "many.star").errors.contains("T8 (1), 4 others"))
        try write("two.star", star("x/data_01.mrc 1 2 3\ny/data_01.mrc 1 2 3\n"))
        #expect(annotate("data_01", "two.star").errors.contains("x/data_01.mrc, y/data_01.mrc, which can all mean data_01"))
    }

    @Test("mirrored points are n − 1 − z, in what is kept; words of programs do not mirror, and say so")
    func mirrors() throws {
        try add("a", x: 64, y: 64, z: 16)
        try add("b", x: 64, y: 64, z: 16, voxelSize: nil)
        try write("v.csv", "x_voxel,y_voxel,z_voxel\n1,2,3\n")
        try write("å.csv", "x_angstrom,y_angstrom,z_angstrom\n10,20,30\n")
        #expect(annotate("a", "v.csv", "--flip-z").status == 0)
        #expect(annotate("a", "å.csv", "--flip-z").status == 0)
        #expect(annotate("b", "v.csv", "--flip-z").status == 0)
        #expect(points() == ["a voxel 1 2 12", "a angstrom 10 20 120", "b voxel 1 2 12"])
        let refused = annotate("b", "å.csv", "--flip-z")
        #expect(refused.status == 1 && refused.errors.contains("b has no voxel size"), "\(refused)")
        try write("n.csv", "x,y,z\n1,2,3\n")
        let warp = annotate("b", "n.csv", "--convention", "warp")
        #expect(warp.status == 0 && warp.errors.contains("those of Warp, and z is not mirrored"), "\(warp)")
        #expect(points().last == "b relion 1 2 3")
        #expect(annotate("b", "n.csv", "--convention", "Warp").status == 2)
    }

    @Test("RELION 5's middle is that of the size that the file states, and it is said which one counts")
    func middles() throws {
        try add("a", x: 20, y: 40, z: 10)
        let columns = "_rlnTomoName\n_rlnCenteredCoordinateXAngst\n_rlnCenteredCoordinateYAngst\n_rlnCenteredCoordinateZAngst\n"
        try write("own.star", "data_particles\nloop_\n\(columns)a 1 2 3\n")
        let own = annotate("a", "own.star")
        #expect(own.errors.contains("from the middle of the tomogram's 20 × 40 × 10 voxels, at (100.0, 200.0, 50.0) Å"), "\(own)")
        #expect(points() == ["a relion5-centered 1 2 3"])
        try write(
            "stated.star",
            "data_particles\nloop_\n\(columns)_rlnTomoSizeX\n_rlnTomoSizeY\n_rlnTomoSizeZ\n_rlnPixelSize\na 1 2 3 101 200 50 2\n")
        let stated = annotate("a", "stated.star")
        #expect(stated.errors.contains("the size that the file states"), "\(stated)")
        #expect(points().last == "a angstrom 102 202 53")
    }

    @Test("one file is spread over the tomograms that it names, all of them or none")
    func spreading() throws {
        for name in ["TS_1_rec", "TS_2_rec", "TS_4"] { try add(name, x: 64, y: 64, z: 16) }
        try add("TS_4", x: 64, y: 64, z: 16, dataset: "e")
        try write("all.star", star("TS_1.tomostar 1 2 3\nTS_2.tomostar 4 5 6\nTS_9.tomostar 1 1 1\nTS_1.tomostar 7 8 9\n"))
        let spread = annotate("--all", "all.star")
        #expect(spread.status == 0, "\(spread)")
        #expect(
            spread.output == """
                annotation 1: 2 points of TS_1_rec, ribosome
                annotation 2: 1 point of TS_2_rec, ribosome
                3 points in 2 tomograms

                """)
        #expect(spread.errors.contains("no tomogram is named TS_9.tomostar, which has 1 points"))
        #expect(points().count == 3)
        // The second tomogram's points lie outside: the first one's are not added either.
        try write("half.star", star("TS_1.tomostar 1 2 3\nTS_2.tomostar 400 5 6\n"))
        #expect(annotate("--all", "half.star").status == 1)
        #expect(points().count == 3)
        try write("four.star", star("TS_4.tomostar 1 2 3\n"))
        let ambiguous = annotate("--all", "four.star")
        #expect(
            ambiguous.status == 1 && ambiguous.errors.contains("TS_4.tomostar can mean the tomograms TS_4 (id:"), "\(ambiguous)")
        #expect(annotate("--all", "four.star", "--dataset", "e").status == 0)
        #expect(
            run("query", "SELECT dataset FROM v_annotation WHERE tomogram = 'TS_4'", "--format", "csv").output == "dataset\ne\n")
        #expect(annotate("--all", "four.star", "--dataset", "none").errors.contains("no tomogram in a dataset none"))
        try write("unnamed.csv", "x_voxel,y_voxel,z_voxel\n1,2,3\n")
        #expect(annotate("--all", "unnamed.csv").errors.contains("1 points that name no tomogram"))
        // Which tomogram is said once.
        #expect(run("annotate", "--points", "x.star", "--class", "a", "--radius", "1").status == 2)
        #expect(run("annotate", "TS_4", "--all", "--points", "x.star", "--class", "a", "--radius", "1").status == 2)
        #expect(run("annotate", "TS_4", "--dataset", "d", "--points", "x.star", "--class", "a", "--radius", "1").status == 2)
        #expect(run("annotate", "--all", "--labels", "x.mrc", "--class", "a").status == 2)
    }

    @Test("a number is the name of a tomogram before it is an id")
    func numbers() throws {
        try add("2", x: 8, y: 8, z: 8)
        try add("1", x: 8, y: 8, z: 8)
        #expect(run("slab", "add", "2", "--z", "0..<4").output == "slab 1: 2, slices 0..<4\n")
        #expect(run("slab", "add", "id:2", "--z", "0..<4").output.hasPrefix("slab 2:"))
        #expect(run("query", "SELECT tomogram FROM v_slab ORDER BY id", "--format", "csv").output == "tomogram\n2\n1\n")
    }
}
