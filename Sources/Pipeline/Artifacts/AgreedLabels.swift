import ImageProcessing
import Volumes

/// The labels that several witnesses agree on, slice by slice.
///
/// A voxel is membrane, or ground, by a ``Rule``; a particle where a particle is agreed on (``ParticleAgreement``); "neither", which training
/// ignores, where nobody knows, where a particle of one witness stands alone, and, but where one knows best, where at least half of the witnesses of
/// membranes say "neither". One witness is believed. Where no witness tells particles, or none tells membranes, the rest is ground: such labels teach only
/// what their witnesses tell.
struct AgreedLabels {
    let witnesses: [Witness]
    let particles: ParticleAgreement
    /// Of those that tell membranes, in order; nil where none does.
    let model: VoteModel?

    /// What votes on membrane make of a voxel.
    struct Rule {
        /// From this probability on a voxel is membrane, if at least two say so; below one minus it, it is probably not (``VoteModel``).
        let agreement: Double
        let ground: Ground
        /// A witness that knows best: a voxel is membrane where it says so and at least one other does not deny it, and nowhere else. nil for
        /// none.
        let trusted: Witness.Kind?

        /// - Parameters:
        ///   - votes: of each witness.
        ///   - trusted: the index of the one that knows best.
        ///   - probability: that it is membrane.
        fileprivate func part(_ votes: [VoteModel.Vote], trusted: Int?, probability: Double) -> SliceInstances.Part {
            let (yes, unsure) = (votes.count { $0 == .yes }, votes.count { $0 == .unsure })
            if let trusted, votes.count > 1 {
                if votes[trusted] == .yes, yes + unsure > 1 { return .membrane }
            } else if probability >= agreement, yes >= min(2, votes.count) {
                return .membrane
            }
            let isProbable = probability <= 1 - agreement && 2 * unsure < votes.count
            let isGround =
                switch ground {
                case .probable: isProbable
                case .unclaimed: isProbable && yes == 0
                case .unanimous: isProbable && yes == 0 && unsure == 0
                case .settled:
                    if let trusted, votes.count > 1 {
                        votes[trusted] == .no || (votes[trusted] == .unsure && yes == 0 && unsure == 1)
                    } else {
                        isProbable
                    }
                }
            return isGround ? .ground : .neither
        }
    }

    /// Where a voxel that is probably no membrane is ground.
    enum Ground: String, CaseIterable, Sendable {
        /// Everywhere.
        case probable
        /// Where no witness calls it membrane.
        case unclaimed
        /// Where all witnesses say that it is none.
        case unanimous
        /// Where the one that knows best says that it is none, or doubts and all others say so; ``probable`` where none knows best.
        case settled
    }

    private let membraneWitnesses: [Witness]
    private let particleWitnesses: [Witness]
    /// What a voxel without a particle is, by the combination of votes on membrane.
    private let parts: [SliceInstances.Part]

    /// - Parameters:
    ///   - depth: the slices of the slab.
    ///   - distance: how far centres of a particle may be apart, as a part of the smaller diameter.
    ///   - check: is called before each slice; throws to stop.
    /// - Complexity: reads the classes of all slices of those that tell membranes once.
    init(
        _ witnesses: [Witness], depth: Int, rule: Rule, distance: Double, check: (_ slice: Int) throws -> Void
    ) throws {
        self.witnesses = witnesses
        membraneWitnesses = witnesses.filter(\.kind.tellsMembranes)
        particleWitnesses = witnesses.filter(\.kind.tellsParticles)
        particles = try ParticleAgreement(particleWitnesses.map { try $0.labels.particles() }, within: distance)
        let observers = membraneWitnesses.count
        guard observers > 0 else {
            (model, parts) = (nil, [.ground])
            return
        }
        var counts = [Int](repeating: 0, count: VoteModel.combinations(observers: observers))
        for slice in 0..<depth {
            try check(slice)
            for combination in try Self.combinations(membraneWitnesses, slice: slice, count: nil) {
                counts[Int(combination)] += 1
            }
        }
        let model = try VoteModel(observers: observers, counts: counts)
        self.model = model
        let trusted = membraneWitnesses.firstIndex { $0.kind == rule.trusted }
        parts = counts.indices.map { combination in
            rule.part(
                VoteModel.votes(of: combination, observers: observers), trusted: trusted, probability: model[combination])
        }
    }

    /// The weight of each witness of membranes that the votes showed; empty where the majority decides.
    var weights: [(kind: Witness.Kind, weight: Double)] {
        zip(membraneWitnesses, model?.weights ?? []).map { ($0.kind, $1) }
    }

    /// Whether labels have a confidence: several sources were asked.
    var haveConfidence: Bool { witnesses.count > 1 }

    /// What the sources agree on in a slice, `[y][x]`.
    struct Slice {
        /// ``SliceInstances/Part``.
        var classes: [UInt8]
        /// The number of each pixel's particle, or 0.
        var particles: [Int32]
        /// The probability that a pixel is membrane, 255 is 1.
        var membrane: [UInt8]
    }

    /// - Complexity: reads one slice of each witness.
    func slice(_ slice: Int, height: Int, width: Int) throws -> Slice {
        let count = height * width
        var (numbers, isAlone) = ([Int32](repeating: 0, count: count), [Bool](repeating: false, count: count))
        for (index, (witness, table)) in zip(particleWitnesses, particles.numbers).enumerated() {
            for (pixel, object) in try witness.labels.objects(slice: slice).enumerated() {
                // Pieces of membrane have greater numbers than particles.
                guard object > 0, object < table.count else { continue }
                let number = table[Int(object)]
                if number == ParticleAgreement.alone || particles.owners[Int(number) - 1] != index {
                    isAlone[pixel] = true
                } else if numbers[pixel] == 0 {
                    numbers[pixel] = number
                }
            }
        }
        let combinations = try Self.combinations(membraneWitnesses, slice: slice, count: count)
        let probabilities = parts.indices.map { UInt8(((model?[$0] ?? 0) * 255).rounded()) }
        var classes = [UInt8](repeating: SliceInstances.Part.ground.rawValue, count: count)
        for pixel in 0..<count {
            let part = parts[Int(combinations[pixel])]
            classes[pixel] =
                (numbers[pixel] > 0 ? .macromolecule : part == .ground && isAlone[pixel] ? .neither : part).rawValue
        }
        return Slice(classes: classes, particles: numbers, membrane: combinations.map { probabilities[Int($0)] })
    }

    /// For each pixel the combination of the witnesses' votes on membrane (``VoteModel/index(_:)``).
    ///
    /// - Parameter count: of pixels, where there may be no witness.
    private static func combinations(_ witnesses: [Witness], slice: Int, count: Int?) throws -> [UInt8] {
        var combinations = [UInt8](repeating: 0, count: count ?? 0)
        var place: UInt8 = 1
        for witness in witnesses {
            let classes = try witness.labels.classes(slice: slice)
            if combinations.isEmpty { combinations = [UInt8](repeating: 0, count: classes.count) }
            for (pixel, value) in classes.enumerated() { combinations[pixel] &+= place &* votes[Int(value)] }
            place &*= UInt8(VoteModel.Vote.allCases.count)
        }
        return combinations
    }

    /// The vote on membrane of each class.
    private static let votes: [UInt8] = (0...255).map { (value: UInt8) -> UInt8 in
        let vote: VoteModel.Vote =
            switch SliceInstances.Part(rawValue: value) {
            case .membrane: .yes
            case .neither: .unsure
            case .ground, .macromolecule, nil: .no
            }
        return UInt8(vote.rawValue)
    }
}
