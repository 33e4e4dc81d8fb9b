import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import GRDB
import TestSupport
import Testing
import ToySteps
import Volumes

/// Says all that a training set gives to read: annotations, verdicts, values and artifacts of members.
private struct AllInputsStep: TypedStep {
    static let name = "all"
    static let version = 1
    static let scope = ScopeKind.trainingSet
    static let summary = ""

    enum Use: String, CaseIterable, Sendable { case yes, no }

    struct Parameters: Sendable {
        let use = Parameter<Use>.choice("use", default: .yes, "whether verdicts count")
    }
    struct Inputs: Sendable {
        let annotations = Input<[AnnotationMember]>.annotations
        let curation = Input<[CurationMember]?>.curation(by: "use", of: ["yes", "no"], unused: "no")
    }
    struct Outputs: Sendable {
        let said = ValueOutput<String>("said")
        let text = ArtifactOutput<SaidText>("text", evictable: false)
    }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws {
        var lines = try item.inputs.annotations.map { member in
            let annotation = member.annotation
            let file = annotation.location.path.split(separator: "/").last ?? ""
            return "\(member.scope.tomogram) \(member.scope.label) \(annotation.kind) \(file) \(annotation.location.member ?? "")"
                + " \(annotation.classes) \(annotation.points) \(annotation.threshold ?? -1)"
        }
        for member in try item.inputs.curation ?? [] { lines.append("\(member.scope.tomogram) \(member.verdicts)") }
        let text = lines.joined(separator: "\n")
        try item.give(\.said, text)
        try item.give(\.text, SaidText(text: text))
        item.record("lines", Double(lines.count))
        try item.record([
            FoundObject(
                number: 1, class: "word", centroidInAngstroms: SIMD3(0.1, 1 / 3, -2e-7), radiusInAngstroms: 1.5, voxels: 3,
                volumeInCubicNanometers: 0.3, boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one,
                neighbours: [.init(class: "word", number: 2, distanceInAngstroms: 0.7)]),
            FoundObject(
                number: 2, class: "word", centroidInAngstroms: .one, voxels: 1, volumeInCubicNanometers: 0.1,
                boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one),
        ])
    }
}

private struct SaidText: StoredContent {
    static let kind = "said-text"
    let text: String

    init(text: String) { self.text = text }
    init(_ artifact: Artifact) throws { text = String(decoding: try artifact.read("text", as: UInt8.self), as: UTF8.self) }

    func write(to artifact: ArtifactWriter) throws {
        try artifact.write("text", shape: [text.utf8.count], values: Array(text.utf8))
    }
}

@Suite("What items read from a bundle") struct SpoolInputTests {
    private func collection() throws -> ToyCollection {
        let toys = try ToyCollection()
        let (a, b) = (try toys.add("a", text: "alpha", voxelSize: 13.48), try toys.add("b", text: "beta", defaultVoxelSize: 7.5))
        var annotations = [try toys.annotate(b, name: "labels", content: "drawn")]
        for convention in [CoordinateConvention.angstrom, .relion5Centered] {
            annotations.append(
                try toys.catalog.collection.annotate(
                    tomogramID: a,
                    with: NewAnnotation(
                        kind: .points, location: VolumeLocation(path: "/picks/\(convention.rawValue)", member: "7"),
                        convention: convention.rawValue, classes: [.init(name: "ribosome", radiusInAngstroms: 125)],
                        points: [.init(x: 2, y: 1 / 3, z: 5e-9, className: "ribosome", score: 0.5)],
                        contentDigest: Digest(of: convention.rawValue.utf8))))
        }
        try toys.train("set", slabs: [], annotations: annotations)
        let verdict = NewCuration(
            className: "ribosome", positionInVoxels: SIMD3(1.25, 1 / 7, 7), verdict: .rejected, score: 0.5)
        try toys.catalog.collection.curate(tomogramID: a, [verdict], by: "me")
        return toys
    }

    @Test("annotations, verdicts and objects are those of a local run, to the last bit")
    func facts() throws {
        func said(_ place: (StepGraph) throws -> ExecutionPlace) throws -> (text: String, objects: [String]) {
            let toys = try collection()
            let graph = try StepGraph([AllInputsStep()])
            let report = try Runner(
                toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps),
                options: .init(jobs: 1, place: place(graph), version: "0")
            ).run()
            #expect(report?.isComplete == true, "\(report?.failures ?? [])")
            let id = try #require(try toys.catalog.collection.currentTrainingSet()?.id)
            let text = try toys.catalog.results.standingValue(step: "all", scopeID: id, output: "said")?.text
            let objects = try toys.catalog.unsafeRead { try Row.fetchAll($0, sql: "SELECT * FROM object ORDER BY number") }.map {
                "\($0)"
            }
            return (text ?? "", objects)
        }
        let local = try said { _ in .threads }
        let spooled = try said { .spool(try ThreadScheduler($0.steps), .tests()) }
        #expect(spooled.text == local.text)
        #expect(spooled.objects == local.objects)
        #expect(local.text.contains("0.14285714285714285") && local.text.contains("rejected") && local.objects.count == 2)
    }
}
