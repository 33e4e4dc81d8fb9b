import TestSupport
import Testing
import Volumes

@testable import cellar

@Suite("A tomogram in which protein is bright") struct InvertedContrastTests {
    @Test(
        "is noticed by the network that comes with the program, and doctor says so of no other",
        arguments: [("4", "0.5"), ("21", "0.1")])
    func noticed(seed: String, ratio: String) throws {
        let scene = try CommandScene()
        let data = scene.directory.file("data")
        let simulate = ["simulate", data, "--tomograms", "1", "--size", "160,160,40", "--snr", ratio, "--seed", seed]
        #expect(OutputStreams.collecting { CellarCommand.exitCode(of: simulate) }.0 == 0)
        let volume = try VolumeLocation(path: "\(data)/tomo_01.mrc").open()
        let writer = try MRCWriter(
            path: "\(data)/inverted.mrc", shape: volume.shape, scalarType: .float32, voxelSize: volume.header.voxelSize)
        for z in 0..<volume.shape.z {
            let slice = try volume.readSlice(z: z)
            try writer.append(try #require(VoxelBuffer(shape: slice.shape, values: slice.floats().map { -$0 })))
        }
        try writer.finish()
        for name in ["tomo_01", "inverted"] {
            #expect(scene.run(["add", "\(data)/\(name).mrc", "--dataset", "d"]).status == 0)
        }
        #expect(scene.run(["run", "--until", "segment"]).status == 0)
        let ratios = scene.run(["query", "SELECT tomogram, value FROM v_metric WHERE name = 'inverted_contrast'"]).output
        let health = scene.run(["doctor"]).output
        #expect(health.contains("protein seems to be bright in inverted"), "\(ratios)\(health)")
        #expect(!health.contains("protein seems to be bright in tomo_01"), "\(ratios)")
    }
}
