import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

/// Exports of volumes as OME-Zarr, and of tomograms themselves.
@Suite struct VolumeExportTests {
    private func volume(_ results: HandmadeResults, _ name: String) throws -> any Volume {
        try VolumeLocation(parsing: results.folder.file(name)).open()
    }

    private func floats(_ volume: any Volume) throws -> [Float] {
        try (0..<volume.shape.z).flatMap { try volume.readSlice(z: $0).floats() }
    }

    @Test("labels and maps are OME-Zarr images where the name ends with .zarr, with the voxels of the MRC file")
    func images() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        try results.publishSegmentation()
        for (arguments, type) in [
            (["labels", "t"], ScalarType.uint8), (["map", "t", "--step", "segment", "--class", "membrane"], .float32),
        ] {
            let written = try cellar(["export"] + arguments + ["--output", "v.zarr", "--force"])
            #expect(written.status == 0 && written.output.contains("v.zarr: 40 × 32 × 6"), "\(written.errors)")
            #expect(try cellar(["export"] + arguments + ["--output", "v.mrc", "--force"]).status == 0)
            let image = try volume(results, "v.zarr")
            #expect(image.scalarType == type && image.header.voxelSize == VoxelSize(cubicInAngstroms: 10))
            #expect(try floats(image) == floats(volume(results, "v.mrc")))
            let half = try volume(results, "v.zarr:/1")
            #expect(half.shape == VolumeShape(z: 3, y: 16, x: 20) && half.header.voxelSize == VoxelSize(cubicInAngstroms: 20))
        }
        let again = try cellar("export", "labels", "t", "--output", "v.zarr")
        #expect(again.status == 1 && again.errors.contains("--force"), "\(again.errors)")
    }

    @Test("membranes are drawn at a thickness without a network; other classes stay, and win")
    func thickness() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        func export(_ thickness: String, _ name: String = "d.mrc") throws -> CellarProcess.Result {
            try cellar("export", "labels", "t", "--thickness", thickness, "--output", name, "--force")
        }
        #expect(try export("60").errors.contains("segment has no result for t at hand"))
        try results.publishSegmentation()
        #expect(try export("60").errors.contains("`cellar run --until centre-surface` computes it"))
        try results.publishCentreSurface()
        // Voxels are 10 Å long; membrane from x 10, ribosome from x 20 on.
        for (thickness, first, end) in [("60", 12, 18), ("10", 14, 16), ("200", 5, 20), ("1000", 0, 20)] {
            for name in ["d.mrc", "d.zarr"] {
                let written = try export(thickness, name)
                #expect(written.status == 0, "\(written.errors)")
                #expect(
                    written.output.contains("segment, membranes \(Double(thickness) ?? 0) Å thick: 1 membrane, 2 ribosome\n"),
                    "\(written.output)")
                let labels = try floats(volume(results, name))
                for index in labels.indices {
                    let x = index % 40
                    #expect(labels[index] == (x >= 20 ? 2 : (first..<end).contains(x) ? 1 : 0), "\(thickness) Å, x \(x)")
                }
            }
        }
        let thin = try export("9")
        #expect(thin.status == 1 && thin.errors.contains("from the length of a voxel, 10.0 Å, to 1000 Å"), "\(thin.errors)")
        for thickness in ["1001", "-60", "nan", "thick"] { #expect(try export(thickness).status == 2, "\(thickness)") }
        for other in [["--objects"], ["--step", "pseudo-labels"]] {
            let refused = try cellar(["export", "labels", "t", "--thickness", "60", "--output", "d.mrc"] + other)
            #expect(refused.status == 2 && refused.errors.contains("--thickness is for the membranes"), "\(refused.errors)")
        }
        try results.publishCentreSurface(isOld: true)
        #expect(try export("60").errors.contains("are of an earlier segmentation; `cellar run --until centre-surface`"))
        try results.publishCentreSurface(sheets: [])
        #expect(try export("60").errors.contains("the segmentation of t has no membrane to draw, only membrane, ribosome"))
    }

    @Test("objects are int32 in an image, 0 between slabs")
    func objects() throws {
        let results = try HandmadeResults()
        try results.publish(
            "pseudo-labels", .slab, of: 1,
            artifacts: [
                (
                    "labels", "pseudo-labels",
                    { artifact in
                        try artifact.write("classes", shape: [2, 32, 40], values: [UInt8](repeating: 1, count: 2560))
                        try artifact.write("objects", shape: [2, 32, 40], values: (0..<2560).map { UInt32($0 * 300) })
                    }
                )
            ])
        let written = try results.cellar("export", "labels", "t", "--objects", "--output", "o.zarr")
        #expect(written.status == 0, "\(written.errors)")
        let image = try volume(results, "o.zarr")
        #expect(image.scalarType == .int32)
        let expected =
            [Float](repeating: 0, count: 1280) + (0..<2560).map { Float($0 * 300) } + [Float](repeating: 0, count: 3840)
        #expect(try floats(image) == expected)
    }

    @Test("a tomogram is written with its voxels and the voxel size that the catalog knows")
    func tomogram() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        #expect(try cellar("add", "t.mrc", "--dataset", "d", "--voxel-size", "25").status == 0)
        for name in ["copy.zarr", "copy.mrc"] {
            let written = try cellar("export", "tomogram", "t", "--output", name)
            #expect(written.output == "\(name): 40 × 32 × 6, float32, voxel size 25.0 Å\n", "\(written.errors)")
            let copy = try volume(results, name)
            #expect(try floats(copy) == (0..<copy.shape.count).map { Float($0 % 97) })
            #expect(abs(try #require(copy.header.voxelSize).zInAngstroms - 25) < 1e-4)
        }
        // Never over what the catalog knows, nor over another folder.
        #expect(try cellar("export", "tomogram", "t", "--output", "t.mrc", "--force").status == 1)
        #expect(try cellar("add", "copy.zarr", "--dataset", "d").status == 0)
        let known = try cellar("export", "tomogram", "t", "--output", "copy.zarr", "--force")
        #expect(known.status == 1 && known.errors.contains("the tomogram d/copy"), "\(known.errors)")
        try FileManager.default.createDirectory(atPath: results.folder.file("mine.zarr/work"), withIntermediateDirectories: true)
        let other = try cellar("export", "tomogram", "t", "--output", "mine.zarr", "--force")
        #expect(other.status == 1 && other.errors.contains("is a folder and no zarr image"), "\(other.errors)")
        #expect(FileManager.default.fileExists(atPath: results.folder.file("mine.zarr/work")))
    }
}
