import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import GRDB
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Engine
@testable import Pipeline
@testable import Training

/// A slab of pseudo-labels, 12 of 20 slices of 20 × 60 voxels of 10 Å, with two particles of 4 voxels radius: one at (10, 10, 10),
/// and one at (40, 10, 5) that the first slice cuts off. Their voxels are larger than their balls. From x = 50 to 54 lies what is
/// neither.
private struct JudgedSlab {
    static let z = 4..<16
    static let radius = 4.0
    let directory: TemporaryDirectory
    let store: BlobStore
    let shape: VolumeShape
    let box: Box

    init() throws {
        directory = try TemporaryDirectory()
        store = try BlobStore(directory: directory.file("blobs"))
        shape = try #require(VolumeShape(z: 20, y: 20, x: 60))
        box = try #require(shape.slices(Self.z))
    }

    func source() throws -> ParticleSource {
        typealias Part = SliceInstances.Part
        let numbers = (0..<20 * 60).map { index -> Int32 in
            let (y, x) = (index / 60, index % 60)
            guard abs(y - 10) <= 6 else { return 0 }
            return abs(x - 10) <= 6 ? 1 : abs(x - 40) <= 6 ? 2 : 0
        }
        let classes = numbers.indices.map { index -> UInt8 in
            (numbers[index] > 0 ? Part.macromolecule : (50..<55).contains(index % 60) ? .neither : .ground).rawValue
        }
        let staged = try store.stage(kind: PseudoLabels.kind) { artifact in
            let writer = try PseudoLabels.Writer(artifact, depth: Self.z.count, height: 20, width: 60)
            let parts = try #require(Image<UInt8>(height: 20, width: 60, values: classes))
            let particles = try #require(Image<Int32>(height: 20, width: 60, values: numbers))
            for _ in Self.z { try writer.append(classes: parts, particles: particles) { _ in 0 } }
            try ParticleTable([
                .init(centreInAngstroms: SIMD3(100, 100, 100), radiusInAngstroms: 40, confidence: 1, code: 0),
                .init(centreInAngstroms: SIMD3(400, 100, 50), radiusInAngstroms: 40, confidence: 1, code: 1),
            ]).write(to: artifact)
        }
        try store.commit([staged])
        return try ParticleSource(
            PseudoLabels(store.open(staged.digest)), member: .init(tomogram: "d/t", label: "z"), volume: 0, box: box,
            voxelSize: #require(VoxelSize(cubicInAngstroms: 10)), class: 0)
    }

    /// The label of a voxel (x, y, z) of the slab.
    func label(_ place: SIMD3<Int>, in region: LabelledRegion) throws -> UInt8 {
        let part = try #require(Box(z: place.z..<place.z + 1, y: place.y..<place.y + 1, x: place.x..<place.x + 1))
        return try #require(try region.labels(in: part).first)
    }
}

private func verdict(_ isParticle: Bool, _ x: Double, z: Double = 10, class number: Int = 0, volume: Int = 0) -> ParticleVerdict {
    ParticleVerdict(volume: volume, centre: SIMD3(x, 10, z), class: number, isParticle: isParticle)
}

@Suite("What a picker learns of what people say") struct CurationTrainingTests {
    private let ignored = TrainingPatch.ignored

