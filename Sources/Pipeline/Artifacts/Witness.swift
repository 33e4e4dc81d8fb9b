import ImageProcessing

/// A source of labels for the slices of a slab: one of several that ``PseudoLabelsStep`` asks.
///
/// Each gives the classes of pseudo-labels, and tells some of them: what one cannot tell, it has no vote on.
struct Witness {
    enum Kind: String, CaseIterable, Sendable {
        /// The masks of the diffusion map, linked to particles and membranes (``LinkStep``): the published method.
        case diffusion
        /// Sheets in three dimensions.
        case sheets
        /// A network that was there before anything was picked.
        case model
        /// Balls of a given size in three dimensions.
        case blobs

        var tellsMembranes: Bool { self != .blobs }
        var tellsParticles: Bool { self != .sheets }
    }

    let kind: Kind
    let labels: PseudoLabels
}

/// What several witnesses say of one slice, voxel by voxel.
struct Testimony {
    /// Of the witnesses that tell membranes, in order: the classes of the slice, ``SliceInstances/Part``, `[y][x]`.
    let classes: [[UInt8]]
    /// For each pixel the combination of their votes on membrane (``VoteModel/index(_:)``).
    let combinations: [Int]

    /// - Parameter witnesses: those that tell membranes.
    /// - Complexity: reads one slice of each.
    init(_ witnesses: [Witness], slice: Int) throws {
        let classes = try witnesses.map { try $0.labels.classes(slice: slice) }
        var combinations = [Int](repeating: 0, count: classes.first?.count ?? 0)
        var place = 1
        for slice in classes {
            for (index, value) in slice.enumerated() { combinations[index] += place * Self.votes[Int(value)] }
            place *= VoteModel.Vote.allCases.count
        }
        (self.classes, self.combinations) = (classes, combinations)
    }

    /// The vote on membrane of a class.
    private static let votes: [Int] = (0...255).map { (value: UInt8) -> Int in
        let vote: VoteModel.Vote =
            switch SliceInstances.Part(rawValue: value) {
            case .membrane: .yes
            case .neither: .unsure
            case .ground, .macromolecule, nil: .no
            }
        return vote.rawValue
    }
}
