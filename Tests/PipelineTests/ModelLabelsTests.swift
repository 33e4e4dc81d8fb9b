import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import Tensors
import TestSupport
import Testing
import Training
import Volumes

@testable import Pipeline

@Suite("What the model says of a slab") struct ModelLabelsTests {
    private typealias Part = SliceInstances.Part

    private static let settings = ["model-labels.model": "net", "segment.outside": "keep", "pick.outside": "keep"]

    /// Runs these steps alone, of a recipe in which none of them reads what a training gave.
    private func run(
        _ collection: PipelineCollection, _ steps: [String] = [], _ settings: [String: String] = settings
    ) throws -> RunReport? {
        var recipe = Recipe(steps: StandardSteps.all)
        for (key, value) in settings { try recipe.set(key, to: value) }
        let all =
            try StepGraph(StandardSteps.all).adapted(to: recipe, until: "model-labels").steps
            + StepGraph(StandardSteps.all).adapted(to: recipe).steps.filter { steps.contains($0.name) }
        let names = ["describe", "calibrate", "model-labels"] + steps
        let graph = try StepGraph(all.filter { names.contains($0.name) })
        return try Runner(collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2))
            .run()
    }

    private func addModel(_ network: any Network, _ description: NetworkDescription, to collection: PipelineCollection) throws {
        let path = collection.directory.file("net.safetensors")
        try NetworkCheckpoint.write(network, to: path, metadata: description.metadata)
        try collection.addModel("net", at: path)
    }

    private func description(_ classes: [String], thresholds: [Double]) -> NetworkDescription {
        NetworkDescription(
            step: "test", classes: classes, voxelSizeInAngstroms: 10, patchSize: 32, seed: 1, epoch: 1, thresholds: thresholds,
            members: [])
    }

    private func slab(_ z: Range<Int>, of collection: PipelineCollection) throws -> Int64 {
        try #require(try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: z).id)
    }

    private func labels(_ slab: Int64, of collection: PipelineCollection) throws -> PseudoLabels {
        try PseudoLabels(
            collection.store.open(
                #require(
                    try collection.catalog.results.standingArtifact(step: "model-labels", scopeID: slab, output: "labels"))))
    }

    // MARK: The slices of a slab, and those of the whole tomogram

    @Test(
        "has the probabilities that segment finds in the whole tomogram, in slabs at both ends, of one slice, scaled or not",
        arguments: [10, 8, 13.0], ["1", "4"])
    func agreement(voxelSize: Double, copies: String) throws {
        let shape = try #require(VolumeShape(z: 12, y: 24, x: 32))
        var random = RandomStream(seed: 4)
        let noise = try #require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { _ in Float(random.normal()) }))
        let collection = try PipelineCollection(noise, voxelSize: voxelSize)
        let ranges = [0..<5, 6..<7, 4..<9, 9..<12, 11..<12, 0..<12]
        let slabs = try ranges.map { try slab($0, of: collection) }
        // Random weights: every voxel has probabilities of its own, by itself and its neighbours in three slices.
        let network = try UNet(UNetArchitecture(dimensions: 2, classes: 3, width: 4, levels: 2, context: 1), seed: 5)
        let thresholds = [0.4, 0.35]
        try addModel(network, description(PseudoLabels.classes, thresholds: thresholds), to: collection)
        let report = try #require(
            try run(
                collection, ["segment"],
                Self.settings.merging([
                    "segment.network": "builtin", "segment.model": "net", "segment.averaging": copies,
                    "model-labels.averaging": copies, "model-labels.smallest_volume": "0", "model-labels.doubt": "0.5",
                ]) { $1 }))
        #expect(report.isComplete, "\(report.failures)")

        let whole = try collection.store.open(
            #require(
                try collection.catalog.results.standingArtifact(
                    step: "segment", scopeID: collection.tomogramID, output: "probability")))
        let maps = try ["class_1", "class_2"].map { try whole.read($0, as: UInt8.self) }
        // Nothing finds particles here, so that macromolecule is neither.
        let parts: [Part] = [.membrane, .neither]
        let expected = (0..<shape.count).map { voxel -> UInt8 in
            var (best, part) = (Float(0.5), Part.ground)
            for (index, map) in maps.enumerated() {
                let multiple = Float(map[voxel]) * (1 / Float(thresholds[index] * 255))
                if multiple >= best { (best, part) = (multiple, multiple >= 1 ? parts[index] : .neither) }
            }
            return part.rawValue
        }
        // Averaged and scaled, this network says next to nothing.
        if copies == "1" { #expect(Set(expected).count > 1) }
        for (range, slab) in zip(ranges, slabs) {
            let labels = try labels(slab, of: collection)
            #expect(try labels.shape() == [range.count, shape.y, shape.x] && labels.particles().isEmpty)
            for z in range {
                let own = Array(expected[z * shape.voxelsPerSlice..<(z + 1) * shape.voxelsPerSlice])
                #expect(try labels.classes(slice: z - range.lowerBound) == own, "slice \(z) of \(range)")
                let objects = try labels.objects(slice: z - range.lowerBound)
                #expect(zip(objects, own).allSatisfy { ($0 > 0) == ($1 == Part.membrane.rawValue) })
            }
        }
    }

    // MARK: Particles and membranes

    /// A sheet, particles with a denser middle, one without, a filament, a doubtful rod and a speck of membrane; each has a density
    /// of its own.
    private struct Scene {
        static let (membrane, filament, doubtful, rest, middle): (Float, Float, Float, Float, Float) = (-4, -1.5, 1.5, 2, 4)
        static let radius = 6.0
        let shape: VolumeShape
        let values: [Float]
        /// One that lies in the slab, and one that goes beyond it.
        let particles = [SIMD3(12.0, 12, 11), SIMD3(12.0, 36, 18)]
        let hollow = SIMD3(36.0, 36, 11)
        let slab = 4..<20

        init() throws {
            shape = try #require(VolumeShape(z: 24, y: 48, x: 48))
            var values = [Float](repeating: 0, count: shape.count)
            for index in values.indices {
                let (x, y, z) = (index % shape.x, index / shape.x % shape.y, index / shape.voxelsPerSlice)
                let place = SIMD3(Double(x), Double(y), Double(z))
                if abs(x - 24) <= 1 { values[index] = Self.membrane }
                if (x, y, z) == (40, 8, 10) { values[index] = Self.membrane }
                if (32...33).contains(x), (4...5).contains(y) { values[index] = Self.filament }
                if (44...45).contains(x), (20...21).contains(y) { values[index] = Self.doubtful }
                if Self.distance(place, hollow) < 5 { values[index] = Self.rest }
                for particle in particles where Self.distance(place, particle) < Self.radius {
                    values[index] = Self.distance(place, particle) < 4 ? Self.middle : Self.rest
                }
            }
            self.values = values
        }

        static func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { ((a - b) * (a - b)).sum().squareRoot() }

        /// A network that tells these densities apart, voxel by voxel. Its outputs: ground, membrane, macromolecule without its
        /// middle, the middle, filament.
        func network() throws -> UNet {
            let count = Double(values.count)
            let mean = values.reduce(0.0) { $0 + Double($1) } / count
            let deviation = (values.reduce(0.0) { $0 + Double($1 * $1) } / count - mean * mean).squareRoot()
            let network = try UNet(UNetArchitecture(dimensions: 2, classes: 5, width: 4, levels: 1), seed: 1)
            func set(_ name: String, _ values: [Double]) throws {
                let parameter = try #require(network.state.first { $0.name == name })
                try #require(parameter.value.values.count == values.count)
                parameter.value.withUnsafeMutableBufferPointer { target in
                    for index in values.indices { target[index] = Float(values[index]) }
                }
            }
            // max(0, d - 1), max(0, d - 3), max(0, -d - 2) and max(0, -d - 1) of the density d, which the network sees normalised.
            func centre(_ weight: Double) -> [Double] { [0, 0, 0, 0, weight, 0, 0, 0, 0] }
            try set("encoder.0.0.weight", (0..<4).flatMap { _ in centre(1) })
            try set("encoder.0.0.norm.weight", [deviation, deviation, -deviation, -deviation])
            try set("encoder.0.0.norm.bias", [mean - 1, mean - 3, -mean - 2, -mean - 1])
            try set("encoder.0.1.weight", (0..<16).flatMap { centre($0 / 4 == $0 % 4 ? 1 : 0) })
            try set("head.bias", [5, 0, 0, 0, 0])
            try set("head.weight", [0, 0, 0, 0] + [0, 0, 10, 0] + [10, -20, 0, 0] + [0, 30, 0, 0] + [0, 0, -60, 20])
            return network
        }

        /// Runs through the slab with the density of each voxel.
        func forEachVoxel(
            of labels: PseudoLabels, _ body: (_ place: SIMD3<Double>, _ density: Float, _ part: UInt8, _ object: Int32) -> Void
        ) throws {
            for z in slab {
                let (parts, objects) = (
                    try labels.classes(slice: z - slab.lowerBound), try labels.objects(slice: z - slab.lowerBound)
                )
                for pixel in parts.indices {
                    let place = SIMD3(Double(pixel % shape.x), Double(pixel / shape.x), Double(z))
                    body(place, values[z * shape.voxelsPerSlice + pixel], parts[pixel], objects[pixel])
                }
            }
        }
    }

    private func scene(
        voxelSize: Double = 10, _ change: (inout NetworkDescription) -> Void = { _ in }
    ) throws -> (Scene, PipelineCollection, slab: Int64) {
        let scene = try Scene()
        let collection = try PipelineCollection(
            #require(VoxelBuffer(shape: scene.shape, values: scene.values)), voxelSize: voxelSize)
        var description = description(["membrane", "macromolecule", "filament"], thresholds: [0.5, 0.6, 0.5])
        description.outputs = [nil, "membrane", "macromolecule", "macromolecule", "filament"]
        description.particles = [.init(name: "macromolecule", output: 3, diameterInAngstroms: 120, leastScore: 0.2)]
        change(&description)
        try addModel(scene.network(), description, to: collection)
        return (scene, collection, try slab(scene.slab, of: collection))
    }

    @Test("draws particles and membrane, and says nothing of what is neither")
    func drawn() throws {
        let (scene, collection, slab) = try scene()
        let report = try #require(
            try run(collection, ["pick"], Self.settings.merging(["pick.network": "builtin", "pick.model": "net"]) { $1 }))
        #expect(report.isComplete, "\(report.failures)")
        let labels = try labels(slab, of: collection)
        let rows = try labels.particles()
        try #require(rows.count == 2)
        let inside = try #require(rows.firstIndex { Scene.distance($0.centreInAngstroms, 10 * scene.particles[0]) < 5 })
        let beyond = 1 - inside
        #expect(rows.map(PseudoLabels.isCutOff) == [inside == 1, inside == 0])
        #expect(rows.allSatisfy { $0.radiusInAngstroms == 60 && $0.confidence >= 0.2 })
        // The picker of the whole tomogram has the same one.
        let picked = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "pick")
        #expect(picked.contains { Scene.distance($0.centroidInAngstroms, rows[inside].centreInAngstroms) < 0.1 })
        // What the slab shows of the other is seen from its own middle.
        let other = rows[beyond].centreInAngstroms / 10
        #expect(Scene.distance(other, scene.particles[1]) < 4)

        var wrong: [String] = []
        var (voxels, drawn) = (0, 0)
        try scene.forEachVoxel(of: labels) { place, density, part, object in
            let isOther = Scene.distance(place, scene.particles[1]) < Scene.radius
            let expected: (Part, Int32)? =
                switch density {
                case Scene.membrane: place.x == 40 ? (.neither, 0) : (.membrane, 3)
                case Scene.filament, Scene.doubtful: (.neither, 0)
                case Scene.rest, Scene.middle:
                    isOther
                        ? nil
                        : Scene.distance(place, scene.hollow) < 5
                            ? (.neither, 0) : (.macromolecule, Int32(inside + 1))
                default: (.ground, 0)
                }
            if let expected {
                if part != expected.0.rawValue || object != expected.1 { wrong.append("\(place) \(part) \(object)") }
            } else {
                // In the ball or outside of it, but where both are as far apart as they can be told.
                voxels += 1
                if part == Part.macromolecule.rawValue, object == Int32(beyond + 1) { drawn += 1 }
                let distance = Scene.distance(place, other)
                let isDrawn = part == Part.macromolecule.rawValue && object == Int32(beyond + 1)
                let isNothing = part == Part.neither.rawValue && object == 0
                if !(distance < 5.99 ? isDrawn : distance > 6.01 ? isNothing : isDrawn || isNothing) {
                    wrong.append("\(place) \(part) \(object)")
                }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5))")
        #expect(2 * drawn > voxels)
        // Objects of a slab are those of its pseudo-labels.
        #expect(try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "model-labels").isEmpty)
    }

    @Test("without doubt what does not reach its threshold is ground, and small pieces of membrane may stay")
    func parameters() throws {
        let (scene, collection, slab) = try scene()
        let report = try #require(
            try run(
                collection, [],
                Self.settings.merging(["model-labels.doubt": "1", "model-labels.smallest_volume": "0"]) { $1 }))
        #expect(report.isComplete, "\(report.failures)")
        var wrong = 0
        try scene.forEachVoxel(of: labels(slab, of: collection)) { _, density, part, object in
            if density == Scene.doubtful, part != Part.ground.rawValue { wrong += 1 }
            if density == Scene.membrane, part != Part.membrane.rawValue || object < 3 { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("of a network that does not label particles, these are balls; what a network does not know is no ground")
    func partialKnowledge() throws {
        let names: [String?] = [nil, "membrane", nil, nil, nil]
        let (scene, collection, slab) = try scene {
            ($0.classes, $0.thresholds, $0.outputs) = (["membrane"], [0.5], names)
        }
        var report = try #require(try run(collection))
        #expect(report.isComplete, "\(report.failures)")
        let labels = try labels(slab, of: collection)
        #expect(try labels.particles().count == 2)
        var wrong = 0
        try scene.forEachVoxel(of: labels) { place, density, part, object in
            let distances = scene.particles.map { Scene.distance(place, $0) }
            if distances[0] < 5.9, part != Part.macromolecule.rawValue || object == 0 { wrong += 1 }
            // The second one's place is not known as well.
            if distances[0] > 6.1, distances[1] > 12, density != Scene.membrane, part != Part.ground.rawValue { wrong += 1 }
        }
        #expect(wrong == 0)

        // Membranes alone: nobody knows whether the rest is ground.
        let (_, alone, only) = try self.scene {
            ($0.classes, $0.thresholds, $0.outputs, $0.particles) = (["membrane"], [0.5], names, nil)
        }
        report = try #require(try run(alone))
        #expect(report.isComplete, "\(report.failures)")
        let found = try (0..<scene.slab.count).map { try self.labels(only, of: alone).classes(slice: $0) }
        #expect(Set(found.joined()) == [Part.membrane.rawValue, Part.neither.rawValue])
    }

    // MARK: What does not work, and what is not wanted

    @Test("without a model, a voxel size, or anything that the model knows, one sentence says what to do")
    func refusals() throws {
        let (_, collection, _) = try scene()
        var failures = try #require(try run(collection, [], [:])).failures
        #expect(failures.count == 1 && failures[0].contains("set model-labels.model to one of"), "\(failures)")
        let (_, unknown, _) = try scene(voxelSize: 0)
        failures = try #require(try run(unknown)).failures
        #expect(failures.count == 1 && failures[0].contains("has no voxel size"), "\(failures)")

        let (_, coarse, _) = try scene(voxelSize: 30)
        failures = try #require(try run(coarse)).failures
        #expect(failures.count == 1 && failures[0].contains("bin or rescale"), "\(failures)")

        let (_, strange, _) = try scene {
            ($0.classes, $0.thresholds, $0.particles) = (["filament"], [0.5], nil)
            $0.outputs = [nil, nil, nil, nil, "filament"]
        }
        failures = try #require(try run(strange)).failures
        #expect(
            failures.count == 1 && failures[0].contains("net knows neither membranes nor macromolecules"), "\(failures)")
    }

    @Test("reads nothing that a training gave")
    func independence() {
        let inputs = ModelLabelsStep().inputs.map(\.name)
        #expect(inputs == ["z", "voxels", "describe.histogram", "calibrate.voxel-size"])
    }

    // MARK: Parts

    @Test("of several balls, the nearest centre has a voxel, and only voxels that may belong to one have any")
    func balls() throws {
        let shape = try #require(VolumeShape(z: 6, y: 9, x: 20))
        func particle(_ x: Double, _ z: Double, radius: Double) -> FoundObject {
            FoundObject(
                number: 1, class: "macromolecule", centroidInAngstroms: SIMD3(x, 4, z), radiusInAngstroms: radius, voxels: 1,
                volumeInCubicNanometers: 1, boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .zero)
        }
        // Slices are two Å apart; the slab begins with the tenth one.
        let particles = [particle(5, 24, radius: 4), particle(11, 24, radius: 4), particle(15, 28, radius: 3)]
        let balls = ParticleBalls(particles, in: shape, unit: SIMD3(1, 1, 2), firstSlice: 10)
        #expect((0..<3).map(balls.isCutOff) == [false, false, false])
        let lower = ParticleBalls(particles, in: shape, unit: SIMD3(1, 1, 2), firstSlice: 11)
        #expect((0..<3).map(lower.isCutOff) == [true, true, false])
        for z in 0..<shape.z {
            let numbers = balls.numbers(slice: z) { $0 % 20 != 7 }
            for pixel in numbers.indices {
                let place = SIMD3(Double(pixel % 20), Double(pixel / 20), 2 * Double(z + 10))
                var (nearest, best) = (0, Double.infinity)
                for (index, ball) in particles.enumerated() {
                    let offset = place - ball.centroidInAngstroms
                    let distance = (offset * offset).sum()
                    let radius = ball.radiusInAngstroms ?? 0
                    if distance <= radius * radius, distance < best { (nearest, best) = (index + 1, distance) }
                }
                #expect(Int(numbers[pixel]) == (pixel % 20 == 7 ? 0 : nearest), "\(place)")
            }
        }
    }

    @Test("one file serves several purposes: each has its own probabilities and deviations")
    func sharedFile() throws {
        let directory = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 2))
        let file = try SliceFile(URL(fileURLWithPath: directory.file("shared")), sliceBytes: 12)
        // Three probabilities, then their deviations.
        try file.append([10, 20, 30, 45, 50, 60, 1, 2, 3, 4, 5, 6])
        func view(_ classes: [String], _ places: [Int?]) -> ProbabilitySlices {
            ProbabilitySlices(
                shape: shape, classes: classes, parts: [.init(network: 0, file: file, places: places, means: 3)],
                spreadOfParts: true)
        }
        let labels = view(["membrane", "macromolecule"], [0, 1])
        #expect(try labels.mean(of: 1, slice: 0) == [30, 45] && labels.spread(of: 1, slice: 0) == [3, 4])
        let particles = view(["macromolecule"], [2])
        #expect(try particles.mean(of: 0, slice: 0) == [50, 60] && particles.spread(of: 0, slice: 0) == [5, 6])
        let (best, multiples) = try labels.labels(slice: 0, thresholds: [0.1, 0.2], reaching: 0.5)
        #expect(best == [2, 2])
        #expect(abs(multiples[0] - 30 / 51) < 1e-5 && abs(multiples[1] - 45 / 51) < 1e-5)
        #expect(try labels.labels(slice: 0, thresholds: [0.1, 0.2]) == [0, 0])
    }
}
