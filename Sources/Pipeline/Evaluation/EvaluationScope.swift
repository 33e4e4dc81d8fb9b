package import Catalog
import CatalogSchema
package import Engine
import ImageProcessing
import Metrics
import Volumes

/// The parameter that pairs annotated classes with classes that were found.
struct ClassPairing: DeclarationGroup {
    let pairs = Parameter.text(
        "classes", default: "",
        "which annotated class is which found one, where names differ: ribosome=macromolecule, with commas between; actin= leaves one out"
    )
}

/// The parameters of steps that compare labels.
struct LabelEvaluation: DeclarationGroup {
    /// The slices that are compared.
    enum Region: String, CaseIterable, Sendable { case labelled, all }
    /// The skeletons that are compared.
    enum Skeleton: String, CaseIterable, Sendable {
        case none, curve, surface

        var kind: SkeletonKind? {
            switch self {
            case .none: nil
            case .curve: .curve
            case .surface: .surface
            }
        }
    }

    let unnamed = Parameter<AnnotatedLabels.Unnamed>.choice(
        "unnamed", default: .refuse,
        "what voxels are whose value is no class of the annotation: an error, ground, or nothing that counts")
    let region = Parameter<Region>.choice(
        "region", default: .labelled, "the slices that are compared: from the first with a label to the last, or all")
    let measuresSurfaces = Parameter.flag("surface.measured", default: true, "whether surfaces are compared")
    let surfaceTolerance = Parameter.real(
        "surface.tolerance", default: 0, in: 0...10_000, "how far in Å surfaces may be apart; 0 for a voxel's length")
    let skeleton = Parameter<Skeleton>.choice(
        "skeleton", default: .surface,
        "which skeletons are compared: none, middle surfaces (of membranes), or centre lines (clDice)")
    let sheetTolerance = Parameter.real(
        "centre_surface.tolerance", default: 1, in: 0...20, "how far in voxels centre surfaces of membranes may be apart")
}

/// The parameters of steps that compare particles.
struct PickEvaluation: DeclarationGroup {
    let rule = Parameter<PickComparison.Rule>.choice(
        "picks.rule", default: .oneToOne, "which particles are right; F1 by all four is recorded")
    let radius = Parameter.real(
        "picks.radius", default: 0, in: 0...10_000, "how far in Å a particle may be off; 0 for its radius")
}

/// The outputs of steps that evaluate.
public struct EvaluationOutputs: Sendable {
    /// The output `comparison`: what was compared, and how.
    public struct Comparison: Codable, Sendable {
        /// The annotated classes of each compared class.
        package var classes: [String: [String]] = [:]
        /// The annotated classes without a counterpart.
        package var leftOut: [String] = []
        /// The rule of pairing particles, with its radius, by class.
        var rules: [String: String] = [:]
        /// The first slice that was compared, and the one after the last; nil where there is no such range.
        var slices: [Int]?
    }

    package let comparison = ValueOutput<Comparison>("comparison")
    package let curves = ValueOutput<[String: EvaluationCurve]>("curves")
}

/// The work that all evaluation steps share: reading the annotation by the recipe's settings, and giving the outputs.
struct EvaluationScope<S: TypedStep> where S.Outputs == EvaluationOutputs {
    let item: Item<S>
    let annotation: StepItem.Annotation

    init(_ item: Item<S>, _ annotations: [AnnotationMember]) throws {
        self.item = item
        guard let annotation = annotations.first?.annotation else {
            throw PipelineError(
                "\(item.scope.tomogram) has no \(item.scope.label) any more: it was removed during the run; run again")
        }
        self.annotation = annotation
    }

    /// Pairs the annotated classes with those that were found.
    ///
    /// - Parameter found: the classes of the segmentation, picks or pseudo-labels.
    /// - Throws: ``PipelineError`` where the recipe's text is no list of pairs.
    func pairs(_ parameters: ParameterValues<ClassPairing>, found: [String]) throws -> ClassPairs {
        try ClassPairs(
            parameters.pairs, parameter: "\(S.name).classes", annotated: annotation.classes.map(\.name), found: found)
    }

    /// The labels of the annotation as numbers of the compared classes.
    func labels(_ pairs: ClassPairs, _ parameters: ParameterValues<LabelEvaluation>, shape: VolumeShape) throws -> AnnotatedLabels
    {
        try AnnotatedLabels(
            annotation, classes: pairs.compared, named: pairs.counterparts,
            unnamed: parameters.unnamed, of: item.scope.tomogram, shape: shape)
    }

    /// The slices that are compared: those that the annotation covers, or all.
    ///
    /// - Throws: ``PipelineError`` where the annotation has no label.
    func region(_ labels: AnnotatedLabels, _ parameters: ParameterValues<LabelEvaluation>) throws -> Range<Int> {
        guard let labelled = try labels.labelledSlices(check: item.checkCancellation) else {
            throw PipelineError(
                "the labels \(annotation.location) have no voxel that is not 0, so that nothing can be compared with them; annotate "
                    + "\(item.scope.tomogram) again")
        }
        return try parameters.region == .all ? 0..<labels.shape.z : labelled
    }

