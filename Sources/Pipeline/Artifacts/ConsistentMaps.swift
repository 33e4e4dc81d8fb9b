import Engine
import ImageProcessing

/// The maps of slabs, slice by slice.
enum ConsistentMaps {
    /// The map of the item's slice. Where slabs overlap, the first one counts.
    static func map(of item: StepItem) throws -> Image<Float> {
        guard let z = item.scope.z?.lowerBound else { throw PipelineError("only slices have a map of their own") }
        var found: Image<Float>?
        try item.forEachArtifact(of: "consistency", named: "maps") { member in
            guard found == nil, let range = member.scope.z, range.contains(z) else { return }
            found = try MapArtifact.read(member.artifact, slice: z - range.lowerBound)
        }
        guard let found else { throw PipelineError("no slab has a map of the slice \(z)") }
        return found
    }
}
