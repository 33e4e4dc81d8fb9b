public import CatalogSchema

/// Why items of one tomogram run, or do not: what differs from the time their standing result was computed.
public struct Explanation: Sendable, Hashable {
    /// Items of one step that stand alike, for the same reasons.
    public struct Group: Sendable, Hashable {
        public let step: String
        public let scope: ScopeKind
        public let state: ItemState
        /// One line each: `recipe prepare.clahe.clip_limit: 2.0 → 3.0`.
        public let reasons: [String]
        /// What the items are called: `z 120`, …; one empty name for the tomogram itself; the name of a training set.
        public internal(set) var items: [String]
    }

    /// `dataset/name`
    public let tomogram: String
    /// In the order of the steps.
    public let groups: [Group]
    /// The steps that wait for a training set, in order.
    public let stepsWithoutTrainingSet: [String]

    /// The first group that is stale for a reason of its own: the cause of everything that is.
    public var firstCause: Group? { groups.first { $0.state == .stale || $0.state == .foundAgain } }

    /// The names of items, with runs of z written as ranges: `z 100..<200, z 250`.
    public static func summary(of items: [String]) -> String {
        let z = items.compactMap { $0.hasPrefix("z ") ? Int($0.dropFirst(2)) : nil }.sorted()
        guard z.count == items.count, let first = z.first else {
            return items.count <= 4 ? items.joined(separator: ", ") : "\(items.count) items"
        }
        var ranges = [first..<first + 1]
        for value in z.dropFirst() {
            if let last = ranges.last, last.upperBound == value {
                ranges[ranges.count - 1] = last.lowerBound..<value + 1
            } else {
                ranges.append(value..<value + 1)
            }
        }
        let texts = ranges.map { $0.count == 1 ? "z \($0.lowerBound)" : "z \($0.lowerBound)..<\($0.upperBound)" }
        return texts.count <= 4 ? texts.joined(separator: ", ") : texts.prefix(3).joined(separator: ", ") + ", …"
    }
}
