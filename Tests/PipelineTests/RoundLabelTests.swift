import Basics
import Testing

@testable import Pipeline

@Suite("Labels of a later round") struct RoundLabelTests {
    private typealias Part = SliceInstances.Part

    /// Somebody who says the same of each slice.
    private struct Voice: SlabOpinion {
        var rows: [ParticleTable.Row] = []
        var classes: [UInt8]
        var particles: [Int32]
        var membrane: [UInt8] = []

        init(_ parts: [SliceInstances.Part], particles: [Int32]? = nil, rows: [ParticleTable.Row] = [], membrane: [UInt8] = []) {
            classes = parts.map(\.rawValue)
            self.particles = particles ?? [Int32](repeating: 0, count: parts.count)
            (self.rows, self.membrane) = (rows, membrane)
        }

        func opinion(slice: Int) -> SliceOpinion { SliceOpinion(classes: classes, particles: particles, membrane: membrane) }
    }

    private static let parts: [Part] = [.ground, .membrane, .macromolecule, .neither]

    private func row(_ x: Double, confidence: Double = 1) -> ParticleTable.Row {
        ParticleTable.Row(centreInAngstroms: SIMD3(x, 0, 0), radiusInAngstroms: 100, confidence: confidence, code: 0)
    }

    private func labels(_ first: Voice, _ teacher: Voice, _ rules: RoundLabels.Rules = .init()) throws -> AgreedLabels.Slice {
        try RoundLabels(first, teacher, rules).slice(0, height: 1, width: first.classes.count)
    }

    private func found(_ slice: AgreedLabels.Slice) -> [Part?] { slice.classes.map(Part.init(rawValue:)) }

    /// All pairs of what two may say of a voxel. Where both say macromolecule, it is the same particle.
    private func pairs() -> (first: Voice, teacher: Voice) {
        let pairs = Self.parts.flatMap { first in Self.parts.map { (first: first, teacher: $0) } }
        func voice(_ parts: [Part]) -> Voice {
            Voice(parts, particles: parts.map { $0 == .macromolecule ? 1 : 0 }, rows: [row(0)])
        }
        return (voice(pairs.map(\.first)), voice(pairs.map(\.teacher)))
    }

    @Test("what both say is a label, and nothing else is")
    func agreement() throws {
        let (first, teacher) = pairs()
        let slice = try labels(first, teacher)
        for (pixel, part) in found(slice).enumerated() {
            let isSame = first.classes[pixel] == teacher.classes[pixel]
            #expect(part?.rawValue == (isSame ? first.classes[pixel] : Part.neither.rawValue), "\(pixel)")
            #expect((slice.particles[pixel] > 0) == (part == .macromolecule))
        }
    }

    @Test("where two disagree there is never a label, however sure the teacher is")
    func disagreement() throws {
        var (first, teacher) = pairs()
        teacher.membrane = teacher.classes.map { $0 == Part.membrane.rawValue ? 255 : 0 }
        let slice = try labels(first, teacher, .init(sureMembrane: 0.9, sureParticle: 0.9))
        for (pixel, part) in found(slice).enumerated() {
            let (one, other) = (Part(rawValue: first.classes[pixel]), Part(rawValue: teacher.classes[pixel]))
            if one == .membrane, other == .macromolecule { #expect(part == .neither) }
            if one == .macromolecule, other == .membrane { #expect(part == .neither) }
            // And what the first labels alone found is no label either.
            if one == .membrane, other != .membrane { #expect(part == .neither) }
        }
        // A second time, with the same teacher, it says the same.
        (first.classes, first.particles) = (slice.classes, slice.particles)
        #expect(try labels(first, teacher).classes == slice.classes)
    }

    @Test(
        "new findings of the teacher alone need it to be sure, and that the first labels say nothing there", arguments: [0.9, 1])
    func findings(sure: Double) throws {
        let first = Voice([.ground, .neither, .ground, .ground, .membrane, .ground, .ground])
        let teacher = Voice(
            [.membrane, .membrane, .membrane, .macromolecule, .macromolecule, .macromolecule, .ground],
            particles: [0, 0, 0, 1, 1, 2, 0], rows: [row(0, confidence: 0.95), row(1000, confidence: 0.8)],
            membrane: [240, 255, 128, 0, 0, 0, 255])
        let rules = RoundLabels.Rules(sureMembrane: sure, sureParticle: sure)
        let labels = try RoundLabels(first, teacher, rules)
        let slice = try labels.slice(0, height: 1, width: 7)
        let expected: [Part] =
            sure < 1
            ? [.membrane, .membrane, .neither, .macromolecule, .neither, .neither, .ground]
            : [.neither, .neither, .neither, .neither, .neither, .neither, .ground]
        #expect(found(slice) == expected)
        #expect(labels.newParticles == (sure < 1 ? 1 : 0) && labels.rows.count == labels.newParticles)
    }

    @Test("a particle that both find has the voxels that both give it; one that is elsewhere is none")
    func particles() throws {
        let first = Voice(
            [.macromolecule, .macromolecule, .ground, .macromolecule, .ground], particles: [1, 1, 0, 2, 0],
            rows: [row(0), row(800)])
        let teacher = Voice(
            [.ground, .macromolecule, .macromolecule, .ground, .macromolecule], particles: [0, 1, 1, 0, 2],
            rows: [row(40), row(2000)])
        let labels = try RoundLabels(first, teacher, .init())
        let slice = try labels.slice(0, height: 1, width: 5)
        #expect(found(slice) == [.neither, .macromolecule, .neither, .neither, .neither])
        #expect(slice.particles == [0, 1, 0, 0, 0] && labels.rows.count == 1)
        #expect(labels.rows[0].centreInAngstroms == SIMD3(20, 0, 0))
    }

    @Test("of what the teacher does not tell, the first labels are believed")
    func silence() throws {
        let (first, teacher) = pairs()
        let silent = Voice([Part](repeating: .neither, count: first.classes.count))
        #expect(try labels(first, silent, .init(tellsMembranes: false, tellsParticles: false)).classes == first.classes)
        // A teacher of membranes alone says nothing against particles.
        let membranes = try labels(first, teacher, .init(tellsParticles: false))
        let particles = try labels(first, teacher, .init(tellsMembranes: false))
        for pixel in first.classes.indices {
            let (one, other) = (Part(rawValue: first.classes[pixel]), Part(rawValue: teacher.classes[pixel]))
            if one == .macromolecule {
                #expect((membranes.classes[pixel] == Part.macromolecule.rawValue) == (other != .membrane))
                #expect((particles.classes[pixel] == Part.macromolecule.rawValue) == (other == .macromolecule))
            }
            if one == .membrane {
                #expect((particles.classes[pixel] == Part.membrane.rawValue) == (other != .macromolecule))
            }
        }
    }

    @Test("labels of another size are refused with a sentence")
    func sizes() throws {
        #expect(throws: PipelineError.self) { try labels(Voice([.ground, .ground]), Voice([.ground])) }
    }
}
