import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

/// Exports between a change and the next run: they are of what was computed before, and say so.
@Suite struct ExportedResultsTests {
    /// Results of trained networks by a voxel size of 10 Å, where the tomogram has 25 Å since then.
    private func recalibrated() throws -> HandmadeResults {
        let results = try HandmadeResults()
        try results.publish("calibrate", values: ["voxel-size": "[10.0,10.0,10.0]"])
        let inputs = [
            ItemOutcome.Input(name: "calibrate.voxel-size", digest: try HandmadeResults.digest("calibrate"), value: nil)
        ]
        try results.publishSegmentation(inputs: inputs)
        try results.publishPicks(inputs: inputs)
        #expect(try results.cellar("add", "t.mrc", "--dataset", "d", "--voxel-size", "25").output == "updated: 1 tomogram in d\n")
        return results
    }

    @Test("points are converted with the voxel size by which they were found, whatever is said since then")
    func points() throws {
        let results = try recalibrated()
        func points(_ convention: CoordinateConvention) throws -> [PickedPoint] {
            let name = "\(convention.rawValue).\(convention == .relion5Centered ? "star" : "csv")"
            let written = try results.cellar(
                "export", "points", "t", "--convention", convention.rawValue, "--output", name)
            #expect(written.status == 0, "\(written.errors)")
            #expect(
                written.output.contains("  pick of t by run 3, 2026-01-01 00:00:00 UTC, voxel size 10.0 Å\n"), "\(written.output)"
            )
            #expect(written.errors.contains("t has the voxel size 25.0 Å today: lengths are written by that of pick, 10.0 Å"))
            return try PointFile.read(results.folder.file(name), convention: convention).points
        }
        // The first lies at (200, 160, 20) Å: in voxel 20, 16, 2 of 40 × 32 × 6.
        let expected: [(CoordinateConvention, SIMD3<Double>)] = [
            (.angstrom, [200, 160, 20]), (.voxel, [20, 16, 2]), (.imod, [20.5, 16.5, 2]), (.dynamo, [21, 17, 3]),
            (.relion5Centered, [200 - 200, 160 - 160, 20 - 30]),
        ]
        for (convention, place) in expected {
            let point = try #require(try points(convention).first)
            #expect(SIMD3(point.x, point.y, point.z) == place, "\(convention)")
        }
    }

    @Test("volumes have the voxel size by which they were computed, and name the run in their header")
    func volumes() throws {
        let results = try recalibrated()
        for arguments in [["labels", "t"], ["map", "t", "--step", "segment", "--class", "membrane"]] {
            let name = "\(arguments[0]).mrc"
            let written = try results.cellar(["export"] + arguments + ["--output", name])
            #expect(written.errors.contains("t has the voxel size 25.0 Å today: lengths are written by that of segment, 10.0 Å"))
            let volume = try VolumeLocation(path: results.folder.file(name)).open()
            #expect(abs(try #require(volume.header.voxelSize).xInAngstroms - 10) < 1e-5)
            let header = try Data(contentsOf: URL(fileURLWithPath: results.folder.file(name))).prefix(1024)
            #expect(String(decoding: header, as: UTF8.self).contains("Cellar: run 2, 2026-01-01 00:00:00 UTC, voxel size 10.0 A"))
        }
        // The circles of a picture are where they were found, too: a ball of 50 Å around slice 2 ends before slice 7.
        func drawn(_ z: String) throws -> Data {
            #expect(try results.cellar("show", "t", "--step", "pick", "--z", z, "--output", "\(z).png").status == 0)
            return try Data(contentsOf: URL(fileURLWithPath: results.folder.file("\(z).png")))
        }
        #expect(try drawn("4") != drawn("2"))
    }

    @Test("slabs that were computed with several voxel sizes are not put into one file")
    func severalVoxelSizes() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        #expect(try cellar("slab", "add", "t", "--z", "3..<5").status == 0)
        for (slab, size) in [(Int64(1), "10.0"), (2, "25.0")] {
            try results.publish("calibrate", key: size, values: ["voxel-size": "[\(size),\(size),\(size)]"])
            try results.publish(
                "pseudo-labels", .slab, of: slab, key: size,
                inputs: [.init(name: "calibrate.voxel-size", digest: HandmadeResults.digest("calibrate\(size)"), value: nil)],
                artifacts: [
                    (
                        "labels", "pseudo-labels",
                        { try $0.write("classes", shape: [2, 32, 40], values: [UInt8](repeating: UInt8(slab), count: 2560)) }
                    )
                ])
            let written = try cellar("export", "labels", "t", "--output", "l.mrc")
            if slab == 1 {
                #expect(written.output.contains("voxel size 10.0 Å"), "\(written.errors)")
            } else {
                #expect(written.status == 1)
            }
            try? FileManager.default.removeItem(atPath: results.folder.file("l.mrc"))
        }
        for kind in ["labels", "points"] {
            let refused = try cellar("export", kind, "t", "--output", "l.csv")
            #expect(refused.status == 1, "\(kind)")
            #expect(
                refused.errors.contains("pseudo-labels of t was computed partly with another voxel size (10.0 Å and 25.0 Å)"),
                "\(refused.errors)")
        }
    }

    @Test("an export says that what it writes is stale, and why, until a run renews it")
    func staleness() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
        #expect(try cellar("recipe", "set", "features.mode=structure").status == 0)
        #expect(try cellar("simulate", "data", "--tomograms", "1", "--size", "64,64,16", "--snr", "0.5").status == 0)
        #expect(try cellar("add", "data/tomo_01.mrc", "--dataset", "sim").status == 0)
        for z in ["2..<5", "8..<10"] { #expect(try cellar("slab", "add", "tomo_01", "--z", z).status == 0) }
        #expect(try cellar("run").status == 0)
        func export() throws -> (result: CellarProcess.Result, voxelSize: Double) {
            let result = try cellar(
                "export", "labels", "tomo_01", "--step", "pseudo-labels", "--output", "labels.mrc", "--force")
            let volume = try VolumeLocation(path: folder.file("labels.mrc")).open()
            return (result, try #require(volume.header.voxelSize).zInAngstroms)
        }
        let fresh = try export()
        #expect(fresh.result.errors.isEmpty, "\(fresh.result.errors)")
        #expect(
            fresh.result.output.contains("pseudo-labels of tomo_01 by run 1, ")
                && fresh.result.output.hasSuffix("voxel size 13.48 Å\n"))
        #expect(abs(fresh.voxelSize - 13.48) < 1e-3)

        #expect(try cellar("add", "data/tomo_01.mrc", "--dataset", "sim", "--voxel-size", "10").status == 0)
        let stale = try export()
        #expect(abs(stale.voxelSize - 13.48) < 1e-3)
        #expect(
            stale.result.errors.contains("pseudo-labels of tomo_01 is stale: declared voxel size: "), "\(stale.result.errors)")
        #expect(
            stale.result.errors.contains(
                "tomo_01 has the voxel size 10.0 Å today: lengths are written by that of pseudo-labels, 13.48 Å"))

        #expect(try cellar("run").status == 0)
        let renewed = try export()
        #expect(renewed.result.errors.isEmpty && abs(renewed.voxelSize - 10) < 1e-3, "\(renewed.result.errors)")
        // Another parameter, and one that cannot be read.
        #expect(try cellar("recipe", "set", "link.gap=3").status == 0)
        #expect(try export().result.errors.contains("is stale: recipe link.gap: 2 → 3 (link)"))
        try folder.write(".cellar/recipe.yaml", Array("nonsense: [".utf8))
        let unknown = try export().result
        #expect(unknown.status == 0 && unknown.errors.contains("Whether pseudo-labels of tomo_01 is stale is not known"))
    }
}
