import BlobStore
import Catalog
public import CatalogSchema
public import Engine
import ImageProcessing
import Metrics
import Volumes

/// Compares pseudo-labels with an annotation, in the slabs that have any: labels with labels, particles with points.
///
/// Where slabs overlap, the one that was added first counts, as everywhere.
public struct EvaluatePseudoLabelsStep: Step {
    public let name = "evaluate-pseudo-labels"
    public let version = 1
    public let scope = ScopeKind.annotation
    public let summary = "how well pseudo-labels agree with what a person says"
    public let parameters = [EvaluationScope.classes] + EvaluationScope.labelParameters + EvaluationScope.pickParameters
    public let inputs = [
        StepInput.fact(.annotation), .output(of: "describe", named: "voxels"), .output(of: "calibrate", named: "voxel-size"),
        .output(of: "pseudo-labels", named: "labels"),
    ]
    public let outputs = EvaluationScope.outputs

    public init() {}

    /// A slab's labels, and where they lie.
    private struct Slab {
        let id: Int64
        let z: Range<Int>
        let artifact: Artifact
    }

    public func run(_ item: StepItem) throws {
        let evaluation = try EvaluationScope(item, step: name)
        var slabs: [Slab] = []
        try item.forEachArtifact(of: "pseudo-labels", named: "labels") { member in
            if let z = member.scope.z { slabs.append(Slab(id: member.scope.id, z: z, artifact: member.artifact)) }
        }
        slabs.sort { $0.id < $1.id }
        guard !slabs.isEmpty else { return try evaluation.give(nil, curves: [:]) }
        let pairs = try evaluation.pairs(found: PseudoLabelsArtifact.classes)
        guard !pairs.compared.isEmpty else { return try evaluation.give(pairs, curves: [:]) }
        switch evaluation.annotation.kind {
        case .labels: try compareLabels(item, evaluation, slabs, pairs)
        case .points: try compareParticles(item, evaluation, slabs, pairs)
        }
    }

    private func compareLabels(_ item: StepItem, _ evaluation: EvaluationScope, _ slabs: [Slab], _ pairs: ClassPairs) throws {
        let lengths = try item.value(VoxelsDescription.self, of: "describe", named: "voxels").shape
        let slice = try slabs[0].artifact.dataset("classes").shape.dropFirst()
        guard lengths.count == 3, let shape = VolumeShape(z: lengths[0], y: lengths[1], x: lengths[2]),
            Array(slice) == [shape.y, shape.x]
        else {
            throw PipelineError("the pseudo-labels of \(item.scope.tomogram) have another size than it; `cellar run` renews them")
        }
        let labels = try evaluation.labels(pairs, shape: shape)
        let labelled = try evaluation.region(labels)
        let known = (0..<shape.z).filter { z in labelled.contains(z) && slabs.contains { $0.z.contains(z) } }
        guard let first = known.first, let last = known.last else { return try evaluation.give(pairs, curves: [:]) }
        let region = first..<last + 1
        let voxelSize = try item.voxelSize()
        // Surfaces would end where slabs do.
        let settings = try evaluation.settings(voxelSize, isOnePiece: known.count == region.count)
        var comparison = try LabelComparison(
            classes: pairs.compared, shape: shape, voxelSize: voxelSize, region: region, settings: settings)
        var table = [UInt8](repeating: 0, count: 256)
        for (index, name) in pairs.compared.enumerated() {
            if let label = PseudoLabelsArtifact.classes.firstIndex(of: name) { table[label + 1] = UInt8(index + 1) }
        }
        let blank = [UInt8](repeating: 0, count: shape.sliceCount)
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let slab = slabs.first { $0.z.contains(z) }
            var found = blank
            if let slab {
                let row = z - slab.z.lowerBound
                found = try slab.artifact.readRows("classes", row..<row + 1, as: UInt8.self).map { table[Int($0)] }
            }
            let truth =
                region.contains(z)
                ? slab == nil ? [UInt8](repeating: AnnotatedLabels.ignored, count: shape.sliceCount) : try labels.slice(z) : blank
            try comparison.add(
                LabelComparison.Slice(found: shape.image(found), truth: shape.image(truth), probabilities: []))
        }
        let curves = try comparison.finish(item, source: "pseudo-labels")
        try evaluation.give(pairs, slices: region, curves: curves)
    }

    private func compareParticles(
        _ item: StepItem, _ evaluation: EvaluationScope, _ slabs: [Slab], _ pairs: ClassPairs
    ) throws {
        let thickness = try item.voxelSize().zInAngstroms
        /// The slab that counts for a place.
        func slab(at place: SIMD3<Double>) -> Int64? {
            let z = (place.z / thickness).rounded()
            return slabs.first { Double($0.z.lowerBound) <= z && z < Double($0.z.upperBound) }?.id
        }
        let found = try slabs.flatMap { owner in
            try FoundParticle.pseudoLabels(owner.artifact).filter { slab(at: $0.pick.center) == owner.id }
        }
        let (curves, rules) = try evaluation.pickComparison().record(
            evaluation.particles(pairs, found: found) { slab(at: $0) != nil }, of: item, source: "pseudo-labels")
        try evaluation.give(pairs, rules: rules, curves: curves)
    }
}
