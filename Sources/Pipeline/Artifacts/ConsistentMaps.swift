import BlobStore
import Engine
import ImageProcessing

/// The maps of slabs, slice by slice.
enum ConsistentMaps {
    /// The map of the item's slice. Where slabs overlap, the one that was added first counts: another one leaves its labels as they are.
    static func map(of item: StepItem) throws -> Image<Float> {
        guard let z = item.scope.z?.lowerBound else { throw PipelineError("only slices have a map of their own") }
        var first: (id: Int64, artifact: Artifact, slice: Int)?
        try item.forEachArtifact(of: "consistency", named: "maps") { member in
            guard let range = member.scope.z, range.contains(z), member.scope.id < first?.id ?? .max else { return }
            first = (member.scope.id, member.artifact, z - range.lowerBound)
        }
        guard let first else { throw PipelineError("no slab has a map of the slice \(z)") }
        return try MapArtifact.read(first.artifact, slice: first.slice)
    }
}
