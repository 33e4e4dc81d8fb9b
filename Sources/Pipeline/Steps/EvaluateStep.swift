import BlobStore
import Catalog
public import CatalogSchema
public import Engine
import ImageProcessing
import Metrics
import Volumes

/// Compares the segmentation of the U-Net with an annotation of labels (method.md, row 12 and section 8).
///
/// For an annotation of points its outputs are empty; `evaluate-picks` compares these.
public struct EvaluateStep: TypedStep {
    public static let name = "evaluate"
    public static let version = 2
    public static let scope = ScopeKind.annotation
    public static let summary = "how well the segmentation agrees with labels of a person"

    public struct Parameters: Sendable {
        let pairing = ClassPairing()
        let labels = LabelEvaluation()
    }
    public struct Inputs: Sendable {
        let annotations = Input.annotations
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
        let probability = Input(SegmentStep.self, \.probability)
        let surfaces = Input(CentreSurfaceStep.self, \.surfaces)
        let thickness = Input(MembraneStep.self, \.thickness)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), EvaluationOutputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let evaluation = try EvaluationScope(item, item.inputs.annotations)
        guard evaluation.annotation.kind == .labels else { return try evaluation.give(nil, curves: [:]) }
        let (found, probability) = (try item.inputs.segmentation, try item.inputs.probability)
        let pairs = try evaluation.pairs(item.parameters.pairing, found: found.classes.names)
        guard !pairs.compared.isEmpty else { return try evaluation.give(pairs, curves: [:]) }
        let (shape, voxelSize) = (found.shape, try item.inputs.calibration.voxelSize(of: item.scope))
        let surfaces = try item.inputs.surfaces
        var segmentation = try DrawnSegmentation(
            found, surfaces, thicknessInAngstroms: item.inputs.thickness, voxelSize: voxelSize)
        let labels = try evaluation.labels(pairs, item.parameters.labels, shape: shape)
        let region = try evaluation.region(labels, item.parameters.labels)
        var comparison = try LabelComparison(
            classes: pairs.compared, shape: shape, voxelSize: voxelSize, region: region,
            settings: evaluation.settings(item.parameters.labels, voxelSize, sheets: surfaces.names))
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let isKnown = region.contains(z)
            try comparison.add(
                LabelComparison.Slice(
                    found: segmentation.labels(z, of: pairs.compared),
                    truth: shape.image(isKnown ? labels.slice(z) : [UInt8](repeating: 0, count: shape.voxelsPerSlice)),
                    probabilities: isKnown ? probability.slice(z, of: pairs.compared, shape: shape) : []))
        }
        let curves = try comparison.finish(item.base, source: SegmentStep.name)
        try evaluation.give(pairs, slices: region, curves: curves)
    }
}

/// Compares the particles of the picker with an annotation of points (method.md, row 12 and section 8).
///
/// For an annotation of labels its outputs are empty; `evaluate` compares these.
public struct EvaluatePicksStep: TypedStep {
    public static let name = "evaluate-picks"
    public static let version = 1
    public static let scope = ScopeKind.annotation
    public static let summary = "how many of the particles that a person marked were found"

    public struct Parameters: Sendable {
        let pairing = ClassPairing()
        let picks = PickEvaluation()
    }
    public struct Inputs: Sendable {
        let annotations = Input.annotations
        let picks = Input(PickStep.self, \.particles)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), EvaluationOutputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let evaluation = try EvaluationScope(item, item.inputs.annotations)
        guard evaluation.annotation.kind == .points else { return try evaluation.give(nil, curves: [:]) }
        let picks = try item.inputs.picks
        let pairs = try evaluation.pairs(item.parameters.pairing, found: picks.classes)
        let (curves, rules) = try evaluation.pickComparison(item.parameters.picks).record(
            evaluation.particles(pairs, found: picks.particles), of: item.base, source: PickStep.name)
        try evaluation.give(pairs, rules: rules, curves: curves)
    }
}

/// Compares pseudo-labels with an annotation, within the slabs that have pseudo-labels: labels with labels, particles with points.
///
/// Where slabs overlap, the slab that was added first is used, as in ``MaskStep``.
public struct EvaluatePseudoLabelsStep: TypedStep {
    public static let name = "evaluate-pseudo-labels"
    public static let version = 2
    public static let scope = ScopeKind.annotation
    public static let summary = "how well pseudo-labels agree with what a person says"

