/// Sets of whole numbers that are joined two by two; each is known by its least member.
package struct DisjointSets: Sendable {
    /// For each number a smaller one of its set; for the least itself.
    private var parents: [Int32]

    package init(count: Int) { parents = (0..<count).map { Int32(truncatingIfNeeded: $0) } }

    /// Adds sets of one member each, numbered on.
    package mutating func grow(by count: Int) {
        parents += (parents.count..<parents.count + count).map { Int32(truncatingIfNeeded: $0) }
    }

    /// Joins the sets of two members.
    package struct Joiner {
        fileprivate let parents: UnsafeMutableBufferPointer<Int32>

        @inline(__always)
        package func callAsFunction(_ a: Int, _ b: Int) {
            let (a, b) = (root(of: a), root(of: b))
            parents[max(a, b)] = Int32(truncatingIfNeeded: min(a, b))
        }

        /// Every number on the way is set two steps nearer to the root.
        @inline(__always)
        private func root(of index: Int) -> Int {
            var index = index
            var parent = Int(parents[index])
            while parent != index {
                let next = parents[parent]
                parents[index] = next
                index = parent
                parent = Int(next)
            }
            return index
        }
    }

    /// Hands out what joins sets of members that exist.
    package mutating func join(_ body: (Joiner) -> Void) {
        parents.withUnsafeMutableBufferPointer { body(Joiner(parents: $0)) }
    }

    /// The number of the set of each: sets are numbered from 0 in the order of their least members.
    package consuming func numbered() -> (ofMember: [Int32], count: Int) {
        var count: Int32 = 0
        parents.withUnsafeMutableBufferPointer { parents in
            for index in 0..<parents.count {
                // Parents are smaller than their children: they have been numbered before.
                let parent = Int(parents[index])
                if parent == index {
                    parents[index] = count
                    count &+= 1
                } else {
                    parents[index] = parents[parent]
                }
            }
        }
        return (parents, Int(count))
    }
}
