import Basics
import ImageProcessing
import Testing

@Suite("Disjoint sets") struct DisjointSetTests {
    @Test("the root of a set is its least member, and sets are numbered in the order of their roots")
    func roots() {
        var sets = DisjointSets(count: 6)
        sets.join(4, 2)
        sets.join(5, 4)
        sets.join(1, 3)
        #expect((0..<6).map { sets.root(of: $0) } == [0, 1, 2, 1, 2, 2])
        #expect((0..<6).filter { sets.isRoot($0) } == [0, 1, 2])
        sets.join(5, 3)
        #expect(sets.root(of: 4) == 1)
        sets.grow(by: 2)
        #expect(sets.count == 8 && sets.root(of: 7) == 7)
        let (numbers, count) = sets.numbered()
        #expect(numbers == [0, 1, 1, 1, 1, 1, 2, 3] && count == 4)
    }

    @Test("joins one by one and joins in a row give the same sets, which are those of a search of the graph")
    func random() {
        var random = RandomStream(seed: 5)
        for size in [1, 2, 30, 200] {
            let pairs = (0..<size / 2).map { _ in (random.index(below: size), random.index(below: size)) }
            var (single, row) = (DisjointSets(count: size), DisjointSets(count: size))
            for (a, b) in pairs { single.join(a, b) }
            row.join { join in for (a, b) in pairs { join(a, b) } }
            // Each member takes the least number in reach until nothing changes.
            var least = Array(0..<size)
            for _ in 0..<size {
                for (a, b) in pairs { (least[a], least[b]) = (min(least[a], least[b]), min(least[a], least[b])) }
            }
            #expect((0..<size).map { single.root(of: $0) } == least)
            #expect((0..<size).map { row.root(of: $0) } == least)
        }
    }
}
