import Basics
import BlobStore
import Catalog
import CatalogSchema
import Synchronization
import Testing
import ToySteps

@testable import Engine

/// One number in an artifact.
private struct Number: StoredContent {
    static let kind = "number"
    let value: Int32

    init(_ value: Int32) { self.value = value }
    init(_ artifact: Artifact) throws { value = try artifact.read("value", as: Int32.self)[0] }
    func write(to artifact: ArtifactWriter) throws { try artifact.write("value", shape: [1], values: [value]) }
}

/// Gives each slice its z, as an artifact and, times ten, as a value.
private struct SectionStep: TypedStep {
    static let name = "section"
    static let version = 1
    static let scope = ScopeKind.slice
    static let summary = ""

    struct Inputs: Sendable { let z = Input.z }
    struct Outputs: Sendable {
        let number = ArtifactOutput<Number>("number", evictable: true)
        let tens = ValueOutput<Int32>("tens")
    }
    static let (inputs, outputs) = (Inputs(), Outputs())

    func run(_ item: Item<Self>) throws {
        let z = Int32(try item.inputs.z.lowerBound)
        try item.give(\.number, Number(z))
        try item.give(\.tens, 10 * z)
    }
}

/// Walks two outputs of a slab's slices side by side.
private struct PairStep: TypedStep {
    static let name = "pair"
    static let version = 1
    static let scope = ScopeKind.slab
    static let summary = ""

    struct Inputs: Sendable {
        let numbers = Input(each: SectionStep.self, \.number)
        let tens = Input(each: SectionStep.self, \.tens)
    }
    struct Outputs: Sendable { let pairs = ValueOutput<[[Int32]]>("pairs") }
    static let (inputs, outputs) = (Inputs(), Outputs())

    /// The pairs of each slab, by its label.
    static let seen = Mutex<[String: [[Int32]]]>([:])

    func run(_ item: Item<Self>) throws {
        var pairs: [[Int32]] = []
        try item.inputs.numbers.forEachScope { scope, number in
            let same = try item.inputs.numbers.content(of: scope)
            pairs.append([number.value, same.value, try item.inputs.tens.value(of: scope)])
            // A slice of another slab is not in the item's key.
            guard let z = item.scope.z else { return }
            let stranger = StepItem.Scope(
                kind: .slice, id: scope.id + 100, tomogram: scope.tomogram, tomogramID: scope.tomogramID,
                location: scope.location,
                z: z.upperBound..<z.upperBound + 1, label: "z \(z.upperBound)")
            let error = #expect(throws: EngineError.self) { try item.inputs.numbers.content(of: stranger) }
            #expect(error?.message.contains("declares no member") == true)
            #expect(throws: EngineError.self) { try item.inputs.tens.value(of: stranger) }
        }
        let (label, found) = (item.scope.label, pairs)
        Self.seen.withLock { $0[label] = found }
        try item.give(\.pairs, pairs)
    }
}

@Suite("Inputs of several members") struct MemberInputTests {
    @Test("a slab reads several outputs of one of its slices beside each other, and none of other slices")
    func sideBySide() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        for z in [0..<3, 2..<4] { try toys.catalog.collection.addSlab(tomogramID: id, z: z) }
        let graph = try StepGraph([PairStep(), SectionStep()])
        let report = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
        #expect(report?.failures == [])
        #expect(
            PairStep.seen.withLock { $0 } == [
                "z 0..<3": [[0, 0, 0], [1, 1, 10], [2, 2, 20]], "z 2..<4": [[2, 2, 20], [3, 3, 30]],
            ])
    }
}
