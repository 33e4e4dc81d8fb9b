import ImageProcessing
import Volumes

/// What somebody says of the voxels of a slab, slice by slice.
protocol SlabOpinion {
    /// The particles, in the order of their numbers, from 1.
    var rows: [ParticleTable.Row] { get throws }

    /// - Complexity: reads one slice.
    func opinion(slice: Int) throws -> SliceOpinion
}

/// What somebody says of the pixels of a slice, `[y][x]`.
struct SliceOpinion: Hashable {
    /// ``SliceInstances/Part``.
    var classes: [UInt8]
    /// The number of each pixel's particle, from 1; other numbers where there is none.
    var particles: [Int32]
    /// The probability that a pixel is membrane, 255 is 1; empty for one who says no more than the classes.
    var membrane: [UInt8] = []
}

extension PseudoLabels: SlabOpinion {
    var rows: [ParticleTable.Row] { get throws { try particles() } }

    func opinion(slice: Int) throws -> SliceOpinion {
        SliceOpinion(classes: try classes(slice: slice), particles: try objects(slice: slice))
    }
}

/// The labels of a later round: what the first labels, and networks that learned from labels, the *teacher*, agree on.
///
/// * Where both say membrane, it is membrane. A particle is one where both find it; its voxels are those that both give it.
/// * Where one alone says membrane, or has a particle, nothing is known: the voxel is "neither", which training ignores. So it is
///   where they say different things, or one of them does not know.
/// * What the teacher alone finds, and is sure of, is a label where the first labels say nothing: else no round could find what
///   they missed. Pixel by pixel for membrane, by its score for a particle. 1 believes none.
/// * All others, where both say ground, are ground.
///
/// Of what the teacher does not tell, the first labels are believed.
struct RoundLabels: SliceLabels {
    /// What the teacher tells, and how sure it has to be of what it alone finds.
    struct Rules: Hashable {
        var tellsMembranes = true
        var tellsParticles = true
        /// The least probability of membrane that the teacher alone finds.
        var sureMembrane = 1.0
        /// The least score of a particle that the teacher alone finds.
        var sureParticle = 1.0
        /// How far centres of a particle may be apart, as a part of the smaller diameter.
        var distance = 0.5
    }

    let rows: [ParticleTable.Row]
    /// The number of particles that the teacher alone found, and which are labels.
    var newParticles: Int { zip(agreement.sizes, agreement.owners).count { $0 == 1 && $1 == 1 } }

    private let first: any SlabOpinion
    private let teacher: any SlabOpinion
    private let rules: Rules
    private let agreement: ParticleAgreement

    /// - Complexity: reads the tables of particles.
    init(_ first: any SlabOpinion, _ teacher: any SlabOpinion, _ rules: Rules) throws {
        (self.first, self.teacher, self.rules) = (first, teacher, rules)
        let tables = rules.tellsParticles ? [try first.rows, try teacher.rows] : [try first.rows]
        agreement = ParticleAgreement(tables, within: rules.distance) { witness, row in
            witness == 1 && rules.sureParticle < 1 && row.confidence >= rules.sureParticle
        }
        rows = agreement.particles
    }

    func slice(_ slice: Int, height: Int, width: Int) throws -> AgreedLabels.Slice {
        let (first, teacher) = (try first.opinion(slice: slice), try teacher.opinion(slice: slice))
        let count = height * width
        guard
            [first.classes.count, teacher.classes.count, first.particles.count, teacher.particles.count].allSatisfy({
                $0 == count
            })
        else { throw PipelineError("the labels have another size than the tomogram; `cellar run` renews them") }
        var labels = AgreedLabels.Slice(
            classes: [UInt8](repeating: 0, count: count), particles: [Int32](repeating: 0, count: count),
            membrane: [UInt8](repeating: 255, count: count))
        for pixel in 0..<count {
            let parts = (
                first: SliceInstances.Part(rawValue: first.classes[pixel]) ?? .neither,
                teacher: SliceInstances.Part(rawValue: teacher.classes[pixel]) ?? .neither
            )
            if !teacher.membrane.isEmpty { labels.membrane[pixel] = teacher.membrane[pixel] }
            let isSure =
                rules.sureMembrane < 1 && !teacher.membrane.isEmpty
                && Double(teacher.membrane[pixel]) >= 255 * rules.sureMembrane
            let numbers = (
                first: number(first.particles[pixel], of: 0),
                teacher: rules.tellsParticles ? number(teacher.particles[pixel], of: 1) : 0
            )
            let particle = particle(numbers, parts)
            labels.particles[pixel] = particle
            let isSomebodysParticle = numbers != (0, 0) || parts.first == .macromolecule
            labels.classes[pixel] =
                (particle > 0 ? .macromolecule : isSomebodysParticle ? .neither : membrane(parts, isSure: isSure)).rawValue
        }
        return labels
    }

    /// The number of a particle of a witness among those that are labels; ``ParticleAgreement/alone`` where it is none of them, and
    /// 0 where there is no particle.
    private func number(_ own: Int32, of witness: Int) -> Int32 {
        let table = agreement.numbers[witness]
        return own > 0 && own < table.count ? table[Int(own)] : 0
    }

    /// The number of the particle that a pixel belongs to; 0 for none.
    private func particle(
        _ numbers: (first: Int32, teacher: Int32), _ parts: (first: SliceInstances.Part, teacher: SliceInstances.Part)
    ) -> Int32 {
        if !rules.tellsParticles {
            return numbers.first > 0 && !(rules.tellsMembranes && parts.teacher == .membrane) ? numbers.first : 0
        }
        if numbers.first > 0, numbers.first == numbers.teacher { return numbers.first }
        let isSilent = numbers.first == 0 && (parts.first == .ground || parts.first == .neither)
        return isSilent && numbers.teacher > 0 && agreement.sizes[Int(numbers.teacher) - 1] == 1 ? numbers.teacher : 0
    }

    /// What a pixel is that belongs to no particle of either.
    private func membrane(
        _ parts: (first: SliceInstances.Part, teacher: SliceInstances.Part), isSure: Bool
    ) -> SliceInstances.Part {
        guard rules.tellsMembranes else { return parts.first }
        switch (parts.first, parts.teacher) {
        case (.membrane, .membrane): return .membrane
        case (.ground, .membrane), (.neither, .membrane): return isSure ? .membrane : .neither
        case (.ground, .ground): return .ground
        default: return .neither
        }
    }
}
