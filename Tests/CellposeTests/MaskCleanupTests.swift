import ImageProcessing
import Testing

@testable import Cellpose

@Suite("Holes and small objects")
struct MaskCleanupTests {
    private static func labels(_ rows: String...) throws -> Image<Int32> {
        let values = rows.flatMap { $0.compactMap { $0.wholeNumberValue.map(Int32.init) } }
        return try #require(Image(height: rows.count, width: values.count / rows.count, values: values))
    }

    @Test("an object swallows what it encloses")
    func holes() throws {
        let labels = try Self.labels("11110", "10210", "12210", "11113")
        #expect(try MaskCleanup(smallestArea: 0)(labels) == Self.labels("11110", "11110", "11110", "11112"))
        // A way out between pixels that touch at a corner is none.
        let corner = try Self.labels("0110", "1010", "1110")
        #expect(try MaskCleanup(smallestArea: 0)(corner) == Self.labels("0110", "1110", "1110"))
    }

    @Test("small objects are dropped by their own size, also behind a gap in the labels")
    func gaps() throws {
        // Of the labels 1, 3, 4 and 5 the fourth is small: CellPose drops the 4 for it, and the small one only when it looks again.
        let labels = try Self.labels("1110005", "1113333", "1114444", "0004444")
        #expect(try MaskCleanup(smallestArea: 4)(labels) == Self.labels("1110000", "1112222", "1113333", "0003333"))
        let cellpose = try MaskCleanup(smallestArea: 4, counting: .cellpose)(labels)
        #expect(cellpose == (try Self.labels("1110000", "1112222", "1110000", "0000000")))
    }

    @Test("nothing is left small, and a second time changes nothing", arguments: [0, 1, 15, 60])
    func idempotent(area: Int) throws {
        let cleanup = try MaskCleanup(smallestArea: area)
        for kind in SyntheticLabels.allCases {
            let labels = try #require(kind.make(height: 80, width: 75, seed: 9))
            let cleaned = cleanup(labels)
            let objects = LabelledObject.all(in: cleaned)
            #expect(objects.allSatisfy { $0.area >= area })
            #expect(objects.map(\.label) == (0..<Int32(objects.count)).map { $0 + 1 })
            #expect(cleanup(cleaned) == cleaned)
        }
    }

    @Test("labels may be any numbers; below 1 is background")
    func anyLabels() throws {
        let labels = try #require(Image<Int32>(height: 1, width: 6, values: [.max, .max, -5, .min, 7, 0]))
        #expect(try MaskCleanup(smallestArea: 0)(labels).values == [1, 1, 0, 0, 2, 0])
        #expect(try MaskCleanup(smallestArea: 2)(labels).values == [1, 1, 0, 0, 0, 0])
    }

    @Test("thousands of specks")
    func specks() throws {
        let specks = try #require(SyntheticLabels.specks.make(height: 200, width: 200, seed: 1))
        let cleaned = try MaskCleanup(smallestArea: 2)(specks)
        #expect(cleaned.values.allSatisfy { $0 == 0 })
        #expect(try MaskCleanup(smallestArea: 1)(specks) == specks)
    }
}
