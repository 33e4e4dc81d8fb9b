import Basics
import ImageProcessing
import Testing

@Suite("Cell lists") struct CellListTests {
    @Test("the points near a place are all those within the distance, and none beyond two cells")
    func near() {
        var random = RandomStream(seed: 9)
        func place() -> SIMD3<Double> { SIMD3(40 * random.unit() - 20, 40 * random.unit() - 20, 40 * random.unit() - 20) }
        let points = (0..<500).map { _ in place() }
        var cells = CellList(distance: 4)
        for (index, point) in points.enumerated() { cells.add(index, at: point) }
        for _ in 0..<50 {
            let center = place()
            let found = cells.near(center)
            #expect(Set(found).count == found.count)
            for (index, point) in points.enumerated() {
                let offset = point - center
                if (offset * offset).sum() <= 16 { #expect(found.contains(index)) }
                if max(abs(offset.x), abs(offset.y), abs(offset.z)) > 8 { #expect(!found.contains(index)) }
            }
        }
    }

    @Test("points at the borders of cells are found, below zero too")
    func borders() {
        var cells = CellList(distance: 1)
        for (index, x) in [-1, 0, 1, 2].enumerated() { cells.add(index, at: SIMD3(Double(x), 0, 0)) }
        #expect(cells.near(SIMD3(0, 0, 0)) == [0, 1, 2])
        #expect(cells.near(SIMD3(-1, 0, 0)) == [0, 1])
        #expect(cells.near(SIMD3(0, 3, 0)).isEmpty)
    }
}
