import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import Metrics
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("What was found, beside what a person says, and as rows") struct EvaluationStepsTests {
    private func metrics(_ collection: PipelineCollection, step: String) throws -> [String: Double] {
        try collection.catalog.unsafeRead { db in
            let rows = try Row.fetchAll(db, sql: "SELECT name, value FROM v_metric WHERE step = ?", arguments: [step])
            return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
        }
    }

    @Test(
        "segmentation and particles are compared with annotations, and measured; nothing runs twice, and a radius runs one step")
    func networks() throws {
        let scene = try BallsAndSheet(z: 24, side: 80)
        let collection = try PipelineCollection.annotated(scene)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")

        // Counted here, voxel by voxel.
        let digest = try #require(
            try collection.catalog.results.standingArtifact(step: "segment", scopeID: collection.tomogramID, output: "labels"))
        let labels: [UInt8] = try collection.store.open(digest).read("labels")
        var (common, found, truth) = (0, 0, 0)
        for (index, label) in labels.enumerated() {
            common += label == 1 && scene.isMembrane(index) ? 1 : 0
            found += label == 1 ? 1 : 0
            truth += scene.isMembrane(index) ? 1 : 0
        }
        let evaluated = try metrics(collection, step: "evaluate")
        let (dice, iou): (Double, Double) = (
            Double(2 * common) / Double(found + truth), Double(common) / Double(found + truth - common)
        )
        #expect(evaluated["membrane/dice"] == dice)
        #expect(evaluated["membrane/iou"] == iou)
        #expect(evaluated["membrane/voxels_true"] == Double(truth))
        for measure in ["surface_dice", "boundary_dice", "skeleton_dice", "average_precision", "best_f1"] {
            let value = try #require(evaluated["membrane/\(measure)"])
            #expect(value > 0.8 && value <= 1, "\(measure) \(value)")
        }
        #expect(try #require(evaluated["membrane/boundary_distance_95"]) < 30)

        let picked = try metrics(collection, step: "evaluate-picks")
        #expect(picked["macromolecule/true"] == 3)
        #expect(picked["macromolecule/pick_recall"] == 1)
        #expect(picked["macromolecule/match_radius"] == 100)
        for rule in ["f1_one_to_one", "f1_greedy", "f1_inside_ball", "f4_czii"] {
            #expect(picked["macromolecule/\(rule)"] != nil)
        }
        #expect(picked["macromolecule/f1"] == picked["macromolecule/f1_one_to_one"])

        // The sheet is one piece, 3 voxels of 1 nm thick, across 80 × 24 voxels; its faces at the border are no surface.
        let rows = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "measure", class: "membrane")
        let sheet = try #require(rows.max { $0.volumeInCubicNanometers < $1.volumeInCubicNanometers })
        let (volume, surface): (Double, Double) = (3 * 80 * 24, 2 * 80 * 24)
        #expect(abs(sheet.volumeInCubicNanometers - volume) < 800)
        #expect(abs(try #require(sheet.surfaceInSquareNanometers) - surface) < 400)
        #expect(abs(sheet.centroidInAngstroms.x - 400) < 10)
        #expect(try #require(sheet.meanDensity) < -3)
        let measured = try metrics(collection, step: "measure")
        #expect(try #require(measured["membrane/objects"]) >= 1)
        let fraction: Double = try #require(measured["membrane/fraction"])
        #expect(abs(fraction - 0.0375) < 0.006)

        let particles = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "measure-picks")
        for ball in scene.balls {
            let center = 10 * ball
            func distance(_ place: SIMD3<Double>) -> Double {
                let offset: SIMD3<Double> = place - center
                return (offset * offset).sum().squareRoot()
            }
            let particle = try #require(particles.min { distance($0.centroidInAngstroms) < distance($1.centroidInAngstroms) })
            // From the centre to the nearest voxel of the sheet, whose middle is at 40 voxels and which is 3 thick.
            let away: Double = abs(particle.centroidInAngstroms.x - 400) - 10
            let measured: Double = try #require(particle.membraneDistanceInAngstroms)
            #expect(abs(measured - away) < 25)
            #expect(try #require(particle.meanDensity) < -2)
            #expect(particle.neighbours.map(\.class) == ["macromolecule"])
        }
        let each = try #require(try metrics(collection, step: "measure-picks")["macromolecule/concentration"])
        let expected = Double(particles.count) / Double(24 * 80 * 80) * 1e9
        #expect(abs(each - expected) < 1e-3)

        #expect(try collection.run() == nil)
        // Another radius evaluates particles anew, and nothing else.
        collection.settings["evaluate-picks.picks.radius"] = "20"
        #expect(try collection.run()?.progress.ran == 2)
        #expect(try metrics(collection, step: "evaluate-picks")["macromolecule/match_radius"] == 20)

        // Another thickness of membranes runs no network, and what measures and compares them alone.
        #expect(abs(try #require(evaluated["membrane/thickness_true"]) - 30) < 4)
        collection.settings["membrane.thickness"] = "70"
        #expect(try #require(try collection.run()).isComplete)
        #expect(try ranLast(collection) == ["compartments", "evaluate", "measure", "measure-picks", "membrane"])
        let thicker = try metrics(collection, step: "evaluate")
        let thickness = try #require(thicker["membrane/thickness_found"])
        #expect(abs(thickness - 70) < 15, "\(thickness)")
        #expect(thicker["membrane/thickness_true"] == evaluated["membrane/thickness_true"])
        #expect(try #require(thicker["membrane/surface_dice"]) > 0.8)
        #expect(try #require(thicker["membrane/boundary_dice"]) < #require(evaluated["membrane/boundary_dice"]))
        // Seven voxels of 80 across the field.
        let part = try #require(try metrics(collection, step: "measure")["membrane/fraction"])
        #expect(abs(part - 7.0 / 80) < 0.02, "\(part)")
        // As the network found it: found again.
        collection.settings["membrane.thickness"] = "0"
        #expect(try collection.run()?.progress.ran ?? 0 == 0)
        #expect(try metrics(collection, step: "evaluate") == evaluated)
        collection.settings["membrane.thickness"] = "5"
        let failures = try #require(try collection.run()).failures
        #expect(failures.count == 1 && failures[0].contains("from the length of a voxel, 10.0 Å, to 1000 Å"), "\(failures)")
    }

    /// The steps that the last run executed.
    private func ranLast(_ collection: PipelineCollection) throws -> [String] {
        try collection.catalog.unsafeRead { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT step.name FROM trace JOIN step ON step.id = trace.step_id
                    WHERE trace.run_id = (SELECT max(run_id) FROM trace) ORDER BY 1
                    """)
        }
    }

    @Test("pseudo-labels are compared in the slabs that have any, without a training set")
    func pseudoLabels() throws {
        let scene = try BallsAndSheet(z: 24, side: 128)
        let collection = try PipelineCollection.annotated(
            scene,
            settings: [
                "prepare.tiles.size": "256", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "8",
                "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250",
                "evaluate-pseudo-labels.classes": "ball=macromolecule",
            ], isTrainingSet: false)
        _ = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 3..<21)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let numbers = try metrics(collection, step: "evaluate-pseudo-labels")
        #expect(try #require(numbers["membrane/dice"]) > 0.4)
        #expect(try #require(numbers["macromolecule/dice"]) > 0.4)
        #expect(numbers["membrane/surface_dice"] != nil)
        // The slab holds 18 of the 24 slices of the sheet.
        #expect(numbers["membrane/voxels_true"] == Double(18 * 128 * 3))
        #expect(numbers["macromolecule/true"] == 3)
        #expect(numbers["macromolecule/pick_recall"] == 1)
        #expect(try metrics(collection, step: "evaluate").isEmpty)
    }

    @Test("classes that have no counterpart, and values without a class, are said in a sentence")
    func refusals() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        let collection = try PipelineCollection.annotated(
            scene, settings: ["train-membrane.epoch.count": "1", "train-particles.epoch.count": "1"], isNamed: false)
        var failures = try #require(try collection.run()).failures
        #expect(failures.count == 1 && failures[0].contains("a voxel of value 2 in slice 0, which is no class"), "\(failures)")
        collection.settings["evaluate.unnamed"] = "ground"
        collection.settings["evaluate-picks.classes"] = "macromolecule=ribosome"
        failures = try #require(try collection.run()).failures
        #expect(
            failures.count == 1 && failures[0].contains("write annotated=found, of the classes found, macromolecule"),
            "\(failures)")
        collection.settings["evaluate-picks.classes"] = "macromolecule="
        #expect(try #require(try collection.run()).isComplete)
        #expect(try metrics(collection, step: "evaluate-picks").isEmpty)
        #expect(try metrics(collection, step: "evaluate")["membrane/dice"] != nil)
    }

    @Test("labels of another shape, and labels that are all 0, are said in a sentence")
    func strangeLabels() throws {
        let scene = try BallsAndSheet(z: 6, side: 32)
        for (depth, word) in [(5, "are 32 × 32 × 5 voxels"), (6, "no voxel that is not 0")] {
            let collection = try PipelineCollection(scene.voxels())
            let path = collection.directory.file("labels.mrc")
            let shape = try #require(VolumeShape(z: depth, y: 32, x: 32))
            let writer = try MRCWriter(path: path, shape: shape, scalarType: .uint8, voxelSize: VoxelSize(cubicInAngstroms: 10))
            try writer.append(#require(VoxelBuffer(shape: shape, values: [UInt8](repeating: 0, count: shape.count))))
            try writer.finish()
            _ = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 1..<3)
            try collection.catalog.collection.annotate(
                tomogramID: collection.tomogramID,
                with: NewAnnotation(
                    kind: .labels, location: VolumeLocation(path: path), classes: [.init(name: "membrane", value: 1)],
                    contentDigest: Digest(of: [UInt8(depth)])))
            collection.settings = [
                "prepare.tiles.size": "64", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "4",
            ]
            let failures = try #require(try collection.run()).failures
            #expect(failures.contains { $0.contains("evaluate-pseudo-labels") && $0.contains(word) }, "\(failures)")
        }
    }

    /// Reads the labels of an item as the steps do.
    private struct Reading: Step {
        let name = "reading"
        let version = 1
        let scope = ScopeKind.annotation
        let summary = ""
        let inputs = [StepInput.fact(.annotation)]
        let outputs = [StepOutput.value("labels")]
        let shape: VolumeShape
        let named: [String: String]?
        func run(_ item: StepItem) throws {
            guard let annotation = try item.annotations().first?.annotation else { return }
            let labels = try AnnotatedLabels(
                annotation, classes: ["b"], named: named, unnamed: .refuse, of: "t", shape: shape)
            try item.give("labels", value: labels.slice(0))
        }
    }

    @Test("a class that is left out does not count where another one has been given its name")
    func leftOut() throws {
        let directory = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 4))
        let path = directory.file("labels.mrc")
        let writer = try MRCWriter(path: path, shape: shape, scalarType: .uint8, voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: [0, 1, 2, 1] as [UInt8])))
        try writer.finish()
        let pairs = try ClassPairs("a=b,b=", parameter: "", annotated: ["a", "b"], found: ["b"])
        #expect(pairs.counterparts == ["a": "b"] && pairs.leftOut.isEmpty)
        for (named, expected) in [(pairs.counterparts, "[0,1,0,1]"), (nil, "[0,0,1,0]")] as [([String: String]?, String)] {
            let graph = try StepGraph([Reading(shape: shape, named: named)])
            let fresh = try PipelineCollection(PipelineCollection.discs(z: 1, side: 16))
            let id = try fresh.catalog.collection.annotate(
                tomogramID: fresh.tomogramID,
                with: NewAnnotation(
                    kind: .labels, location: VolumeLocation(path: path),
                    classes: [.init(name: "a", value: 1), .init(name: "b", value: 2)], contentDigest: Digest(of: [1])))
            _ = try Runner(fresh.catalog, store: fresh.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
            #expect(try fresh.catalog.results.standingValue(step: "reading", scopeID: id, output: "labels")?.text == expected)
        }
    }

    @Test("labels of a score map are what is at least the annotation's threshold")
    func threshold() throws {
        let directory = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 4))
        let path = directory.file("scores.mrc")
        let writer = try MRCWriter(path: path, shape: shape, scalarType: .float16, voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: [0.25, 0.5, .nan, 1] as [Float16])))
        try writer.finish()
        let graph = try StepGraph([Reading(shape: shape, named: nil)])
        let fresh = try PipelineCollection(PipelineCollection.discs(z: 1, side: 16))
        let id = try fresh.catalog.collection.annotate(
            tomogramID: fresh.tomogramID,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: path), classes: [.init(name: "b", value: 1)],
                contentDigest: Digest(of: [1]), threshold: 0.5))
        _ = try Runner(fresh.catalog, store: fresh.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
        #expect(try fresh.catalog.results.standingValue(step: "reading", scopeID: id, output: "labels")?.text == "[0,1,0,1]")
    }

    @Test("pairs of classes are by name unless somebody says otherwise")
    func pairs() throws {
        func pairs(_ text: String, _ annotated: [String], _ found: [String]) throws -> [String: String] {
            try ClassPairs(text, parameter: "evaluate.classes", annotated: annotated, found: found).counterparts
        }
        #expect(try pairs("", ["a", "b"], ["b", "c"]) == ["b": "b"])
        #expect(try pairs("", ["a"], ["c"]) == [:])
        let left = try ClassPairs("b=", parameter: "", annotated: ["b", "d", "a", "c"], found: ["c"])
        #expect(left.leftOut == ["a", "d"] && left.compared == ["c"])
        #expect(try pairs(" a = c , d = c ", ["a", "b", "d"], ["b", "c"]) == ["a": "c", "b": "b", "d": "c"])
        #expect(try pairs("b=", ["a", "b"], ["a", "b"]) == ["a": "a"])
        #expect(try pairs("a=,b=", ["a", "b"], ["c"]) == [:])
        for (text, words) in [
            ("a=x", "of the classes found, c"), ("a", "write annotated=found"), ("a=c,a=c", "once"),
        ] {
            let error = #expect(throws: PipelineError.self) { try pairs(text, ["a"], ["c"]) }
            #expect(error?.description.contains(words) == true, "\(text): \(error?.description ?? "")")
        }
    }

    @Test("the mean density of a ball is that of the voxels whose centres lie in it")
    func ballDensities() throws {
        let shape = try #require(VolumeShape(z: 9, y: 12, x: 15))
        let voxelSize = try #require(VoxelSize(xInAngstroms: 10, yInAngstroms: 12, zInAngstroms: 15))
        var generator = RandomStream(state: 8)
        let values = (0..<shape.count).map { _ in Float.random(in: -1...1, using: &generator) }
        let particles = (0..<40).map { _ in
            FoundParticle(
                className: "a",
                pick: .init(
                    center: SIMD3(
                        Double.random(in: -60...200, using: &generator), Double.random(in: -60...200, using: &generator),
                        Double.random(in: -60...200, using: &generator))),
                radiusInAngstroms: Double.random(in: 3...70, using: &generator))
        }
        var densities = BallDensities(particles, voxelSize: voxelSize, shape: shape)
        for z in 0..<shape.z where densities.needs(z) {
            densities.add(Array(values[z * shape.voxelsPerSlice..<(z + 1) * shape.voxelsPerSlice]), z: z)
        }
        for (particle, mean) in zip(particles, densities.means) {
            var inside: [Double] = []
            for index in values.indices {
                let place = SIMD3(
                    10 * Double(index % shape.x), 12 * Double(index / shape.x % shape.y),
                    15 * Double(index / shape.voxelsPerSlice))
                let offset = place - particle.pick.center
                if (offset * offset).sum() <= particle.radiusInAngstroms * particle.radiusInAngstroms {
                    inside.append(Double(values[index]))
                }
            }
            guard !inside.isEmpty else {
                #expect(mean == nil)
                continue
            }
            let expected: Double = inside.reduce(0, +) / Double(inside.count)
            let found: Double = try #require(mean)
            #expect(abs(found - expected) < 1e-9)
        }
    }
}
