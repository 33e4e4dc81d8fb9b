import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

/// Label volumes that are none as they are: score maps, numbered objects, IMOD's bytes.
@Suite struct ScoreAnnotationTests {
    /// Writes a volume of the shape of the tomogram `t`.
    private func write<Value: VoxelScalar>(_ results: HandmadeResults, _ name: String, _ value: (Int) -> Value) throws {
        let shape = try #require(
            VolumeShape(z: HandmadeResults.shape.z, y: HandmadeResults.shape.y, x: HandmadeResults.shape.x))
        let writer = try MRCWriter(
            path: results.folder.file(name), shape: shape, scalarType: Value.scalarType,
            voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: (0..<shape.count).map(value))))
        try writer.finish()
    }

    private func digest(_ results: HandmadeResults) throws -> String {
        try results.cellar("query", "SELECT digest, threshold FROM v_annotation", "--format", "csv").output
    }

    @Test("scores are refused as labels, and a threshold makes a mask of them")
    func scores() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        try write(results, "bytes.mrc") { Int8($0 % 128) }
        try write(results, "half.mrc") { Float16($0 % 100) / 100 }
        try write(results, "float.mrc") { Float($0 % 100) / 100 }
        for (name, threshold) in [("bytes.mrc", "64"), ("half.mrc", "0.5"), ("float.mrc", "0.5")] {
            let refused = try cellar("annotate", "t", "--labels", name, "--class", "membrane")
            #expect(refused.status == 1 && refused.errors.contains("these look like scores: --threshold T"), "\(refused.errors)")
            let added = try cellar("annotate", "t", "--labels", name, "--threshold", threshold, "--class", "membrane")
            #expect(
                added.status == 0 && added.errors.isEmpty && added.output.contains("labels of t, membrane"), "\(added.errors)")
        }
        #expect(
            try cellar("query", "SELECT threshold FROM v_annotation ORDER BY id", "--format", "csv").output
                == "threshold\n64.0\n0.5\n0.5\n")
        for wrong in [["--class", "membrane=2"], ["--class", "membrane", "--class", "actin"]] {
            #expect(try cellar(["annotate", "t", "--labels", "bytes.mrc", "--threshold", "64"] + wrong).status == 2)
        }
        let nothing = try cellar("annotate", "t", "--labels", "bytes.mrc", "--threshold", "200", "--class", "membrane")
        #expect(nothing.status == 0 && nothing.errors.contains("no voxel of bytes.mrc is at least 200.0"), "\(nothing.errors)")
    }

    @Test("another threshold is another annotation for what was computed from it")
    func digests() throws {
        let results = try HandmadeResults()
        try write(results, "scores.mrc") { Int8($0 % 128) }
        var digests: Set<String> = []
        for threshold in ["64", "65", "64"] {
            let added = try results.cellar(
                "annotate", "t", "--labels", "scores.mrc", "--threshold", threshold, "--class", "membrane")
            #expect(added.status == 0, "\(added.errors)")
            digests.insert(try digest(results))
        }
        #expect(digests.count == 2)
    }

    @Test("numbered objects, more than 255, are one class by a threshold of 1")
    func objects() throws {
        let results = try HandmadeResults()
        try write(results, "objects.mrc") { UInt16($0 % 1000) }
        let refused = try results.cellar("annotate", "t", "--labels", "objects.mrc", "--class", "ribosome")
        #expect(refused.status == 1 && refused.errors.contains("has 998 values that are no class"), "\(refused.errors)")
        let added = try results.cellar(
            "annotate", "t", "--labels", "objects.mrc", "--threshold", "1", "--class", "ribosome")
        #expect(added.status == 0 && added.errors.isEmpty, "\(added.errors)")
    }

    @Test("a mask by IMOD is one of 0 and 1, with a note")
    func imod() throws {
        let results = try HandmadeResults()
        try write(results, "mask.mrc") { $0 % 5 == 0 ? Int8(-127) : -128 }
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: results.folder.file("mask.mrc"))))
        for (offset, value) in [(152, Int32(1_146_047_817)), (156, 1)] {
            withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
        }
        try results.folder.write("mask.mrc", bytes)
        let added = try results.cellar("annotate", "t", "--labels", "mask.mrc", "--class", "membrane=1")
        #expect(added.status == 0 && added.errors.contains("IMOD stored the bytes minus 128"), "\(added.errors)")
        #expect(!added.errors.contains("no voxel") && !added.errors.contains("no class"), "\(added.errors)")
    }
}
