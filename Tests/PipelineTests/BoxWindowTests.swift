import Basics
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Boxes around places of a tomogram") struct BoxWindowTests {
    @Test("beyond a face lies the mirror image, as often as it takes")
    func mirrored() {
        #expect((-7..<10).map { BoxWindow.mirrored($0, in: 0..<3) } == [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2])
        #expect((0..<4).map { BoxWindow.mirrored($0, in: 5..<6) } == [5, 5, 5, 5])
    }

    @Test("a box is what a mirrored tomogram would hold, wherever its middle is", arguments: [3, 7, 15, 31])
    func boxes(side: Int) throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let shape = try #require(VolumeShape(z: 6, y: 20, x: 17))
        func value(_ z: Int, _ y: Int, _ x: Int) -> Float { Float((z * 20 + y) * 17 + x) }
        let path = folder.file("t.mrc")
        let writer = try MRCWriter(
            OutputFile(path, replacing: false, protecting: .none), shape: shape, scalarType: .float32,
            voxelSize: VoxelSize(cubicInAngstroms: 10))
        let values = (0..<6).flatMap { z in (0..<20).flatMap { y in (0..<17).map { x in value(z, y, x) } } }
        try writer.append(#require(VoxelBuffer(shape: shape, values: values)))
        try writer.finish()
        let volume = try VolumeLocation(path: path).open()
        let scaling = try DensityScaling(VolumeSurvey.run(volume).histogram, of: "t")
        let reach = side / 2
        var window = BoxWindow(of: volume, scaling: scaling, side: side, band: 0..<20, structuresAreDark: false)
        for z in 0..<6 {
            for (y, x) in [(0, 0), (10, 8), (19, 16), (3, 14)] {
                let box = try window.box(at: SIMD3(x, y, z))
                var expected: [Float] = []
                for dz in -reach...reach {
                    for dy in -reach...reach {
                        for dx in -reach...reach {
                            expected.append(
                                value(
                                    BoxWindow.mirrored(z + dz, in: 0..<6), BoxWindow.mirrored(y + dy, in: 0..<20),
                                    BoxWindow.mirrored(x + dx, in: 0..<17)))
                        }
                    }
                }
                #expect(box == scaling.normalized(expected))
            }
        }
    }
}
