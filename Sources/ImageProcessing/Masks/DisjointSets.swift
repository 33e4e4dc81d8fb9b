/// Disjoint sets (union-find) of the integers 0 ..< n. The root of a set is its least member.
package struct DisjointSets: Sendable {
    /// For each number a smaller one of its set; for the least member itself.
    private var parents: [Int32]

    /// Creates `count` sets of one member each.
    package init(count: Int) { parents = (0..<count).map { Int32(truncatingIfNeeded: $0) } }

    /// The number of members of all sets.
    package var count: Int { parents.count }

    /// Adds `count` sets of one member each; their members continue the numbering.
    package mutating func grow(by count: Int) {
        parents.append(contentsOf: (parents.count..<parents.count + count).lazy.map { Int32(truncatingIfNeeded: $0) })
    }

    /// A function that joins the sets of two members. It is valid only within the closure of ``DisjointSets/join(_:)``.
    package struct Joiner {
        fileprivate let parents: UnsafeMutableBufferPointer<Int32>

        @inline(__always)
        package func callAsFunction(_ a: Int, _ b: Int) {
            let (a, b) = (root(of: a), root(of: b))
            parents[max(a, b)] = Int32(truncatingIfNeeded: min(a, b))
        }

        /// The least member of a set. Shortens the path by halving: each number passed gets the parent of its parent.
        @inline(__always)
        fileprivate func root(of index: Int) -> Int {
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

    /// The root of a member's set: its least member.
    ///
    /// - Precondition: the member exists.
    package mutating func root(of member: Int) -> Int {
        precondition(parents.indices.contains(member), "no set has the member \(member)")
        return parents.withUnsafeMutableBufferPointer { Joiner(parents: $0).root(of: member) }
    }

    /// Whether a member is the root of its set.
    package func isRoot(_ member: Int) -> Bool { parents[member] == member }

    /// Joins the sets of two members. The lesser one of their roots becomes the root of both.
    ///
    /// - Precondition: the members exist.
    package mutating func join(_ a: Int, _ b: Int) {
        precondition(parents.indices.contains(a) && parents.indices.contains(b), "no set has the member \(max(a, b))")
        parents.withUnsafeMutableBufferPointer { Joiner(parents: $0)(a, b) }
    }

    /// Calls `body` with a function that joins sets, for many joins in a row. The function does not check that its members exist.
    package mutating func join(_ body: (Joiner) -> Void) {
        parents.withUnsafeMutableBufferPointer { body(Joiner(parents: $0)) }
    }

    /// The number of each member's set, and the number of sets. Sets are numbered from 0 in the order of their least members.
    package consuming func numbered() -> (ofMember: [Int32], count: Int) {
        var count: Int32 = 0
        parents.withUnsafeMutableBufferPointer { parents in
            for index in 0..<parents.count {
                // Parents are smaller than their children, so that they have their number already.
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
