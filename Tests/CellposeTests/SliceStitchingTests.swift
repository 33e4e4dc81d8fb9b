import ImageProcessing
import TestSupport
import Testing

@testable import Cellpose

@Suite("Objects along z")
struct SliceStitchingTests {
    @Test("equal CellPose's stitch3D, slice by slice")
    func equalCellpose() throws {
        let rows = try GoldenFile("dynamics/stitching.csv", in: .module).rows()
        #expect(rows.count == 6 * 3 * 8)
        var stitching = try SliceStitching()
        for row in rows {
            let z: Int = try row.value("z")
            if z == 0 { stitching = try SliceStitching(threshold: row.value("threshold")) }
            let kind: SyntheticLabels = z == 5 ? .empty : try row.kind("kind")
            var slice = try #require(kind.make(height: 75, width: 96, seed: row.value("seed") + UInt64(z / 2)))
            if z == 2 { slice = Self.rolled(slice, by: 3).renumbered() }
            let stitched = try stitching.next(slice)
            #expect(try digest(stitched) == row.text("labels"), "\(row)")
        }
    }

    private static func rolled(_ labels: Image<Int32>, by columns: Int) -> Image<Int32> {
        Image(sizeOf: labels) { result in
            for y in 0..<labels.height {
                for x in 0..<labels.width {
                    result[y * labels.width + x] = labels[y: y, x: (x + labels.width - columns) % labels.width]
                }
            }
        }
    }

    @Test("a slice that comes again keeps its labels, whatever its numbers")
    func repeated() throws {
        let labels = try #require(SyntheticLabels.touching.make(height: 60, width: 60, seed: 3))
        var stitching = try SliceStitching(threshold: 1)
        let first = try stitching.next(labels)
        let count = stitching.count
        for _ in 0..<3 { #expect(try stitching.next(labels.map { $0 == 0 ? 0 : 5000 - $0 }) == first) }
        #expect(stitching.count == count)
    }

    @Test("no number is given twice, also after empty slices at the beginning")
    func empty() throws {
        let row = { (values: [Int32]) in try #require(Image(height: 1, width: 4, values: values)) }
        var stitching = try SliceStitching()
        #expect(try stitching.next(row([0, 0, 0, 0])).values == [0, 0, 0, 0])
        #expect(try stitching.next(row([1, 0, 2, 3])).values == [1, 0, 2, 3])
        #expect(try stitching.next(row([0, 0, 0, 0])).values == [0, 0, 0, 0])
        // CellPose gives 1 and 2 again.
        #expect(try stitching.next(row([1, 1, 0, 2])).values == [4, 4, 0, 5])
    }

    @Test("of two that overlap an object the larger overlap continues it")
    func competition() throws {
        let row = { (values: [Int32]) in try #require(Image(height: 1, width: 7, values: values)) }
        var stitching = try SliceStitching(threshold: 0.1)
        #expect(try stitching.next(row([1, 1, 1, 1, 1, 0, 0])).values == [1, 1, 1, 1, 1, 0, 0])
        #expect(try stitching.next(row([1, 1, 2, 2, 2, 0, 0])).values == [2, 2, 1, 1, 1, 0, 0])
    }

    @Test("a slice of another size is refused, and those after it go on")
    func sizes() throws {
        let labels = try #require(SyntheticLabels.discs.make(height: 50, width: 60, seed: 1))
        let other = try #require(SyntheticLabels.discs.make(height: 60, width: 50, seed: 1))
        var stitching = try SliceStitching()
        let first = try stitching.next(labels)
        #expect(throws: FlowError.self) { try stitching.next(other) }
        #expect(try stitching.next(labels) == first)
        for threshold in [-0.1, 1.1, .nan] { #expect(throws: FlowError.self) { try SliceStitching(threshold: threshold) } }
    }
}