    @Test("a particle of pseudo-labels that people rejected is ground or ignored, with all of its voxels")
    func rejected() throws {
        let slab = try JudgedSlab()
        let source = try slab.source()
        func region(_ verdicts: [ParticleVerdict], _ use: CurationUse, showsRejected: Bool = false) throws -> LabelledRegion {
            let (sources, beyond) = ParticleSource.curated([source], by: verdicts, radii: [JudgedSlab.radius], use: use)
            #expect(beyond.isEmpty)
            return try #require(sources.first).regions(radii: [JudgedSlab.radius], target: 1)(
                slab.box, showsRejected: showsRejected)
        }
        // As it is without a verdict, and where nobody asks.
        for plain in [try region([], .ground), try region([verdict(false, 11)], .off)] {
            #expect(plain.foreground.count == 1)
            #expect(try slab.label([10, 10, 10], in: plain) == 1 && slab.label([16, 10, 10], in: plain) == 0)
            #expect(try slab.label([46, 10, 10], in: plain) == ignored && slab.label([52, 10, 10], in: plain) == ignored)
        }
        let ground = try region([verdict(false, 11)], .ground)
        #expect(ground.foreground.count == 0)
        #expect(try slab.label([10, 10, 10], in: ground) == 0 && slab.label([16, 10, 10], in: ground) == 0)
        #expect(try region([verdict(false, 11)], .ground, showsRejected: true).foreground.count == 1)
        let unknown = try region([verdict(false, 11)], .ignored, showsRejected: true)
        #expect(unknown.foreground.count == 0)
        #expect(try slab.label([10, 10, 10], in: unknown) == ignored && slab.label([16, 10, 10], in: unknown) == ignored)
        // What lies farther off than the radius is no part of it; what was rejected there is ground, where nothing was known.
        let other = try region([verdict(false, 52)], .ground)
        #expect(other.foreground.count == 1)
        #expect(try slab.label([10, 10, 10], in: other) == 1 && slab.label([52, 10, 10], in: other) == 0)
        #expect(try slab.label([52, 10, 10], in: region([verdict(false, 52)], .ignored)) == ignored)
    }

    @Test("a particle that people accepted or added is one, where they say, also where the slab cuts it off")
    func accepted() throws {
        let slab = try JudgedSlab()
        let verdicts = [verdict(true, 40, z: 7), verdict(true, 30), verdict(true, 25, z: 2)]
        let (sources, beyond) = ParticleSource.curated(
            [try slab.source()], by: verdicts, radii: [JudgedSlab.radius], use: .ground)
        let region = try #require(sources.first).regions(radii: [JudgedSlab.radius], target: 1)(slab.box)
        #expect(region.foreground.count == 3)
        #expect(try slab.label([40, 10, 7], in: region) == 1 && slab.label([46, 10, 10], in: region) == 0)
        #expect(try slab.label([30, 10, 10], in: region) == 1)
        // One below the slab reaches into it, and is shown elsewhere.
        #expect(beyond.map(\.centre) == [SIMD3(25, 10, 2)])
        #expect(try slab.label([25, 10, 5], in: region) == 1 && slab.label([25, 10, 9], in: region) == 0)
        // One of another volume, or another class, is none of these.
        let others = ParticleSource.curated(
            [try slab.source()], by: [verdict(false, 10, volume: 1), verdict(false, 10, class: 1)], radii: [4, 4], use: .ground)
        #expect(others.sources.first?.particles.count == 2 && others.beyond.map(\.volume) == [1])
    }

