import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing
@testable import Pipeline
@testable import Training

@Suite("What pickers learn of pseudo-labels") struct PickerLabelTests {
    private static let settings = [
        "prepare.tiles.size": "256", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "8",
        "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250",
        // Balls and a sheet look like a film that ends with them.
        "mask.outside": "keep", "pseudo-labels.outside": "keep",
    ]

    /// Three balls, one that the slab's first slice cuts in two, and one that is too small for a particle.
    private func pseudoLabels(_ z: Range<Int>) throws -> (PipelineCollection, scene: BallsAndSheet, artifact: Artifact) {
        let scene = try BallsAndSheet(
            z: 40, side: 128,
            others: [(SIMD3(100, 20, Double(z.lowerBound) + 2), 10), (SIMD3(100, 104, 20), 5)])
        let collection = try PipelineCollection(scene.voxels(), settings: Self.settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: z)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let results = try collection.catalog.results.slabArtifacts(
            ofTomogram: collection.tomogramID, step: "pseudo-labels", output: "labels")
        return (collection, scene, try collection.store.open(#require(results.first).digest))
    }

    @Test("neither, rejected instances and particles that the slab cuts off are ignored; membranes and the rest are ground")
    func labels() throws {
        let z = 4..<36
        let (_, scene, artifact) = try pseudoLabels(z)
        let box = try #require(scene.shape.slices(z))
        func source(class number: Int?) throws -> ParticleSource {
            try ParticleSource(
                PseudoLabels(artifact), member: .init(tomogram: "d/t", label: "z"), volume: 0, box: box,
                voxelSize: #require(VoxelSize(cubicInAngstroms: 10)), class: number)
        }
        let particles = try source(class: 0)
        let known = particles.known(radii: [10])
        #expect(known.count == 3 && particles.particles.count == 4)
        #expect(particles.particles.count { $0.isAtEnd } == 1)
        let region = try particles.regions(radii: [10], target: 1)(box)
        #expect(region.foreground.count == 3)

        let labels = try region.labels(box)
        let classes = try artifact.read("classes", as: UInt8.self)
        let objects = try artifact.read("objects", as: Int32.self)
        let cutOff = try #require(particles.particles.first { $0.isAtEnd }).number
        func index(_ place: SIMD3<Double>) -> Int {
            ((Int(place.z.rounded()) - z.lowerBound) * 128 + Int(place.y.rounded())) * 128 + Int(place.x.rounded())
        }
        for particle in known { #expect(labels[index(particle.centre)] == 1) }
        for other in scene.others { #expect(labels[index(other.centre)] == TrainingPatch.ignored) }
        #expect(classes[index(scene.others[1].centre)] == 3, "the small ball is neither")
        var counts: [UInt8: Int] = [:]
        for voxel in labels.indices {
            if labels[voxel] == 0 { #expect(classes[voxel] != 3 && objects[voxel] != cutOff) }
            if classes[voxel] == 1, labels[voxel] != 1 { counts[labels[voxel], default: 0] += 1 }
        }
        // Of membranes only what lies in a ball is ignored.
        #expect(counts[0, default: 0] > 10 * counts[TrainingPatch.ignored, default: 0])
        #expect(labels.count { $0 == 0 } > labels.count / 2)

        // A part of the slab has the same labels.
        let part = try #require(Box(z: 10..<20, y: 7..<120, x: 90..<128))
        let some = try particles.regions(radii: [10], target: 1)(part)
        var expected: [UInt8] = []
        for slice in part.z {
            for y in part.y {
                let row = ((slice - z.lowerBound) * 128 + y) * 128
                expected += labels[row + part.x.lowerBound..<row + part.x.upperBound]
            }
        }
        #expect(try some.labels(part) == expected)
        // Who learns another class does not know what these particles are.
        let others = try source(class: nil)
        #expect(others.particles.isEmpty)
        let unknown = try others.regions(radii: [10], target: 1)(box).labels(box)
        for ball in scene.balls { #expect(unknown[index(ball)] == TrainingPatch.ignored) }
        // Particles of another size are neither learned nor ground.
        let diameters = particles.particles.compactMap(\.radiusInAngstroms).map { 2 * $0 }
        let (smallest, largest) = (try #require(diameters.min()), try #require(diameters.max()))
        #expect(particles.learning(diametersInAngstroms: smallest...largest).known(radii: [10]).count == 3)
        let larger = particles.learning(diametersInAngstroms: (largest + 1)...(.infinity))
        #expect(larger.known(radii: [10]).isEmpty)
        let unlearned = try larger.regions(radii: [10], target: 1)(box).labels(box)
        for particle in known { #expect(unlearned[index(particle.centre)] == TrainingPatch.ignored) }
        // A ball that reaches beyond the slab is cut off, though what was seen of the particle is not.
        #expect(particles.known(radii: [18]).isEmpty)
    }

    @Test("what one annotation marks is no ground of another of the same tomogram, and patches are centred on it once")
    func companions() throws {
        let box = try #require(VolumeShape(z: 20, y: 20, x: 60)).box
        func source(_ number: Int, x: Double, volume: Int) -> ParticleSource {
            ParticleSource(
                [.init(centre: SIMD3(x, 10, 10), radiusInAngstroms: 40, class: number)],
                member: .init(tomogram: "d/t", label: "\(number)"), volume: volume, box: box)
        }
        let sources = ParticleSource.introduce([
            source(0, x: 10, volume: 0), source(1, x: 40, volume: 0), source(0, x: 30, volume: 1),
        ])
        let regions = try sources.map { try $0.regions(radii: [4, 4], target: 1)(box) }
        let labels = try regions.map { try $0.labels(box) }
        func index(_ x: Int) -> Int { (10 * 20 + 10) * 60 + x }
        for labels in labels.prefix(2) {
            #expect(labels[index(10)] == 1 && labels[index(40)] == 2 && labels[index(30)] == 0)
        }
        #expect(labels[2][index(30)] == 1 && labels[2][index(10)] == 0 && labels[2][index(40)] == 0)
        #expect(regions.map(\.foreground.count) == [1, 1, 1])
    }

    @Test("instances that were rejected are neither, also beyond the mask, unless they are membrane")
    func rejected() throws {
        func mask(_ values: [Bool]) throws -> Mask { try #require(Mask(height: 1, width: 5, values: values)) }
        let parts = MembraneAssembly.Parts(
            membrane: try mask([true, false, false, false, false]), other: try mask([false, true, false, false, false]))
        let instances = try #require(Image<Int32>(height: 1, width: 5, values: [0, 0, 0, 7, 0]))
        let classes = SliceInstances.classes(
            of: parts, instances: instances, rejected: try mask([true, false, true, false, false]))
        #expect(classes.values == [1, 3, 3, 2, 0])
    }

    @Test("a slab that shows no particle whole teaches none, and says so")
    func thinSlab() throws {
        let scene = try BallsAndSheet(z: 24, side: 128)
        let collection = try PipelineCollection(
            scene.voxels(), settings: Self.settings.merging(PipelineCollection.small) { $1 })
        collection.settings["train-membrane.epoch.count"] = "0"
        let slab = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 3..<21)
        _ = try collection.catalog.collection.addTrainingSet(named: "thin", slabs: [#require(slab.id)])
        let report = try #require(try collection.run())
        let sentence = "shows no particle of the class macromolecule whole: of all 3"
        #expect(report.failures.contains { $0.contains(sentence) }, "\(report.failures)")
    }

    /// Says which members have the same voxels.
    private struct ProbeStep: TypedStep {
        static let name = "probe"
        static let version = 1
        static let scope = ScopeKind.trainingSet
        static let summary = "the volumes of members"

        struct Inputs: Sendable { let material = TrainingMaterial.Inputs() }
        struct Outputs: Sendable { let volumes = ValueOutput<[Int]>("volumes") }
        static let (inputs, outputs) = (Inputs(), Outputs())

        func run(_ item: Item<Self>) throws {
            var material = try TrainingMaterial(item.base, item.inputs.material)
            let sources = try material.particleSources(classes: ["macromolecule"], tolerance: 0.05)
            try item.give(\.volumes, sources.map(\.volume) + [material.volumes.count])
        }
    }

    @Test("tomograms of the same voxels are one volume to a training set")
    func sameVoxels() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        let collection = try PipelineCollection(scene.voxels(), settings: Self.settings)
        var ids = [collection.tomogramID]
        for (name, seed) in [("copy", UInt64(3)), ("other", 4)] {
            let path = collection.directory.file("\(name).mrc")
            let writer = try MRCWriter(
                path: path, shape: scene.shape, scalarType: .float32, voxelSize: VoxelSize(cubicInAngstroms: 10))
            try writer.append(scene.voxels(seed: seed))
            try writer.finish()
            let volume = try VolumeLocation(path: path).open()
            ids.append(
                try collection.catalog.collection.add(
                    [
                        NewTomogram(
                            name: name, location: VolumeLocation(path: path), format: volume.header.format,
                            scalarType: volume.scalarType, shape: volume.shape, headerVoxelSize: volume.header.voxelSize)
                    ], dataset: "second")[0].id)
        }
        let slabs = try ids.map { try #require(try collection.catalog.collection.addSlab(tomogramID: $0, z: 2..<6).id) }
        let set = try collection.catalog.collection.addTrainingSet(named: "three", slabs: slabs)
        let graph = try StepGraph(StandardSteps.all + [ProbeStep()]).upTo("probe")
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in collection.settings where recipe[key] != nil { try recipe.set(key, to: value) }
        let report = try Runner(
            collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2)
        ).run()
        #expect(report?.isComplete == true, "\(report?.failures ?? [])")
        let volumes = try collection.value("probe", "volumes", scopeID: #require(set.id), as: [Int].self)
        #expect(volumes.count == 4 && volumes[0] == volumes[1] && volumes[2] != volumes[0] && volumes[3] == 2)
    }
}
