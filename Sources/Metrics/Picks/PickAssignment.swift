/// As many pairs of picks and truths as there can be, and of those pairings the one with the least sum of distances.
///
/// Picks are added one by one; each time the cheapest path is searched (Dijkstra) on which pairs are exchanged so that the new
/// pick has a truth. Every pick may also stay alone, at a cost beyond that of any pairing. Source: R. Jonker, A. Volgenant, *A
/// shortest augmenting path algorithm for dense and sparse linear assignment problems*, Computing 38 (1987).
struct PickAssignment {
    private let candidates: [[(truth: Int, distance: Double)]]
    private let truths: Int
    /// For each pick its truth, for each truth its pick; −1 for none.
    private var truthOfPick: [Int]
    private var pickOfTruth: [Int]
    /// What a truth costs beyond the distance, since others want it, and what the pick that has it pays: the dual variables.
    private var prices: [Double]
    /// What it costs to leave a pick alone.
    private let solitude: Double

    /// - Parameter candidates: for each pick the truths that it may have, nearest first.
    init(_ candidates: [[(truth: Int, distance: Double)]], truths: Int) {
        self.candidates = candidates
        self.truths = truths
        truthOfPick = [Int](repeating: -1, count: candidates.count)
        pickOfTruth = [Int](repeating: -1, count: truths)
        prices = [Double](repeating: 0, count: truths)
        let farthest = candidates.reduce(0) { max($0, $1.last?.distance ?? 0) }
        solitude = (farthest + 1) * Double(min(candidates.count, truths) + 1)
        var search = Search(truths: truths)
        for pick in candidates.indices where !candidates[pick].isEmpty { place(pick, &search) }
    }

    /// The pairs, by pick.
    var pairs: [PickScore.Pair] {
        truthOfPick.indices.compactMap { pick in
            candidates[pick].first { $0.truth == truthOfPick[pick] }.map {
                PickScore.Pair(pick: pick, truth: $0.truth, distanceInAngstroms: $0.distance)
            }
        }
    }

    /// What a search knows; emptied after each.
    private struct Search {
        /// The cost of the cheapest known path to each truth, and the pick before it there.
        var costs: [Double]
        var before: [Int]
        var isDone: [Bool]
        var touched: [Int] = []
        var queue = PathQueue()

        init(truths: Int) {
            costs = [Double](repeating: .infinity, count: truths)
            before = [Int](repeating: -1, count: truths)
            isDone = [Bool](repeating: false, count: truths)
        }
    }

    private mutating func place(_ newcomer: Int, _ search: inout Search) {
        // The cheapest way to end: a truth that is free, or a pick that goes without one.
        var least = Double.infinity
        var freeTruth: Int?
        var lonelyPick = newcomer
        var (pick, cost) = (newcomer, 0.0)
        var done: [Int] = []
        while true {
            // Costs along a path are sums of distance + price of what is taken, less that of what is given up.
            let given = pick == newcomer ? 0 : value(ofPick: pick)
            if cost + solitude - given < least {
                (least, freeTruth, lonelyPick) = (cost + solitude - given, nil, pick)
            }
            for candidate in candidates[pick] where !search.isDone[candidate.truth] {
                let reached = cost + candidate.distance + prices[candidate.truth] - given
                guard reached < search.costs[candidate.truth], reached < least else { continue }
                if search.costs[candidate.truth] == .infinity { search.touched.append(candidate.truth) }
                search.costs[candidate.truth] = reached
                search.before[candidate.truth] = pick
                search.queue.push(reached, candidate.truth)
            }
            var next: Int?
            while let (reached, truth) = search.queue.pop() {
                guard !search.isDone[truth], reached == search.costs[truth] else { continue }
                next = truth
                break
            }
            guard let truth = next, search.costs[truth] < least else { break }
            search.isDone[truth] = true
            done.append(truth)
            cost = search.costs[truth]
            guard pickOfTruth[truth] >= 0 else {
                (least, freeTruth) = (cost, truth)
                break
            }
            pick = pickOfTruth[truth]
        }
        // Truths that are cheaper to reach than the end have become more wanted by the difference.
        for truth in done { prices[truth] += least - search.costs[truth] }
        var (pickAtEnd, truthAtEnd) = (lonelyPick, -1)
        if let freeTruth { (pickAtEnd, truthAtEnd) = (search.before[freeTruth], freeTruth) }
        // Back along the path, each pick gives the truth it had to the one before.
        while true {
            let former = truthOfPick[pickAtEnd]
            truthOfPick[pickAtEnd] = truthAtEnd
            if truthAtEnd >= 0 { pickOfTruth[truthAtEnd] = pickAtEnd }
            guard pickAtEnd != newcomer else { break }
            (truthAtEnd, pickAtEnd) = (former, search.before[former])
        }
        for truth in search.touched {
            search.costs[truth] = .infinity
            search.isDone[truth] = false
        }
        search.touched.removeAll(keepingCapacity: true)
        search.queue.removeAll()
    }

    /// What a pick pays for the truth that it has: distance and price.
    private func value(ofPick pick: Int) -> Double {
        let truth = truthOfPick[pick]
        return (candidates[pick].first { $0.truth == truth }?.distance ?? 0) + (truth < 0 ? 0 : prices[truth])
    }
}

/// Truths by the cost of the path to them, the cheapest first: a binary heap.
private struct PathQueue {
    private var entries: [(cost: Double, truth: Int)] = []

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    mutating func push(_ cost: Double, _ truth: Int) {
        entries.append((cost, truth))
        var child = entries.count - 1
        while child > 0, entries[child].cost < entries[(child - 1) / 2].cost {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> (Double, Int)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && entries[child].cost < entries[least].cost
            {
                least = child
            }
            guard least != parent else { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