    /// The measures of a comparison of labels.
    ///
    /// - Parameters:
    ///   - sheets: the classes that are sheets, whose centre surfaces are compared.
    ///   - isOnePiece: whether the compared slices have no gap; else surfaces and skeletons are left out.
    func settings(
        _ parameters: ParameterValues<LabelEvaluation>, _ voxelSize: VoxelSize, sheets: [String], isOnePiece: Bool = true
    ) throws -> LabelComparison.Settings {
        let tolerance = try parameters.surfaceTolerance
        return try LabelComparison.Settings(
            toleranceInAngstroms: tolerance > 0 ? tolerance : voxelSize.meanInAngstroms,
            measuresSurfaces: isOnePiece && parameters.measuresSurfaces,
            skeleton: isOnePiece ? parameters.skeleton.kind : nil,
            sheets: isOnePiece ? sheets : [], sheetToleranceInVoxels: parameters.sheetTolerance)
    }

    /// The annotated and the found particles of each compared class.
    ///
    /// - Parameter isKnown: whether an annotated position, x, y, z in Å, lies where particles were looked for; others are left out.
    func particles(
        _ pairs: ClassPairs, found: [FoundParticle], where isKnown: (SIMD3<Double>) -> Bool = { _ in true }
    ) -> [PickComparison.Class] {
        pairs.compared.map { name in
            let annotated = annotation.classes.filter { pairs.counterparts[$0.name] == name }
            let names = Set(annotated.map(\.name))
            return PickComparison.Class(
                name: name, found: found.filter { $0.className == name }.map(\.pick),
                truth: annotation.points.filter { names.contains($0.className) }.map(\.positionInAngstroms).filter(isKnown),
                radiusInAngstroms: annotated.compactMap(\.radiusInAngstroms).min())
        }
    }

    /// The comparison of particles by the recipe's rule and radius.
    func pickComparison(_ parameters: ParameterValues<PickEvaluation>) throws -> PickComparison {
        let radius = try parameters.radius
        return try PickComparison(
            rule: parameters.rule,
            radiusInAngstroms: radius > 0 ? radius : nil)
    }

    /// Gives the outputs of the step.
    ///
    /// - Parameter pairs: nil where nothing was compared.
    func give(_ pairs: ClassPairs?, slices: Range<Int>? = nil, rules: [String: String] = [:], curves: [String: EvaluationCurve])
        throws
    {
        let classes = Dictionary(grouping: pairs?.counterparts ?? [:], by: \.value).mapValues { $0.map(\.key).sorted() }
        try item.give(
            \.comparison,
            EvaluationOutputs.Comparison(
                classes: classes, leftOut: pairs?.leftOut ?? [], rules: rules,
                slices: slices.map { [$0.lowerBound, $0.upperBound] }))
        try item.give(\.curves, curves)
    }
}

/// The class that was found for each class of an annotation.
///
/// Classes with the same name are the same. A recipe can add pairs: with `ribosome=macromolecule, microtubule=`, every annotated ribosome is
/// compared with the macromolecules that were found, and microtubules are left out.
struct ClassPairs: Hashable {
    /// The found class that each annotated class is compared with, by the name of the annotated class.
    let counterparts: [String: String]
    /// The annotated classes that have no counterpart and that the recipe does not leave out.
    let leftOut: [String]

    /// - Parameters:
    ///   - text: pairs `annotated=found` with commas between them.
    ///   - parameter: the key of the text in the recipe, for the message.
    /// - Throws: ``PipelineError`` where a part is no pair, names an annotated class twice, or a class that was not found.
    init(_ text: String, parameter: String, annotated: [String], found classes: [String]) throws {
        var said: [String: String] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
            guard parts.count == 2, !parts[0].isEmpty, said.updateValue(parts[1], forKey: parts[0]) == nil,
                parts[1].isEmpty || classes.contains(parts[1])
            else {
                throw PipelineError(
                    "\(parameter) has \"\(pair.trimmed)\": write annotated=found, of the classes found, "
                        + "\(classes.joined(separator: ", ")), and each annotated one once; annotated= leaves it out")
            }
        }
        var pairs: [String: String] = [:]
        for name in annotated {
            if let other = said[name] {
                if !other.isEmpty { pairs[name] = other }
            } else if classes.contains(name) {
                pairs[name] = name
            }
        }
        counterparts = pairs
        leftOut = annotated.filter { pairs[$0] == nil && said[$0] == nil }.sorted()
    }

    /// The classes that are compared, in the order of their names.
    var compared: [String] { Set(counterparts.values).sorted() }
}

extension EvaluationCurve {
    /// The most points that are stored: enough to draw a curve.
    private static let most = 512

    /// A curve for the output `curves` of evaluation steps, thinned evenly to at most 512 points, the first and the last one included.
    init(_ curve: PrecisionRecallCurve, source: String) {
        var points = curve.points
        if points.count > Self.most {
            let step = Double(points.count - 1) / Double(Self.most - 1)
            points = (0..<Self.most).map { points[Int((Double($0) * step).rounded())] }
        }
        self.init(
            source: source, recall: points.map { $0.recall.roundedForStorage },
            precision: points.map { $0.precision.roundedForStorage },
            threshold: points.map { $0.threshold.roundedForStorage })
    }
}

extension Double {
    /// Rounded to six decimal places.
    fileprivate var roundedForStorage: Double { (self * 1e6).rounded() / 1e6 }
}
