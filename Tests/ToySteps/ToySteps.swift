import CatalogSchema
public import Engine
import Foundation
import Volumes

/// A small method over every kind of scope, in which each step's result is a text that names all it was computed from:
/// a wrong or stale input anywhere shows at the end.
public struct ToySteps: Sendable {
    public let log: RunLog
    /// The versions of steps that are not at their first.
    public var versions: [String: Int] = [:]

    /// Whether the images of slices are only handed on to slabs: a run may drop them then.
    public var handsOn = false

    public init(log: RunLog = RunLog()) { self.log = log }

    public var all: [any Step] {
        func version(_ step: String) -> Int { versions[step] ?? 1 }
        return [
            // Out of order on purpose: the graph sorts them.
            SummaryStep(log: log, version: version("summary")), SlabStep(log: log, version: version("slab")),
            SliceStep(log: log, version: version("slice"), handsOn: handsOn), ScaleStep(log: log, version: version("scale")),
            ReadStep(log: log, version: version("read")), CompareStep(log: log, version: version("compare")),
            SegmentStep(log: log, version: version("segment")), TrainStep(log: log, version: version("train")),
        ]
    }
}

/// The first line of the tomogram's file: what follows is as a header that changes nothing.
struct ReadStep: Step {
    let log: RunLog
    let version: Int
    let name = "read"
    let scope = ScopeKind.tomogram
    let summary = "the first line of the file"
    let inputs = [StepInput.fact(.source)]
    let outputs = [StepOutput.voxels("text")]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        guard let path = item.scope.location?.path else { throw ToyError(description: "a tomogram without a file") }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let line = text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        // Only where a worker process reads it.
        if line == "crash" { abort() }
        if line == "broken" { throw ToyError(description: "the file is broken") }
        try item.give("text", value: "\(line)#\(version)")
        item.record("length", Double(line.utf8.count))
    }
}

/// Depends on the voxel size.
struct ScaleStep: Step {
    let log: RunLog
    let version: Int
    let name = "scale"
    let scope = ScopeKind.tomogram
    let summary = "text and voxel size"
    let inputs = [StepInput.fact(.declaredVoxelSize), .output(of: "read", named: "text")]
    let outputs = [StepOutput.value("scaled")]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        let declared = try item.declaredVoxelSize()
        let size = (declared.user ?? declared.dataset).map { "\($0)" } ?? "unknown"
        try item.give("scaled", value: "\(try item.value(String.self, of: "read", named: "text"))@\(size)")
    }
}

/// A text for each slice, in a blob that may be dropped.
struct SliceStep: Step {
    let log: RunLog
    let version: Int
    let name = "slice"
    let scope = ScopeKind.slice
    let summary = "a blob for each slice"
    let parameters = [
        ParameterDeclaration.real("gain.factor", default: 1, in: 0...100, "a factor"),
        .text("note", default: "plain", "a word"),
    ]
    let inputs = [StepInput.fact(.z), .output(of: "read", named: "text")]
    let handsOn: Bool
    var outputs: [StepOutput] { [handsOn ? .transient("image") : .artifact("image", evictable: true)] }

    func run(_ item: StepItem) throws {
        log.note(name, item)
        let text = try item.value(String.self, of: "read", named: "text")
        let content = "\(item.scope.label)|\(text)|\(try item.real("gain.factor"))|\(try item.text("note"))"
        try item.give("image", artifact: "toy-text") { try ToyText.write(content, to: $0) }
    }
}

/// Joins the blobs of a slab's slices.
struct SlabStep: Step {
    let log: RunLog
    let version: Int
    let name = "slab"
    let scope = ScopeKind.slab
    let summary = "all slices of a slab"
    let parameters = [ParameterDeclaration.integer("depth", default: 3, in: 1...9, "a number")]
    let inputs = [StepInput.fact(.z), .output(of: "slice", named: "image")]
    let outputs = [StepOutput.artifact("volume", evictable: false)]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        var texts: [String] = []
        try item.forEachArtifact(of: "slice", named: "image") { texts.append(try ToyText.read($0.artifact)) }
        let depth = try item.integer("depth")
        try item.give("volume", artifact: "toy-text") { try ToyText.write("\(depth): " + texts.joined(separator: " / "), to: $0) }
        item.record("slices", Double(texts.count))
    }
}

/// All slabs of a tomogram, and its voxel size.
struct SummaryStep: Step {
    let log: RunLog
    let version: Int
    let name = "summary"
    let scope = ScopeKind.tomogram
    let summary = "everything about a tomogram"
    let inputs = [StepInput.output(of: "slab", named: "volume"), .output(of: "scale", named: "scaled")]
    let outputs = [StepOutput.value("report")]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        var texts = [try item.value(String.self, of: "scale", named: "scaled")]
        try item.forEachArtifact(of: "slab", named: "volume") { texts.append(try ToyText.read($0.artifact)) }
        try item.give("report", value: texts.joined(separator: "\n"))
    }
}

/// An annotation beside its tomogram.
struct CompareStep: Step {
    let log: RunLog
    let version: Int
    let name = "compare"
    let scope = ScopeKind.annotation
    let summary = "an annotation and its tomogram"
    let inputs = [StepInput.fact(.annotation), .output(of: "scale", named: "scaled")]
    let outputs = [StepOutput.value("verdict")]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        try item.give("verdict", value: "annotated \(try item.value(String.self, of: "scale", named: "scaled"))")
    }
}
