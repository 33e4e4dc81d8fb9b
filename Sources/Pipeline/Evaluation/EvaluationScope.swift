import Catalog
import CatalogSchema
import Engine
import ImageProcessing
import Volumes

/// What steps that evaluate have in common: the annotation that they work on, and how the recipe wants it read.
struct EvaluationScope {
    let item: StepItem
    private let step: String
    let annotation: StepItem.Annotation

    /// What steps say about themselves with the output `comparison`.
    struct Comparison: Codable {
        /// The annotated classes that each compared one stands for.
        var classes: [String: [String]] = [:]
        /// The annotated classes that nothing found is called by.
        var leftOut: [String] = []
        /// By which rule particles are right, with its radius, by class.
        var rules: [String: String] = [:]
        /// The first slice that was compared, and the one after the last; nil where all were.
        var slices: [Int]?
    }

    static let outputs = [StepOutput.value("comparison"), .value("curves")]

    /// The parameter by which annotated classes and those found are brought together.
    static let classes = Parameter.text(
        "classes", default: "",
        "which annotated class is which found one, where names differ: ribosome=macromolecule, with commas between; actin= leaves one out"
    )

    static let labelParameters: [Parameter] = [
        .choice(
            "unnamed", default: AnnotatedLabels.Unnamed.refuse.rawValue, of: AnnotatedLabels.Unnamed.allCases.map(\.rawValue),
            "what voxels are whose value is no class of the annotation: an error, ground, or nothing that counts"),
        .choice(
            "region", default: "labelled", of: ["labelled", "all"],
            "the slices that are compared: from the first with a label to the last, or all"),
        .flag("surface.measured", default: true, "whether surfaces are compared"),
        .real("surface.tolerance", default: 0, in: 0...10_000, "how far in Å surfaces may be apart; 0 for a voxel's length"),
        .choice(
            "skeleton", default: SkeletonKind.surface.rawValue, of: ["none"] + SkeletonKind.allCases.map(\.rawValue),
            "which skeletons are compared: none, middle surfaces (of membranes), or centre lines (clDice)"),
    ]

    static let pickParameters: [Parameter] = [
        .choice(
            "picks.rule", default: PickComparison.Rule.oneToOne.rawValue, of: PickComparison.Rule.allCases.map(\.rawValue),
            "which particles are right; F1 by all four is recorded"),
        .real("picks.radius", default: 0, in: 0...10_000, "how far in Å a particle may be off; 0 for its radius"),
    ]

    /// - Parameter step: its name in the recipe.
    init(_ item: StepItem, step: String) throws {
        (self.item, self.step) = (item, step)
        guard let annotation = try item.annotations().first?.annotation else {
            throw PipelineError("\(item.scope.tomogram) has no \(item.scope.label) any more")
        }
        self.annotation = annotation
    }

    /// - Parameter found: the classes that there are on the other side.
    func pairs(found: [String]) throws -> ClassPairs {
        try ClassPairs(
            item.text("classes"), parameter: "\(step).classes", annotated: annotation.classes.map(\.name), found: found)
    }

    /// The labels of the annotation in terms of the classes found.
    func labels(_ pairs: ClassPairs, shape: VolumeShape) throws -> AnnotatedLabels {
        try AnnotatedLabels(
            annotation, classes: pairs.compared, named: pairs.found,
            unnamed: AnnotatedLabels.Unnamed(rawValue: item.text("unnamed")) ?? .refuse, of: item.scope.tomogram, shape: shape)
    }

    /// The slices of which the annotation says something.
    ///
    /// - Throws: ``PipelineError`` where it has no label at all.
    func region(_ labels: AnnotatedLabels) throws -> Range<Int> {
        guard let labelled = try labels.labelledSlices(check: item.checkCancellation) else {
            throw PipelineError(
                "the labels \(annotation.location) have no voxel that is not 0, so that nothing can be compared with them; annotate "
                    + "\(item.scope.tomogram) again")
        }
        return try item.text("region") == "all" ? 0..<labels.shape.z : labelled
    }

    func settings(_ voxelSize: VoxelSize, isOnePiece: Bool = true) throws -> LabelComparison.Settings {
        let tolerance = try item.real("surface.tolerance")
        return try LabelComparison.Settings(
            toleranceInAngstroms: tolerance > 0 ? tolerance : voxelSize.meanInAngstroms,
            measuresSurfaces: isOnePiece && item.flag("surface.measured"),
            skeleton: isOnePiece ? SkeletonKind(rawValue: item.text("skeleton")) : nil)
    }

    /// The annotated particles of each compared class beside those that were found.
    ///
    /// - Parameter isKnown: whether a place, x, y, z in Å, is one of which the other side says something.
    func particles(
        _ pairs: ClassPairs, found: [FoundParticle], where isKnown: (SIMD3<Double>) -> Bool = { _ in true }
    ) -> [PickComparison.Class] {
        pairs.compared.map { name in
            let annotated = annotation.classes.filter { pairs.found[$0.name] == name }
            let names = Set(annotated.map(\.name))
            return PickComparison.Class(
                name: name, found: found.filter { $0.className == name }.map(\.pick),
                truth: annotation.points.filter { names.contains($0.className) }.map(\.positionInAngstroms).filter(isKnown),
                radiusInAngstroms: annotated.compactMap(\.radiusInAngstroms).min())
        }
    }

    func pickComparison() throws -> PickComparison {
        let radius = try item.real("picks.radius")
        return try PickComparison(
            rule: PickComparison.Rule(rawValue: item.text("picks.rule")) ?? .oneToOne,
            radiusInAngstroms: radius > 0 ? radius : nil)
    }

    /// Gives the outputs of a step that evaluates.
    func give(_ pairs: ClassPairs?, slices: Range<Int>? = nil, rules: [String: String] = [:], curves: [String: EvaluationCurve])
        throws
    {
        let classes = Dictionary(grouping: pairs?.found ?? [:], by: \.value).mapValues { $0.map(\.key).sorted() }
        try item.give(
            "comparison",
            value: Comparison(
                classes: classes, leftOut: pairs?.leftOut ?? [], rules: rules,
                slices: slices.map { [$0.lowerBound, $0.upperBound] }))
        try item.give("curves", value: curves)
    }
}
