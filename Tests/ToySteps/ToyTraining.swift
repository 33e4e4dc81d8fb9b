public import CatalogSchema
public import Engine
import Foundation
import Volumes

/// A network that is the sum of all it was trained on: slabs, the texts of their tomograms, annotations.
struct TrainStep: Step {
    let log: RunLog
    let version: Int
    let name = "train"
    let scope = ScopeKind.trainingSet
    let summary = "all members of the training set"
    let inputs = [
        StepInput.output(of: "slab", named: "volume"), .output(of: "scale", named: "scaled"), .fact(.annotation),
    ]
    let outputs = [StepOutput.artifact("network", evictable: false)]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        var texts: [String] = []
        try item.forEachArtifact(of: "slab", named: "volume") { member in
            let scaled = try item.value(String.self, of: "scale", named: "scaled", for: member.scope)
            texts.append("\(member.scope.tomogram) \(member.scope.label) \(scaled): \(try ToyText.read(member.artifact))")
            try item.log("members", at: texts.count, Double(texts.count))
        }
        for (scope, annotation) in try item.annotations() {
            let file = URL(fileURLWithPath: annotation.location.path).lastPathComponent
            texts.append("\(scope.tomogram) \(file): \(annotation.classes.map(\.name))")
        }
        try item.give("network", artifact: "toy-text") { try ToyText.write(texts.joined(separator: " + "), to: $0) }
        item.record("members", Double(texts.count))
    }
}

/// What the network makes of a tomogram.
struct SegmentStep: Step {
    let log: RunLog
    let version: Int
    let name = "segment"
    let scope = ScopeKind.tomogram
    let summary = "a tomogram by the network"
    let inputs = [StepInput.output(of: "train", named: "network"), .output(of: "read", named: "text")]
    let outputs = [StepOutput.value("segments")]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        let network = try ToyText.read(item.artifact(of: "train", named: "network"))
        try item.give("segments", value: "\(try item.value(String.self, of: "read", named: "text")) by \(network)")
    }
}

/// Counts in its folder, one at a time, and goes on from where it was stopped.
public struct CountStep: Step {
    public let name = "count"
    public let version = 1
    public let scope = ScopeKind.tomogram
    public let summary = "counts"
    public let inputs = [StepInput.fact(.declaredVoxelSize)]
    public let outputs = [StepOutput.value("first")]
    public let end: Int
    /// Is told of each number before it is written down.
    private let told: @Sendable (Int) throws -> Void

    public init(to end: Int, told: @escaping @Sendable (Int) throws -> Void) {
        self.end = end
        self.told = told
    }

    public func run(_ item: StepItem) throws {
        let file = try item.workspace().appending(path: "count")
        let count = (try? String(contentsOf: file, encoding: .utf8)).flatMap { Int($0) } ?? 0
        for number in count + 1..<max(end, count) + 1 {
            try item.checkCancellation()
            item.report(Double(number - 1) / Double(end), "number \(number) of \(end)")
            try told(number)
            try item.log("number", at: number, Double(number))
            try Data("\(number)".utf8).write(to: file, options: .atomic)
        }
        // Where this execution began is no part of a result in earnest; here it tells whether it went on.
        try item.give("first", value: count + 1)
    }
}
