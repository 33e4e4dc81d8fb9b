import BlobStore
import CatalogSchema
import Engine

/// A step that does next to nothing: a tiny artifact and two numbers for each tomogram.
struct TinyStep: Step {
    let name = "tiny"
    let version = 1
    let scope = ScopeKind.tomogram
    let summary = "a tiny artifact"
    let inputs = [StepInput.fact(.source)]
    let outputs = [StepOutput.artifact("values", evictable: false), .voxels("voxels")]

    func run(_ item: StepItem) throws {
        let values = (0..<16).map { Float(item.scope.id) + Float($0) / 16 }
        try item.give("values", artifact: "benchmark-values") { try $0.write("values", shape: [16], values: values) }
        try item.give("voxels", value: item.scope.id)
        item.record("first", Double(item.scope.id))
        item.record("count", 16)
    }
}
