/// How well two partitions of the same things agree.
public enum PartitionAgreement {
    /// The adjusted Rand index (L. Hubert, P. Arabie, *Comparing partitions*, 1985): 1 where they are the same, about 0 where one says nothing of the
    /// other. 1 where both are one group, or each thing is a group in both.
    ///
    /// - Precondition: as many numbers in one as in the other.
    /// - Complexity: O(n), and memory for the pairs of groups that occur.
    public static func adjustedRand(_ a: [Int], _ b: [Int]) -> Double {
        precondition(a.count == b.count, "\(a.count) numbers and \(b.count)")
        func pairs(_ count: Int) -> Double { Double(count) * Double(count - 1) / 2 }
        var (both, first, second) = ([SIMD2<Int>: Int](), [Int: Int](), [Int: Int]())
        for (own, other) in zip(a, b) {
            both[SIMD2(own, other), default: 0] += 1
            first[own, default: 0] += 1
            second[other, default: 0] += 1
        }
        let together = both.values.reduce(0) { $0 + pairs($1) }
        let (inFirst, inSecond) = (first.values.reduce(0) { $0 + pairs($1) }, second.values.reduce(0) { $0 + pairs($1) })
        let all = pairs(a.count)
        guard all > 0 else { return 1 }
        let expected = inFirst * inSecond / all
        let most = (inFirst + inSecond) / 2
        return most == expected ? 1 : (together - expected) / (most - expected)
    }

    /// Gives the groups of a new partition the numbers of an earlier one, where they have the same things.
    ///
    /// Pairs of groups are taken by the number of things that they share, the greatest first; each group once, and only where it shares at least a
    /// third of the things of either. What is left gets numbers that were never given.
    ///
    /// - Parameters:
    ///   - new: the group of each thing in the new partition; 0 is none and stays 0.
    ///   - old: the number of each in the earlier one; 0 is none.
    ///   - next: the first number that was never given.
    /// - Returns: the number of each new group, from the largest group for new numbers.
    public static func numbers(ofGroups new: [Int], after old: [Int], next: Int) -> [Int: Int] {
        var (shared, sizes, earlier) = ([SIMD2<Int>: Int](), [Int: Int](), [Int: Int]())
        for (own, before) in zip(new, old) {
            if own != 0 { sizes[own, default: 0] += 1 }
            if before != 0 { earlier[before, default: 0] += 1 }
            if own != 0, before != 0 { shared[SIMD2(own, before), default: 0] += 1 }
        }
        for own in new.dropFirst(old.count) where own != 0 { sizes[own, default: 0] += 1 }
        var numbers: [Int: Int] = [:]
        var taken: Set<Int> = []
        let order = shared.sorted { ($1.value, $0.key[0], $0.key[1]) < ($0.value, $1.key[0], $1.key[1]) }
        for (pair, count) in order where numbers[pair[0]] == nil && !taken.contains(pair[1]) {
            guard 3 * count >= min(sizes[pair[0], default: 0], earlier[pair[1], default: 0]) else { continue }
            numbers[pair[0]] = pair[1]
            taken.insert(pair[1])
        }
        var number = next
        for (group, _) in sizes.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) where numbers[group] == nil {
            numbers[group] = number
            number += 1
        }
        return numbers
    }
}
