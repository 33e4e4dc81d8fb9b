import BlobStore
import Foundation
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Labels that several sources agree on") struct AgreedLabelTests {
    private static let (depth, side) = (6, 24)
    private typealias Part = SliceInstances.Part

    private let directory: TemporaryDirectory
    private let store: BlobStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try BlobStore(directory: directory.file("blobs"))
    }

    /// A source that says the same of each slice, and one particle that covers what is macromolecule.
    private func witness(_ kind: Witness.Kind, particle: SIMD3<Double>? = nil, _ part: (_ y: Int, _ x: Int) -> Part) throws
        -> Witness
    {
        let (depth, side) = (Self.depth, Self.side)
        let classes = (0..<side * side).map { part($0 / side, $0 % side).rawValue }
        let staged = try store.stage(kind: PseudoLabels.kind) { artifact in
            let writer = try PseudoLabels.Writer(artifact, depth: depth, height: side, width: side)
            let image = try #require(Image(height: side, width: side, values: classes))
            for _ in 0..<depth {
                try writer.append(classes: image, particles: image.map { $0 == Part.macromolecule.rawValue ? 1 : 0 }) { _ in 2 }
            }
            let rows = particle.map {
                [ParticleTable.Row(centreInAngstroms: $0, radiusInAngstroms: 100, confidence: 1, code: 0)]
            }
            try ParticleTable(rows ?? []).write(to: artifact)
        }
        try store.commit([staged])
        return Witness(kind: kind, labels: PseudoLabels(try store.open(staged.digest)))
    }

    private func agreed(
        _ witnesses: [Witness], ground: AgreedLabels.Ground = .unclaimed, trusted: Witness.Kind? = nil
    ) throws -> AgreedLabels {
        try AgreedLabels(
            witnesses, depth: Self.depth, rule: .init(agreement: 0.8, ground: ground, trusted: trusted), distance: 0.5
        ) { _ in }
    }

    private func parts(_ labels: AgreedLabels) throws -> [Part?] {
        try labels.slice(2, height: Self.side, width: Self.side).classes.map(Part.init(rawValue:))
    }

    @Test("one source is believed, voxel by voxel")
    func one() throws {
        func part(_ y: Int, _ x: Int) -> Part { [.ground, .membrane, .macromolecule, .neither][(y / 3 + x / 3) % 4] }
        let labels = try agreed([witness(.diffusion, particle: .zero, part)])
        #expect(try parts(labels) == (0..<Self.side * Self.side).map { part($0 / Self.side, $0 % Self.side) })
        #expect(labels.particles.particles.count == 1 && labels.weights.isEmpty)
    }

    @Test("of two sources, where one alone says membrane or particle, nothing is known")
    func two() throws {
        let first = try witness(.diffusion, particle: SIMD3(50, 50, 0)) { y, x in
            x < 6 ? .membrane : x >= 18 && y < 12 ? .macromolecule : .ground
        }
        let second = try witness(.model, particle: SIMD3(900, 0, 0)) { y, x in
            x < 3 ? .membrane : x >= 18 && y >= 12 ? .macromolecule : .ground
        }
        let labels = try agreed([first, second])
        let found = try parts(labels)
        for pixel in found.indices {
            let x = pixel % Self.side
            #expect(found[pixel] == (x < 3 ? .membrane : x < 6 || x >= 18 ? .neither : .ground), "\(pixel)")
        }
        #expect(labels.particles.particles.isEmpty)
        // The same particle: the first source's voxels are its, the second one's others are not known.
        let near = try agreed([
            first,
            witness(.blobs, particle: SIMD3(60, 50, 0)) { y, x in x >= 16 && y < 12 ? .macromolecule : .ground },
        ])
        let slice = try near.slice(0, height: Self.side, width: Self.side)
        #expect(near.particles.particles.count == 1 && slice.particles.contains(1))
        #expect(slice.classes[16] == Part.neither.rawValue && slice.particles[16] == 0)
        #expect(slice.classes[18] == Part.macromolecule.rawValue && slice.classes[5] == Part.membrane.rawValue)
        // Blobs tell no membranes: the diffusion map alone is believed in that.
        #expect(near.model?.observers == 1)
    }

    @Test("of three sources that err in different places, what two say is membrane, and the weights are recorded")
    func three() throws {
        // Each misses another quarter of the same membrane, and sees one elsewhere.
        let kinds: [Witness.Kind] = [.diffusion, .sheets, .model]
        let witnesses = try kinds.enumerated().map { index, kind in
            try witness(kind) { y, x in
                x < 4 ? (y / 6 == index ? .ground : .membrane) : x == 10 + 3 * index && y < 6 ? .membrane : .ground
            }
        }
        let labels = try agreed(witnesses)
        #expect(labels.weights.map(\.kind) == kinds && labels.weights.allSatisfy { $0.weight > 0.5 })
        let found = try parts(labels)
        for pixel in found.indices where pixel % Self.side < 4 { #expect(found[pixel] == .membrane) }
        for pixel in found.indices where pixel % Self.side >= 4 { #expect(found[pixel] != .membrane) }

        // What a source calls membrane that says so nearly everywhere is probably none, and ground only where the recipe goes by that.
        let bold = try [witness(.diffusion) { _, x in x < 4 || x >= 10 ? .membrane : .ground }] + witnesses.suffix(2)
        func boldly(_ ground: AgreedLabels.Ground) throws -> Part? {
            try parts(agreed(bold, ground: ground))[12 * Self.side + 20]
        }
        #expect(try boldly(.probable) == .ground && boldly(.unclaimed) == .neither && boldly(.unanimous) == .neither)
        // One who doubts is not outvoted where all have to say so.
        func nobody(_ ground: AgreedLabels.Ground) throws -> Part? {
            let doubting = try witness(.model) { y, x in x < 4 ? .membrane : y < 2 ? .neither : .ground }
            return try parts(agreed(witnesses.prefix(2) + [doubting], ground: ground))[Self.side - 1]
        }
        #expect(try nobody(.unclaimed) == .ground && nobody(.unanimous) == .neither)
    }

    @Test("a source that knows best is believed where another does not deny it, and where it is silent two others are not")
    func trusted() throws {
        let model = try witness(.model) { y, x in x < 12 && y >= 6 ? .membrane : .ground }
        let sheets = try witness(.sheets) { y, x in x < 4 ? .membrane : x < 8 ? .neither : .ground }
        let diffusion = try witness(.diffusion) { _, x in x < 4 ? .membrane : .ground }
        func row(_ y: Int, _ witnesses: [Witness], _ trusted: Witness.Kind?) throws -> [Part?] {
            let found = try parts(agreed(witnesses, ground: .unanimous, trusted: trusted))
            return [1, 5, 9, 20].map { found[y * Self.side + $0] }
        }
        #expect(try row(12, [diffusion, sheets, model], .model) == [.membrane, .membrane, .neither, .ground])
        #expect(try row(2, [diffusion, sheets, model], .model)[0] == .neither)
        #expect(try row(2, [diffusion, sheets, model], nil)[0] == .membrane)
        // One that is not asked changes nothing, and one that is alone is believed.
        #expect(try row(2, [diffusion, sheets], .model) == row(2, [diffusion, sheets], nil))
        #expect(try row(12, [model], .model) == [.membrane, .membrane, .membrane, .ground])
    }

    @Test("what the source that knows best denies is ground, whatever others say; where it doubts, all others have to deny it")
    func settled() throws {
        // From left to right: the model sees membrane, doubts, and sees none; the others see membrane in the upper half.
        let model = try witness(.model) { _, x in x < 8 ? .membrane : x < 16 ? .neither : .ground }
        let others = try [Witness.Kind.diffusion, .sheets].map { kind in
            try witness(kind) { y, x in x < 8 || y < 6 ? .membrane : .ground }
        }
        func row(_ y: Int, _ witnesses: [Witness], _ ground: AgreedLabels.Ground) throws -> [Part?] {
            let found = try parts(agreed(witnesses, ground: ground, trusted: .model))
            return [4, 12, 20].map { found[y * Self.side + $0] }
        }
        #expect(try row(2, others + [model], .settled) == [.membrane, .neither, .ground])
        #expect(try row(12, others + [model], .settled) == [.membrane, .ground, .ground])
        // Without it, or alone, it is as if the recipe went by what is probable.
        #expect(try row(12, others, .settled) == row(12, others, .probable))
        #expect(try row(12, [model], .settled) == row(12, [model], .probable))
    }

    @Test("membranes are drawn at a thickness, with a band around them that is ignored; a particle keeps its voxels")
    func drawn() throws {
        let shape = try #require(VolumeShape(z: Self.depth, y: Self.side, x: Self.side))
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 10))
        // A thick membrane, seven voxels wide about x = 9, and a particle beside it.
        let labels = try agreed([
            witness(.diffusion, particle: .zero) { y, x in
                (6...12).contains(x) ? .membrane : x == 13 && y < 4 ? .macromolecule : .ground
            }
        ])
        func slice(_ thickness: Double) throws -> [UInt8] {
            var drawn = try DrawnMembranes(
                labels, shape: shape, voxelSize: voxelSize, thicknessInAngstroms: thickness, bandInAngstroms: 10,
                workspace: URL(fileURLWithPath: directory.file(".")), check: {})
            return try drawn.slice(3).classes
        }
        let row = try slice(30)[12 * Self.side..<13 * Self.side].map(Part.init(rawValue:))
        #expect(row[8...10].allSatisfy { $0 == .membrane } && row[9] == .membrane)
        #expect(row[6] == .neither && row[12] == .neither && row[4] == .ground && row[14] == .ground)
        #expect(row.count { $0 == .membrane } <= 5)
        #expect(try slice(30)[13] == Part.macromolecule.rawValue)
        #expect(try slice(0) == labels.slice(3, height: Self.side, width: Self.side).classes)
        #expect(throws: ImageError.self) { try slice(5) }
    }
}
