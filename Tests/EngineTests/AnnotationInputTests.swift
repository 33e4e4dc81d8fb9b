import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Synchronization
import Testing
import ToySteps
import Volumes

/// Reads annotations, and tells the test.
private struct ReadingStep: Step {
    let name = "reading"
    let version = 1
    var scope = ScopeKind.annotation
    let summary = ""
    var inputs = [StepInput.fact(.annotation)]
    let outputs = [StepOutput.value("count")]
    let told: @Sendable ([(scope: StepItem.Scope, annotation: StepItem.Annotation)]) -> Void

    func run(_ item: StepItem) throws {
        let annotations = try item.annotations()
        told(annotations)
        try item.give("count", value: annotations.count)
    }
}

@Suite("Annotations as an input") struct AnnotationInputTests {
    private func points(_ convention: CoordinateConvention, file: String) -> NewAnnotation {
        NewAnnotation(
            kind: .points, location: VolumeLocation(path: "/picks/\(file)"), convention: convention.rawValue,
            classes: [.init(name: "ribosome", radiusInAngstroms: 125)],
            points: [.init(x: 2, y: 3, z: 5, className: "ribosome", score: 0.5)], contentDigest: Digest(of: file.utf8))
    }

    private func run(_ step: ReadingStep, _ toys: ToyCollection) throws -> RunReport? {
        let graph = try StepGraph([step])
        return try Runner(toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
    }

    @Test("come with their classes, and points in Å, whatever the file's convention")
    func conventions() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha", voxelSize: 10)
        let middle = 2.0 * 10
        let expected: [(CoordinateConvention, SIMD3<Double>)] = [
            (.angstrom, [2, 3, 5]), (.voxel, [20, 30, 50]), (.dynamo, [10, 20, 40]), (.imod, [15, 25, 50]),
            (.relion5Centered, [2 + middle, 3 + middle, 5 + Double(ToyCollection.depth) * 5]),
        ]
        for (convention, _) in expected {
            try toys.catalog.collection.annotate(tomogramID: id, with: points(convention, file: convention.rawValue))
        }
        let found = Mutex<[String: StepItem.Annotation]>([:])
        let step = ReadingStep { annotations in
            for (scope, annotation) in annotations {
                #expect(scope.kind == .annotation && scope.tomogram == "toys/a")
                found.withLock { $0[annotation.location.path] = annotation }
            }
        }
        #expect(try run(step, toys)?.isComplete == true)
        for (convention, position) in expected {
            let annotation = try #require(found.withLock { $0["/picks/\(convention.rawValue)"] })
            #expect(annotation.kind == .points)
            #expect(annotation.classes.map(\.name) == ["ribosome"] && annotation.classes[0].radiusInAngstroms == 125)
            #expect(annotation.points.count == 1)
            #expect(annotation.points[0].positionInAngstroms == position, "\(convention)")
            #expect(annotation.points[0].score == 0.5)
        }
        // Points in voxels are elsewhere when voxels have another size; those in Å are not.
        try toys.add("a", voxelSize: 12)
        found.withLock { $0 = [:] }
        #expect(try run(step, toys)?.progress.ran == 4)
        let moved = try #require(found.withLock { $0["/picks/voxel"] })
        #expect(moved.points[0].positionInAngstroms == SIMD3(24, 36, 60))
        #expect(try run(step, toys) == nil)
    }

    @Test("an annotation reads from all slabs of its tomogram, and is stale when one comes or goes")
    func slabs() throws {
        /// Gives a slab's own slices.
        struct SlabStep: Step {
            let name = "slab"
            let version = 1
            let scope = ScopeKind.slab
            let summary = ""
            let inputs = [StepInput.fact(.z)]
            let outputs = [StepOutput.artifact("slices", evictable: false)]
            func run(_ item: StepItem) throws {
                try item.give("slices", artifact: "toy") {
                    try $0.write("z", shape: [1], values: [Double(item.scope.z?.lowerBound ?? -1)])
                }
            }
        }
        /// Joins those of all slabs.
        struct JoiningStep: Step {
            let name = "joining"
            let version = 1
            let scope = ScopeKind.annotation
            let summary = ""
            let inputs = [StepInput.fact(.annotation), .output(of: "slab", named: "slices")]
            let outputs = [StepOutput.value("slabs")]
            func run(_ item: StepItem) throws {
                var slabs: [[Int]] = []
                try item.forEachArtifact(of: "slab", named: "slices") { member in
                    let first = try member.artifact.read("z", as: Double.self)
                    slabs.append([Int(first[0]), member.scope.z?.upperBound ?? -1])
                }
                try item.give("slabs", value: slabs)
            }
        }
        let toys = try ToyCollection()
        let (a, b) = (try toys.add("a", text: "alpha"), try toys.add("b", text: "beta"))
        let id = try toys.catalog.collection.annotate(tomogramID: a, with: points(.angstrom, file: "a"))
        _ = try toys.catalog.collection.addSlab(tomogramID: b, z: 0..<1)
        let graph = try StepGraph([JoiningStep(), SlabStep()])
        func run() throws -> RunReport? {
            try Runner(toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
        }
        func joined() throws -> String? {
            try toys.catalog.results.standingValue(step: "joining", scopeID: id, output: "slabs")?.text
        }
        #expect(try run()?.isComplete == true)
        #expect(try joined() == "[]")
        _ = try toys.catalog.collection.addSlab(tomogramID: a, z: 1..<3)
        let added = try toys.catalog.collection.addSlab(tomogramID: a, z: 0..<2)
        #expect(try run()?.progress.ran == 3)
        #expect(try joined() == "[[0,2],[1,3]]")
        try toys.catalog.collection.remove(.slabs, ids: [#require(added.id)])
        // What was computed of the rest is known, but not for this annotation.
        #expect(try run()?.progress.ran == 1)
        #expect(try joined() == "[[1,3]]")
        #expect(try run() == nil)
    }

    @Test("in voxels of an unknown size fail with what to do")
    func unknownVoxelSize() throws {
        let toys = try ToyCollection()
        try toys.catalog.collection.annotate(tomogramID: toys.add("a", text: "alpha"), with: points(.voxel, file: "a"))
        let report = try #require(try run(ReadingStep { _ in }, toys))
        #expect(report.failures.first?.contains("add it again with --voxel-size") == true)
    }

    @Test("have to be declared, and are those of the training set there")
    func trainingSets() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        let ids = try ["one", "two", "three"].map { try toys.annotate(id, name: $0, content: $0) }
        try toys.train("drawn", slabs: [], annotations: [ids[2], ids[0]])
        let found = Mutex<[Int64]>([])
        let step = ReadingStep(scope: .trainingSet) { annotations in
            for (scope, annotation) in annotations {
                #expect(annotation.kind == .labels && annotation.classes[0].value == 1 && annotation.points.isEmpty)
                found.withLock { $0.append(scope.id) }
            }
        }
        #expect(try run(step, toys)?.isComplete == true)
        #expect(found.withLock { $0 } == [ids[0], ids[2]])
        let undeclared = ReadingStep(scope: .tomogram, inputs: [.fact(.declaredVoxelSize)]) { _ in }
        #expect(try run(undeclared, toys)?.failures.first?.contains("declares no input annotation") == true)
    }
}
