import Basics
import Testing

@testable import Tensors

@Suite("Memory that waits") struct FreeMemoryTests {
    @Test("neighbours become one piece, from which larger arrays are taken; the smallest piece that fits serves")
    func joining() {
        var free = FreeMemory()
        free.insert(10..<20)
        free.insert(30..<40)
        free.insert(50..<90)
        #expect(free.take(45) == nil)
        #expect(free.take(12) == 50)
        free.insert(20..<30)
        #expect(free.pieces == [10..<40, 62..<90])
        #expect(free.bytes == 58)
        #expect(free.take(28) == 62)
        #expect(free.take(30) == 10)
        #expect(free.pieces.isEmpty && free.bytes == 0)
    }

    @Test("what is too much goes, the smallest pieces first, and of the last one no more than has to")
    func excess() {
        var free = FreeMemory()
        for piece in [UInt(10)..<20, 30..<34, 50..<90] { free.insert(piece) }
        #expect(free.removeExcess(over: 54).isEmpty)
        #expect(free.removeExcess(over: 45) == [30..<34, 10..<15])
        #expect(free.pieces == [15..<20, 50..<90])
        #expect(free.removeExcess(over: 0) == [15..<20, 50..<90])
        #expect(free.bytes == 0)
    }

    @Test("no address is handed out twice, none gets lost, and no two pieces touch", arguments: 0..<20)
    func laws(_ seed: UInt64) {
        var random = RandomStream(state: seed)
        var free = FreeMemory()
        free.insert(0..<1000)
        var taken: [Range<UInt>] = []
        for _ in 0..<500 {
            if Bool.random(using: &random), let index = taken.indices.randomElement(using: &random) {
                free.insert(taken.remove(at: index))
            } else {
                let size = Int.random(in: 1...120, using: &random)
                if let first = free.take(size) {
                    taken.append(first..<first + UInt(size))
                } else {
                    #expect(free.pieces.allSatisfy { $0.count < size })
                }
            }
            let all = (taken + free.pieces).sorted { $0.lowerBound < $1.lowerBound }
            #expect(all.first?.lowerBound == 0 && all.last?.upperBound == 1000)
            #expect(zip(all, all.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            #expect(zip(free.pieces, free.pieces.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            #expect(free.bytes == free.pieces.reduce(0) { $0 + $1.count })
        }
    }
}
