import Basics

/// The linear assignment of picks to truths: the largest number of one-to-one pairs, and of such pairings the one with the
/// least sum of distances.
///
/// Picks are added one by one. Each time Dijkstra's algorithm finds the cheapest augmenting path, along which pairs are
/// exchanged so that the new pick gets a truth. A pick may also stay without a truth, at a cost above that of any pairing.
/// Source: R. Jonker, A. Volgenant, *A shortest augmenting path algorithm for dense and sparse linear assignment problems*,
/// Computing 38 (1987).
struct PickAssignment {
    private let candidates: [[(truth: Int, distance: Double)]]
    private let truths: Int
    /// The truth of each pick; −1 for none.
    private var truthOfPick: [Int]
    /// The pick of each truth; −1 for none.
    private var pickOfTruth: [Int]
    /// The dual variable of each truth: what it costs beyond the distance, because other picks compete for it.
    private var prices: [Double]
    /// The cost of a pick without a truth.
    private let solitude: Double

    /// - Parameters:
    ///   - candidates: for each pick the truths that it may have, the nearest first.
    ///   - truths: the number of truths.
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

    /// The pairs, in the order of the picks.
    var pairs: [PickScore.Pair] {
        truthOfPick.indices.compactMap { pick in
            candidates[pick].first { $0.truth == truthOfPick[pick] }.map {
                PickScore.Pair(pick: pick, truth: $0.truth, distanceInAngstroms: $0.distance)
            }
        }
    }

    /// The state of a search, which is reused to save allocations.
    private struct Search {
        /// The cost of the cheapest known path to each truth.
        var costs: [Double]
        /// The pick before each truth on that path.
        var before: [Int]
        /// Whether the cost of a truth is final.
        var isDone: [Bool]
        /// The truths with a finite cost, which have to be reset.
        var touched: [Int] = []
        /// Truths by the cost of the path to them.
        var queue = PriorityQueue<Double, Int>()

        init(truths: Int) {
            costs = [Double](repeating: .infinity, count: truths)
            before = [Int](repeating: -1, count: truths)
            isDone = [Bool](repeating: false, count: truths)
        }
    }

    /// Adds a pick to the assignment.
    private mutating func place(_ newcomer: Int, _ search: inout Search) {
        // The cheapest known end of a path: a free truth, or a pick that loses its truth.
        var least = Double.infinity
        var freeTruth: Int?
        var lonelyPick = newcomer
        var (pick, cost) = (newcomer, 0.0)
        var done: [Int] = []
        while true {
            // The cost of a path adds distance + price of each truth that a pick gets, and subtracts that of the one it loses.
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
        // The prices of truths that are cheaper to reach than the end rise by the difference.
        for truth in done { prices[truth] += least - search.costs[truth] }
        var (pickAtEnd, truthAtEnd) = (lonelyPick, -1)
        if let freeTruth { (pickAtEnd, truthAtEnd) = (search.before[freeTruth], freeTruth) }
        // Along the path backwards each pick passes its former truth to the pick before it.
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

    /// The distance of a pick to its truth plus the price of the truth.
    private func value(ofPick pick: Int) -> Double {
        let truth = truthOfPick[pick]
        return (candidates[pick].first { $0.truth == truth }?.distance ?? 0) + (truth < 0 ? 0 : prices[truth])
    }
}
