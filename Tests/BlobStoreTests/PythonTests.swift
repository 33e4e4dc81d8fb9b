import Basics
import BlobStore
import Foundation
import TestSupport
import Testing
import Volumes

private let python = PythonProgram(running: "import h5py, numpy")

@Suite("h5py", .enabled(if: python != nil, PythonProgram.absence))
struct PythonTests {
    @Test("reads every type under its own name, float16 as <f2, through its own filters")
    func types() throws {
        let temporary = try TemporaryStore()
        func values<Value: VoxelScalar & Numeric>(_: Value.Type) -> [Value] { (0..<1050).map { Value(exactly: $0 % 100) ?? 0 } }
        let digest = try temporary.store.put(kind: "k") { artifact in
            func write<Value: VoxelScalar & Numeric>(_ type: Value.Type) throws {
                for level in ArtifactWriter.compressionLevels {
                    try artifact.write(
                        "\(Value.scalarType)-\(level)", shape: [10, 15, 7], values: values(type), chunk: [3, 4, 5],
                        compression: level)
                }
            }
            try write(UInt8.self)
            try write(Int8.self)
            try write(UInt16.self)
            try write(Int16.self)
            try write(UInt32.self)
            try write(Int32.self)
            try write(UInt64.self)
            try write(Int64.self)
            try write(Float16.self)
            try write(Float.self)
            try write(Double.self)
            try artifact.setAttribute("text", "Å")
            try artifact.setAttribute("reals", [1, 2])
            try artifact.setAttribute("integer", 3)
        }
        let script = """
            import h5py, numpy, sys
            with h5py.File(sys.argv[1]) as f:
                assert f.attrs['cellar_kind'].decode() == 'k' and f.attrs['text'].decode() == 'Å'
                assert list(f.attrs['reals']) == [1, 2] and f.attrs['integer'] == 3
                for name, d in f.items():
                    assert d.dtype.name == name.split('-')[0], (name, d.dtype)
                    assert d.fletcher32 and d.chunks == (3, 4, 5)
                    assert (d[...].ravel() == numpy.arange(1050) % 100).all(), name
                print(len(f), f['float16-1'].dtype.str, f['uint8-4'].compression_opts)
            """
        let output = try #require(python).run(["-c", script, temporary.store.path(of: digest)])
        #expect(output == "55 <f2 4\n")
    }

    @Test("the digest of Schema/blobs.md, computed in Python, is the file's name")
    func digest() throws {
        let temporary = try TemporaryStore()
        let digest = try temporary.store.put(kind: "sample", SampleArtifact().write)
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Schema/blobs.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let blocks = text.components(separatedBy: "```python\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        let script = try #require(blocks.first { $0.contains("def logical_digest") })
        let output = try #require(python).run(
            ["-c", script + "\nimport sys\nprint(logical_digest(sys.argv[1]))\n", temporary.store.path(of: digest)])
        #expect(output == "\(digest.hexadecimal)\n")
    }
}
