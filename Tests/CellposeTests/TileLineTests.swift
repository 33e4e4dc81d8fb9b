import Testing

@testable import Cellpose

@Suite("Tiles of CellPose")
struct TileLineTests {
    @Test(
        "sides are padded and cut as cellpose does it",
        arguments: [
            (1, 15, 32, 32, [0]), (16, 8, 32, 32, [0]), (100, 14, 128, 128, [0]), (208, 8, 224, 224, [0]),
            (209, 15, 240, 224, [0, 16]), (512, 8, 528, 224, [0, 152, 304]), (1024, 8, 1040, 224, [0, 163, 326, 489, 652, 816]),
        ])
    func lines(side: Int, before: Int, padded: Int, length: Int, starts: [Int]) {
        let line = TileLine(side: side)
        #expect(line.before == before && line.padded == padded && line.length == length && line.starts == starts)
    }

    @Test("tiles cover every side, and count for more in their middle", arguments: 1...1200)
    func cover(side: Int) {
        let line = TileLine(side: side)
        #expect(line.padded % 16 == 0 && line.padded >= side + 16 && line.before + side + 8 <= line.padded)
        #expect(line.starts.first == 0 && line.starts.last == line.padded - line.length)
        #expect(zip(line.starts, line.starts.dropFirst()).allSatisfy { $0 < $1 && $1 <= $0 + line.length * 9 / 10 })
        #expect(line.weights.count == line.length && line.weights.max().map { $0 <= 1 } == true)
        #expect(line.weightSums.allSatisfy { $0 > 0 })
    }
}
