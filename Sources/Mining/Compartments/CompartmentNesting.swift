/// The tree of what encloses what: a search breadth first through the contacts of compartments.
struct CompartmentNesting {
    /// The least part of a compartment's contact that it has with what encloses it: a vesicle that lies against the membrane of
    /// its organelle touches what is outside of that, too.
    static let leastContact = 0.2

    /// For each compartment the index of the one that encloses it; nil for roots.
    private(set) var parents: [Int?]
    /// For each compartment how many enclose it.
    private(set) var levels: [Int]
    /// Whether the search has come to a compartment.
    private var isReached: [Bool]

    /// - Parameters:
    ///   - contacts: for each compartment the area of its contact with others, by their index.
    ///   - roots: all compartments, in the order in which they may be roots. All that has contact with the first one, directly or
    ///     through others, is enclosed by it; only of the rest the next one is a root.
    /// - Complexity: linear in the contacts, and again for each compartment that has no large contact with what was reached.
    init(contacts: [[Int32: Double]], roots: some Sequence<Int>) {
        parents = [Int?](repeating: nil, count: contacts.count)
        levels = [Int](repeating: 0, count: contacts.count)
        isReached = [Bool](repeating: false, count: contacts.count)
        for root in roots where !isReached[root] {
            isReached[root] = true
            search(from: root, contacts, contacts.map { $0.values.reduce(0, +) * Self.leastContact })
        }
    }

    /// - Parameter least: for each compartment the least contact with what encloses it.
    private mutating func search(from root: Int, _ contacts: [[Int32: Double]], _ least: [Double]) {
        var shell = [root]
        // For each compartment next to what was reached, its largest contact with that.
        var near: [Int: (area: Double, outer: Int)] = [:]
        while true {
            var next: [Int: (area: Double, outer: Int)] = [:]
            func note(_ area: Double, _ outer: Int, for inner: Int, in table: inout [Int: (area: Double, outer: Int)]) {
                if let known = table[inner], (known.area, outer) >= (area, known.outer) { return }
                table[inner] = (area, outer)
            }
            for outer in shell {
                for (inner, area) in contacts[outer] where !isReached[Int(inner)] {
                    note(area, outer, for: Int(inner), in: &near)
                    if area >= least[Int(inner)] { note(area, outer, for: Int(inner), in: &next) }
                }
            }
            if next.isEmpty {
                guard let best = near.max(by: { ($0.value.area, $1.key) < ($1.value.area, $0.key) }) else { return }
                next[best.key] = best.value
            }
            for (inner, contact) in next {
                (parents[inner], levels[inner], isReached[inner]) = (contact.outer, levels[contact.outer] + 1, true)
                near[inner] = nil
            }
            shell = next.keys.sorted()
        }
    }
}
