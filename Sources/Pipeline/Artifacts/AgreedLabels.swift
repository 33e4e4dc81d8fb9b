import ImageProcessing
import Volumes

/// The labels that several witnesses agree on, slice by slice.
///
/// A voxel is membrane where at least two say so and it probably is, by ``VoteModel``; a particle where a particle is agreed on (``ParticleAgreement``); "neither",
/// which training ignores, where nobody knows: between the two probabilities, where a particle of one witness stands alone, and where
/// most witnesses say "neither". One witness is believed.
struct AgreedLabels {
    let witnesses: [Witness]
    let particles: ParticleAgreement
    /// Of those that tell membranes, in order; nil where none does.
    let model: VoteModel?
    /// From this probability on a voxel is membrane; below one minus it, it is not.
    let agreement: Double

    private let membraneWitnesses: [Witness]
    private let particleWitnesses: [Witness]

    /// - Parameters:
    ///   - depth: the slices of the slab.
    ///   - distance: how far centres of a particle may be apart, as a part of the smaller diameter.
    ///   - check: is called before each slice; throws to stop.
    /// - Complexity: reads the classes of all slices of those that tell membranes once.
    init(
        _ witnesses: [Witness], depth: Int, agreement: Double, distance: Double, check: (_ slice: Int) throws -> Void
    ) throws {
        self.witnesses = witnesses
        self.agreement = agreement
        membraneWitnesses = witnesses.filter(\.kind.tellsMembranes)
        particleWitnesses = witnesses.filter(\.kind.tellsParticles)
        particles = try ParticleAgreement(particleWitnesses.map { try $0.labels.particles() }, within: distance)
        guard !membraneWitnesses.isEmpty else {
            model = nil
            return
        }
        var counts = [Int](repeating: 0, count: VoteModel.combinations(observers: membraneWitnesses.count))
        for slice in 0..<depth {
            try check(slice)
            for combination in try Testimony(membraneWitnesses, slice: slice).combinations { counts[combination] += 1 }
        }
        model = try VoteModel(observers: membraneWitnesses.count, counts: counts)
    }

    /// The weight of each witness of membranes that the votes showed; empty where the majority decides.
    var weights: [(kind: Witness.Kind, weight: Double)] {
        zip(membraneWitnesses, model?.weights ?? []).map { ($0.kind, $1) }
    }

    /// The classes of a slice, ``SliceInstances/Part``, and the number of each pixel's particle, `[y][x]`.
    ///
    /// - Complexity: reads one slice of each witness.
    func slice(_ slice: Int, height: Int, width: Int) throws -> (classes: [UInt8], particles: [Int32]) {
        let count = height * width
        var (numbers, isAlone) = ([Int32](repeating: 0, count: count), [Bool](repeating: false, count: count))
        for (witness, table) in zip(particleWitnesses, particles.numbers) {
            for (pixel, object) in try witness.labels.objects(slice: slice).enumerated() {
                // Pieces of membrane have greater numbers than particles.
                guard object > 0, object < table.count else { continue }
                let number = table[Int(object)]
                if number == ParticleAgreement.alone {
                    isAlone[pixel] = true
                } else if numbers[pixel] == 0 {
                    numbers[pixel] = number
                }
            }
        }
        let testimony = try Testimony(membraneWitnesses, slice: slice)
        var classes = [UInt8](repeating: SliceInstances.Part.ground.rawValue, count: count)
        for pixel in 0..<count {
            classes[pixel] =
                (numbers[pixel] > 0 ? .macromolecule : part(testimony, pixel, isAlone: isAlone[pixel])).rawValue
        }
        return (classes, numbers)
    }

    /// What a pixel without an agreed particle is.
    private func part(_ testimony: Testimony, _ pixel: Int, isAlone: Bool) -> SliceInstances.Part {
        guard let model else { return isAlone ? .neither : .ground }
        let probability = model[testimony.combinations[pixel]]
        let yes = testimony.classes.count { $0[pixel] == SliceInstances.Part.membrane.rawValue }
        if probability >= agreement, yes >= min(2, testimony.classes.count) { return .membrane }
        let unsure = testimony.classes.count { $0[pixel] == SliceInstances.Part.neither.rawValue }
        return isAlone || probability > 1 - agreement || 2 * unsure >= testimony.classes.count ? .neither : .ground
    }
}