    @Test("of sources of one tomogram, one shows what people added, and all know it")
    func owners() throws {
        let box = try #require(VolumeShape(z: 20, y: 20, x: 60)).box
        func source(_ x: Double, volume: Int = 0) -> ParticleSource {
            ParticleSource(
                [.init(centre: SIMD3(x, 10, 10), radiusInAngstroms: 40, class: 0)],
                member: .init(tomogram: "d/t", label: "\(x)"), volume: volume, box: box)
        }
        let (judged, beyond) = ParticleSource.curated(
            [source(10), source(40), source(40, volume: 1)], by: [verdict(true, 25), verdict(false, 41)], radii: [4], use: .ground
        )
        #expect(beyond.isEmpty)
        let sources = ParticleSource.introduce(judged)
        let regions = try sources.map { try $0.regions(radii: [4], target: 1)(box) }
        #expect(regions.map(\.foreground.count) == [2, 0, 1])
        #expect(
            try sources.map { try $0.regions(radii: [4], target: 1)(box, showsRejected: true).foreground.count } == [2, 1, 1])
        let labels = try regions.map { try $0.labels(in: box) }
        func index(_ x: Int) -> Int { (10 * 20 + 10) * 60 + x }
        for labels in labels.prefix(2) {
            #expect(labels[index(10)] == 1 && labels[index(25)] == 1 && labels[index(40)] == 0)
        }
        #expect(labels[2][index(40)] == 1 && labels[2][index(25)] == 0)
        // An accepted particle is where the person says.
        let moved = ParticleSource.curated([source(40)], by: [verdict(true, 42)], radii: [4], use: .ignored).sources
        #expect(moved.first?.particles.map(\.centre) == [SIMD3(42, 10, 10)])
    }

    @Test("beyond the members only the balls of what people judged are known, and nothing of what is held out is shown")
    func beyond() throws {
        let shape = try #require(VolumeShape(z: 20, y: 20, x: 60))
        let edge = ParticleVerdict(volume: 0, centre: SIMD3(-0.5, -0.5, 19.5), class: 1, isParticle: true)
        let verdicts = [verdict(true, 30, z: 2), verdict(false, 10, z: 18), edge, verdict(true, 52), verdict(true, 48)]
        func regions(_ use: CurationUse) throws -> (regions: [LabelledRegion], particles: Int) {
            try ParticleSource.regions(beyond: verdicts, radii: [4, 4], target: 1, shapes: [shape], use: use) {
                $1.overlaps(52..<60)
            }
        }
        let shown = try regions(.ground)
        #expect(shown.regions.count == 3 && shown.particles == 2)
        #expect(try regions(.ignored).regions.count == 2)
        for region in shown.regions {
            #expect(region.box.isInside(shape) && region.foreground.count == 1)
            let labels = try region.labels(in: region.box)
            #expect(labels.contains(ignored), "around a ball nothing is known")
            #expect(Set(labels).subtracting([ignored]).count == 1)
        }
        let labels = try shown.regions.map { Set(try $0.labels(in: $0.box)).subtracting([ignored]) }
        #expect(labels == [[1], [0], [2]])
        // Patches can be drawn from them, wherever they lie.
        let volume = try PatchVolume(shape: shape, mean: 0, standardDeviation: 1) { [Float](repeating: 0, count: $0.shape.count) }
        let sampler = try PatchSampler(
            volumes: [volume], regions: shown.regions, shape: #require(VolumeShape(z: 16, y: 16, x: 16)), foregroundShare: 0.5,
            jitter: 3)
        var random = RandomStream(state: 5)
        for _ in 0..<100 {
            let patch = try sampler.patch(at: sampler.drawPosition(&random))
            #expect(patch.labels.contains { $0 != ignored })
        }
    }

    @Test("where nobody judged anything, the training has the key that it had before people could")
    func key() throws {
        struct Earlier: Step {
            let step: any Step
            var name: String { step.name }
            var version: Int { step.version }
            var scope: ScopeKind { step.scope }
            var summary: String { step.summary }
            var parameters: [ParameterDeclaration] { step.parameters.filter { $0.name != "curation" } }
            var inputs: [StepInput] { step.inputs.filter { $0 != .fact(.curation) } }
            var outputs: [StepOutput] { step.outputs }
            var recipeGroup: String { step.recipeGroup }
            func run(_ item: StepItem) throws {}
        }
        let graph = try StepGraph(StandardSteps.all).withoutCuration()
        let trainings: [any Step] = [TrainParticlesStep(), TrainParticles2Step(), TrainParticles3Step()]
        for training in trainings {
            let step = graph.steps[try graph.index(of: training.name)]
            let earlier = Earlier(step: training)
            #expect(earlier.inputs.count == training.inputs.count - 1)
            let before = try StepSetup(earlier, recipe: Recipe(steps: [earlier]), models: [:]).configuration.digest
            for use in CurationUse.allCases {
                var recipe = Recipe(steps: graph.steps)
                try recipe.set("train-particles.curation", to: use.rawValue)
                #expect(try StepSetup(step, recipe: recipe, models: [:]).configuration.digest == before, "\(step.name) \(use)")
            }
            // And another one where somebody did.
            let today = try StepSetup(training, recipe: Recipe(steps: graph.steps), models: [:]).configuration
            #expect(today.digest != before && today.parameters["train-particles.curation"] == "ground", "\(training.name)")
        }
    }

    @Test("what people say counts in later rounds as in the first one")
    func rounds() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        // No epoch: what a round would learn is known before it begins.
        let collection = try PipelineCollection.annotated(
            scene,
            settings: ["train-membrane.epoch.count": "0", "train-particles.epoch.count": "0", "training.rounds": "2"])
        try collection.catalog.collection.curate(
            tomogramID: collection.tomogramID,
            [(CurationRecord.Verdict.rejected, scene.balls[0]), (.added, SIMD3(28, 16, 4)), (.added, SIMD3(28, 48, 4))].map {
                NewCuration(className: "macromolecule", positionInVoxels: $1, verdict: $0)
            }, by: "me")
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let metrics = try collection.catalog.unsafeRead {
            try Row.fetchAll($0, sql: "SELECT step, value FROM v_metric WHERE name = 'particles'")
        }
        let learned = Dictionary(metrics.map { ($0["step"] as String, $0["value"] as Double) }, uniquingKeysWith: { $1 })
        #expect(learned["train-particles"] == 4 && learned["train-particles-2"] == 4, "\(learned)")
        let steps = try collection.catalog.unsafeRead {
            try String.fetchAll($0, sql: "SELECT step FROM v_trained_on WHERE input = 'curation' ORDER BY step")
        }
        #expect(steps == ["train-particles", "train-particles-2"])
    }

    @Test(
        "a picker is trained anew when particles of its training set were judged, knows it, and its earlier one returns with undo"
    )
    func training() throws {
        let scene = try BallsAndSheet(z: 24, side: 80)
        let collection = try PipelineCollection.annotated(
            scene, settings: ["train-particles.epoch.count": "1", "train-particles.epoch.steps": "2"])
        let graph = try StepGraph(StandardSteps.all).upTo(TrainParticlesStep.name)
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in collection.settings where recipe[key] != nil { try recipe.set(key, to: value) }
        func stale() throws -> Int {
            try Planner(collection.catalog, graph: graph, recipe: recipe).plan().summaries.reduce(0) {
                $0 + $1.stale + $1.waiting
            }
        }
        func run() throws {
            let report = try Runner(
                collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2)
            ).run()
            #expect(report?.isComplete ?? true, "\(report?.failures ?? [])")
        }
        func particles() throws -> Double? {
            try collection.catalog.unsafeRead {
                try Double.fetchOne($0, sql: "SELECT value FROM v_metric WHERE step = 'train-particles' AND name = 'particles'")
            }
        }
        let set = try #require(try collection.catalog.collection.currentTrainingSet()?.id)
        func network() throws -> Digest {
            try #require(
                try collection.catalog.results.standingArtifact(step: "train-particles", scopeID: set, output: "network"))
        }
        try run()
        let (first, base) = (try network(), try #require(try particles()))
        #expect(base == 3)
        func judge(_ verdict: CurationRecord.Verdict, _ place: SIMD3<Double>) throws {
            try collection.catalog.collection.curate(
                tomogramID: collection.tomogramID,
                [NewCuration(className: "macromolecule", positionInVoxels: place, verdict: verdict)], by: "me")
        }
        try judge(.rejected, scene.balls[0] + SIMD3(1, 0, 0))
        try judge(.added, SIMD3(40, 20, 12))
        try judge(.added, SIMD3(40, 60, 12))
        #expect(try stale() == 1)
        try run()
        #expect(try particles() == 4)
        let folder = URL(fileURLWithPath: collection.directory.path)
        let members = try TrainedNetwork(collection.store.open(network())).open(in: folder).description.members
        #expect(members.contains { $0.label == "curated particles" && $0.tomogram == "d/t" }, "\(members)")
        #expect(try network() != first)
        let inputs = try collection.catalog.unsafeRead {
            try String.fetchAll(
                $0, sql: "SELECT tomogram FROM v_trained_on WHERE step = 'train-particles' AND input = 'curation'")
        }
        #expect(inputs == ["t"])
        try collection.catalog.collection.removeCuration(
            ids: collection.catalog.collection.curation(ofTomogram: collection.tomogramID).compactMap(\.id))
        #expect(try stale() == 0)
        try run()
        #expect(try network() == first)
    }
}
