import Testing

@testable import Viewer

@Suite struct BoundedCacheTests {
    @Test("the longest unused values give way, and never more is kept than the limit")
    func order() {
        let cache = BoundedCache<Int, String>(limit: 10)
        cache.insert("a", for: 1, cost: 4)
        cache.insert("b", for: 2, cost: 4)
        #expect(cache[1] == "a")
        cache.insert("c", for: 3, cost: 4)
        #expect(cache[2] == nil && cache[1] == "a" && cache[3] == "c" && cache.cost == 8)
        // Of the same key the new value counts.
        cache.insert("d", for: 1, cost: 6)
        #expect(cache[1] == "d" && cache.cost == 10 && cache.count == 2)
        // What costs more than all is not kept, and its older value no longer counts.
        cache.insert("e", for: 3, cost: 11)
        #expect(cache[3] == nil && cache[1] == "d" && cache.cost == 6)
    }

    @Test("any sequence of uses agrees with a list in order of use")
    func model() {
        let cache = BoundedCache<Int, Int>(limit: 100)
        var list: [(key: Int, cost: Int)] = []
        var state: UInt64 = 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        for round in 0..<3000 {
            let key = random(20)
            if random(2) == 0 {
                #expect((cache[key] != nil) == list.contains { $0.key == key })
                if let index = list.firstIndex(where: { $0.key == key }) { list.append(list.remove(at: index)) }
            } else {
                let cost = 1 + random(120)
                cache.insert(round, for: key, cost: cost)
                list.removeAll { $0.key == key }
                guard cost <= 100 else { continue }
                while list.reduce(0, { $0 + $1.cost }) + cost > 100 { list.removeFirst() }
                list.append((key, cost))
            }
            #expect(cache.cost == list.reduce(0) { $0 + $1.cost } && cache.count == list.count)
        }
    }

    @Test("what cannot be made is not kept, and is tried again")
    func failing() throws {
        struct Failure: Error {}
        let cache = BoundedCache<Int, Int>(limit: 10)
        #expect(throws: Failure.self) { try cache.value(for: 1, cost: 1) { throw Failure() } }
        #expect(cache.value(for: 1, cost: 1) { 5 } == 5)
        #expect(try cache.value(for: 1, cost: 1) { throw Failure() } == 5)
    }
}
