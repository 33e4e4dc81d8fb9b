import BlobStore
import CatalogSchema
import Engine
import Foundation
import Synchronization
import Volumes

/// Notes which items ran.
final class RunLog: Sendable {
    private let entries = Mutex<[String]>([])

    func note(_ step: String, _ item: StepItem) {
        let label = item.scope.label.isEmpty ? "" : " \(item.scope.label)"
        entries.withLock { $0.append("\(step) \(item.scope.tomogram)\(label)") }
    }

    /// What ran since the last call, sorted.
    func take() -> [String] {
        entries.withLock { entries in
            defer { entries = [] }
            return entries.sorted()
        }
    }
}

/// A small method over every kind of scope, in which each step's result is a text that names all it was computed from:
/// a wrong or stale input anywhere shows at the end.
struct ToySteps {
    let log = RunLog()
    var readVersion = 1

    var all: [any Step] {
        [
            // Out of order on purpose: the graph sorts them.
            SummaryStep(log: log), SlabStep(log: log), SliceStep(log: log), ScaleStep(log: log),
            ReadStep(log: log, version: readVersion), CompareStep(log: log),
        ]
    }
}

/// The first line of the tomogram's file: what follows is as a header that changes nothing.
struct ReadStep: Step {
    let log: RunLog
    let name = "read"
    let version: Int
    let scope = ScopeKind.tomogram
    let summary = "the first line of the file"
    let inputs = [StepInput.fact(.source)]
    let outputs = [StepOutput.value("text")]

    init(log: RunLog, version: Int = 1) {
        self.log = log
        self.version = version
    }

    func run(_ item: StepItem) throws {
        log.note(name, item)
        let text = try String(contentsOfFile: item.scope.location.path, encoding: .utf8)
        let line = text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if line == "broken" { throw ToyError(description: "the file is broken") }
        try item.give("text", value: "\(line)#\(version)")
        item.record("length", Double(line.utf8.count))
    }
}

/// Depends on the voxel size.
struct ScaleStep: Step {
    let log: RunLog
    let name = "scale"
    let version = 1
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
    let name = "slice"
    let version = 1
    let scope = ScopeKind.slice
    let summary = "a blob for each slice"
    let parameters = [
        Parameter.real("gain.factor", default: 1, in: 0...100, "a factor"),
        .text("note", default: "plain", "a word"),
    ]
    let inputs = [StepInput.fact(.z), .output(of: "read", named: "text")]
    let outputs = [StepOutput.artifact("image", evictable: true)]

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
    let name = "slab"
    let version = 1
    let scope = ScopeKind.slab
    let summary = "all slices of a slab"
    let parameters = [Parameter.integer("depth", default: 3, in: 1...9, "a number")]
    let inputs = [StepInput.fact(.z), .output(of: "slice", named: "image")]
    let outputs = [StepOutput.artifact("volume", evictable: false)]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        var texts: [String] = []
        try item.forEachArtifact(of: "slice", named: "image") { texts.append(try ToyText.read($0.artifact)) }
        let depth = try item.integer("depth")
        try item.give("volume", artifact: "toy-text") { try ToyText.write("\(depth): " + texts.joined(separator: " / "), to: $0) }
    }
}

/// All slabs of a tomogram, and its voxel size.
struct SummaryStep: Step {
    let log: RunLog
    let name = "summary"
    let version = 1
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
    let name = "compare"
    let version = 1
    let scope = ScopeKind.annotation
    let summary = "an annotation and its tomogram"
    let inputs = [StepInput.fact(.annotation), .output(of: "scale", named: "scaled")]
    let outputs = [StepOutput.value("verdict")]

    func run(_ item: StepItem) throws {
        log.note(name, item)
        try item.give("verdict", value: "annotated \(try item.value(String.self, of: "scale", named: "scaled"))")
    }
}

/// A text as an artifact.
enum ToyText {
    static func write(_ text: String, to artifact: ArtifactWriter) throws {
        try artifact.write("text", shape: [text.utf8.count], values: Array(text.utf8))
    }

    static func read(_ artifact: Artifact) throws -> String {
        String(decoding: try artifact.read("text", as: UInt8.self), as: UTF8.self)
    }
}

struct ToyError: Error, CustomStringConvertible {
    let description: String
}
