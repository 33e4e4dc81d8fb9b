import Basics
import Catalog
import Engine
import ImageProcessing
import Metrics
import Volumes

/// Compares labels that a step found with those of an annotation, for each class, slice by slice (method.md, section 8).
struct LabelComparison {
    /// The measures that are computed for each class.
    struct Settings {
        /// The largest distance in Å at which two surfaces agree.
        var toleranceInAngstroms: Double
        var measuresSurfaces: Bool
        /// The kind of skeleton that is compared; nil for none.
        var skeleton: SkeletonKind?
        /// The classes that are sheets, whose centre surfaces are compared.
        var sheets: [String]
        /// The largest distance in voxels at which two centre surfaces agree.
        var sheetToleranceInVoxels: Double
    }

    /// A slice of both sides, `[y][x]`, with the classes of the comparison, from 1.
    struct Slice {
        let found: Image<UInt8>
        /// ``AnnotatedLabels/ignored`` where nothing is known.
        let truth: Image<UInt8>
        /// The probability of each class, 255 for 1; empty where there are no probabilities.
        let probabilities: [Image<UInt8>]
    }

    private struct Class {
        let name: String
        var overlap = Overlap()
        var histogram = ProbabilityHistogram()
        var surfaces: SurfaceComparison?
        var skeletons: SkeletonComparison?
        var sheets: SheetComparison?
    }

    private var classes: [Class]
    private let region: Range<Int>
    private let settings: Settings
    private var z = 0
    private var hasProbabilities = false

    /// - Parameters:
    ///   - region: the slices that the annotation covers. Of other slices, only the surfaces count, for distances to them.
    init(
        classes: [String], shape: VolumeShape, voxelSize: VoxelSize, region: Range<Int>, settings: Settings
    ) throws {
        self.region = region
        self.settings = settings
        guard let known = shape.slices(region)?.shape else {
            throw PipelineError(mistake: .item, "there is no slice to compare")
        }
        self.classes = try classes.map { name in
            Class(
                name: name,
                surfaces: settings.measuresSurfaces
                    ? try SurfaceComparison(shape: shape, voxelSize: voxelSize, slices: region) : nil,
                skeletons: try settings.skeleton.map { try SkeletonComparison(shape: known, skeleton: $0) },
                sheets: settings.sheets.contains(name)
                    ? try SheetComparison(
                        shape: known, voxelSize: voxelSize, toleranceInVoxels: settings.sheetToleranceInVoxels) : nil)
        }
    }

    /// Adds the next slice of the tomogram, from the first on.
    ///
    /// - Complexity: linear in its pixels, for each class.
    mutating func add(_ slice: Slice) throws {
        defer { z += 1 }
        let isKnown = region.contains(z)
        let known = slice.truth.map { $0 != AnnotatedLabels.ignored }
        for index in classes.indices {
            let label = UInt8(index + 1)
            let (found, truth) = (slice.found.map { $0 == label }, slice.truth.map { $0 == label })
            try classes[index].surfaces?.add(prediction: found, truth: truth)
            guard isKnown else { continue }
            try classes[index].overlap.add(prediction: found, truth: truth, region: known)
            try classes[index].skeletons?.add(prediction: found, truth: truth)
            try classes[index].sheets?.add(prediction: found, truth: truth, region: known)
            guard slice.probabilities.indices.contains(index) else { continue }
            hasProbabilities = true
            try classes[index].histogram.add(probability: slice.probabilities[index], truth: truth, region: known)
        }
    }

    /// Records the measures as metrics `class/measure`.
    ///
    /// - Returns: the precision-recall curve of each class, where there are probabilities.
    /// - Complexity: surfaces and skeletons of the whole volume, one class at a time.
    mutating func finish(_ item: StepItem, source: String) throws -> [String: EvaluationCurve] {
        var curves: [String: EvaluationCurve] = [:]
        for index in classes.indices {
            let (name, overlap) = (classes[index].name, classes[index].overlap)
            func record(_ measure: String, _ value: Double?) {
                if let value { item.record("\(name)/\(measure)", value) }
            }
            record("dice", overlap.dice)
            record("iou", overlap.intersectionOverUnion)
            record("precision", overlap.precision)
            record("recall", overlap.recall)
            record("voxels_true", Double(overlap.truePositives + overlap.falseNegatives))
            record("voxels_found", Double(overlap.truePositives + overlap.falsePositives))
            if let distances = try classes[index].surfaces?.finish() {
                record("boundary_dice", distances.dice(toleranceInAngstroms: settings.toleranceInAngstroms))
                record("boundary_distance_mean", distances.mean)
                record("boundary_distance_95", distances.hausdorff())
            }
            if let skeletons = try classes[index].skeletons?.finish() {
                record(settings.skeleton == .curve ? "cl_dice" : "skeleton_dice", skeletons.dice)
            }
            if let sheets = try classes[index].sheets?.finish() {
                record("surface_dice", sheets.dice)
                record("surface_precision", sheets.precision)
                record("surface_recall", sheets.recall)
                record("thickness_found", sheets.prediction.thicknessInAngstroms)
                record("thickness_true", sheets.truth.thicknessInAngstroms)
            }
            // Frees the memory for the next class.
            (classes[index].surfaces, classes[index].skeletons, classes[index].sheets) = (nil, nil, nil)
            guard hasProbabilities else { continue }
            let curve = classes[index].histogram.curve()
            record("average_precision", curve.averagePrecision)
            record("best_f1", curve.best?.f1)
            record("best_threshold", curve.best?.threshold)
            curves[name] = EvaluationCurve(curve, source: source)
        }
        return curves
    }
}