    public struct Parameters: Sendable {
        let pairing = ClassPairing()
        let labels = LabelEvaluation()
        let picks = PickEvaluation()
    }
    public struct Inputs: Sendable {
        let annotations = Input.annotations
        let description = Input(DescribeStep.self, \.voxels)
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let pseudoLabels = Input(each: PseudoLabelsStep.self, \.labels)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), EvaluationOutputs())

    public init() {}

    /// The pseudo-labels of a slab, and its slices.
    private struct Slab {
        let id: Int64
        let z: Range<Int>
        let labels: PseudoLabels
    }

    public func run(_ item: Item<Self>) throws {
        let evaluation = try EvaluationScope(item, item.inputs.annotations)
        var slabs: [Slab] = []
        try item.inputs.pseudoLabels.forEachScope { scope, labels in
            if let z = scope.z { slabs.append(Slab(id: scope.id, z: z, labels: labels)) }
        }
        slabs.sort { $0.id < $1.id }
        guard !slabs.isEmpty else { return try evaluation.give(nil, curves: [:]) }
        let pairs = try evaluation.pairs(item.parameters.pairing, found: PseudoLabels.classes)
        guard !pairs.compared.isEmpty else { return try evaluation.give(pairs, curves: [:]) }
        switch evaluation.annotation.kind {
        case .labels: try compareLabels(item, evaluation, slabs, pairs)
        case .points: try compareParticles(item, evaluation, slabs, pairs)
        }
    }

    private func compareLabels(_ item: Item<Self>, _ evaluation: EvaluationScope<Self>, _ slabs: [Slab], _ pairs: ClassPairs)
        throws
    {
        let lengths = try item.inputs.description.shape
        let slice = try slabs[0].labels.shape().dropFirst()
        guard lengths.count == 3, let shape = VolumeShape(z: lengths[0], y: lengths[1], x: lengths[2]),
            Array(slice) == [shape.y, shape.x]
        else {
            throw PipelineError("the pseudo-labels of \(item.scope.tomogram) have another size than it; `cellar run` renews them")
        }
        let labels = try evaluation.labels(pairs, item.parameters.labels, shape: shape)
        let labelled = try evaluation.region(labels, item.parameters.labels)
        let known = (0..<shape.z).filter { z in labelled.contains(z) && slabs.contains { $0.z.contains(z) } }
        guard let first = known.first, let last = known.last else { return try evaluation.give(pairs, curves: [:]) }
        let region = first..<last + 1
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        // Between slabs with a gap, surfaces would have edges that are none: surfaces are compared only where there is no gap.
        let settings = try evaluation.settings(
            item.parameters.labels, voxelSize, sheets: [PseudoLabels.membrane], isOnePiece: known.count == region.count)
        var comparison = try LabelComparison(
            classes: pairs.compared, shape: shape, voxelSize: voxelSize, region: region, settings: settings)
        let table = ClassList.table(from: PseudoLabels.classes, to: pairs.compared)
        let blank = [UInt8](repeating: 0, count: shape.voxelsPerSlice)
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let slab = slabs.first { $0.z.contains(z) }
            var found = blank
            if let slab {
                found = try slab.labels.classes(slice: z - slab.z.lowerBound).map { table[Int($0)] }
            }
            let truth =
                region.contains(z)
                ? slab == nil ? [UInt8](repeating: AnnotatedLabels.ignored, count: shape.voxelsPerSlice) : try labels.slice(z)
                : blank
            try comparison.add(
                LabelComparison.Slice(found: shape.image(found), truth: shape.image(truth), probabilities: []))
        }
        let curves = try comparison.finish(item.base, source: PseudoLabelsStep.name)
        try evaluation.give(pairs, slices: region, curves: curves)
    }

    private func compareParticles(
        _ item: Item<Self>, _ evaluation: EvaluationScope<Self>, _ slabs: [Slab], _ pairs: ClassPairs
    ) throws {
        let thickness = try item.inputs.calibration.voxelSize(of: item.scope).zInAngstroms
        /// The slab whose pseudo-labels are used at a position x, y, z in Å.
        func slab(at position: SIMD3<Double>) -> Int64? {
            let z = (position.z / thickness).rounded()
            return slabs.first { Double($0.z.lowerBound) <= z && z < Double($0.z.upperBound) }?.id
        }
        let found = try slabs.flatMap { owner in
            try owner.labels.found().filter { slab(at: $0.pick.center) == owner.id }
        }
        let (curves, rules) = try evaluation.pickComparison(item.parameters.picks).record(
            evaluation.particles(pairs, found: found) { slab(at: $0) != nil }, of: item.base, source: PseudoLabelsStep.name)
        try evaluation.give(pairs, rules: rules, curves: curves)
    }
}
