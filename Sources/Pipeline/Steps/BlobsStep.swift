public import CatalogSchema
public import Engine
import Foundation
import ImageProcessing
import Volumes

/// Finds the particles of a slab by their size, in three dimensions, without labels and without a network (`BlobFinder`): one of
/// the sources of ``PseudoLabelsStep``.
///
/// Densities are cut off and normalised as networks see them (``StructureDensities``): a bead of gold is no darker than the darkest
/// half percent of the voxels, and does not decide the threshold; but a bead is a blob, too, and may be found.
///
/// Slices beyond the slab are read as far as filters reach, so that its ends are no edges. A particle whose centre lies beyond it
/// is not given. What was found is an opinion, and no object of the catalog: `v_object` does not list it.
///
/// Memory is a window of slices (`BlobFinder`), and the particles.
public struct BlobsStep: TypedStep {
    public static let name = "blobs"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "particles by their size alone, in three dimensions, without labels or network"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let densities = StructureDensities.Parameters()
        let sizes = Parameter.written(
            "sizes", default: "250", as: sizesForm, "diameters of particles in Å, with commas between them")
        let rounds = Parameter.integer(
            "rounds", default: 2, in: 0...3, "how many times what was found is averaged to a template, which is looked for")
        let threshold = Parameter.real(
            "threshold", default: 0, in: 0...100,
            "least response of a particle, in standard deviations of the filter's response; 0 for Otsu's threshold of its maxima")
        let separation = Parameter.real(
            "separation", default: 0.5, in: 0.1...10, "least distance of two particles of one size, in diameters")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let tomogram = TomogramInputs()
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), WitnessOutputs())

    /// The threshold as a metric, in standard deviations of the response of the last filter; of several sizes, one for each.
    static let thresholdMetric = "threshold"

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let z = try item.inputs.z
        let voxelSize = try item.inputs.tomogram.calibration.voxelSize(of: item.scope)
        let shape = try item.inputs.tomogram.voxels.open().shape
        let blobs = try blobs(item, shape, voxelSize)
        let particles = blobs.enumerated().map { index, blob in
            let (centre, radius) = (blob.center * voxelSize.vectorInAngstroms, blob.radius * voxelSize.meanInAngstroms)
            let volume = 4 / 3 * Double.pi * radius * radius * radius
            let found = FoundObject(
                number: index + 1, class: PseudoLabels.macromolecule, centroidInAngstroms: centre, radiusInAngstroms: radius,
                voxels: max(1, Int((volume / voxelSize.volumeInCubicAngstroms).rounded())),
                volumeInCubicNanometers: volume / 1000, confidence: blob.confidence, boxMinimumInAngstroms: centre - radius,
                boxMaximumInAngstroms: centre + radius)
            // Voxels reach half a voxel beyond their centres.
            let (lowest, highest) = (blob.center.z - blob.radius, blob.center.z + blob.radius)
            let isCutOff = lowest < Double(z.lowerBound) - 0.5 || highest > Double(z.upperBound) - 0.5
            return (found: found, isCutOff: isCutOff)
        }
        try item.give(\.labels) { artifact in
            let writer = try PseudoLabels.Writer(artifact, depth: z.count, height: shape.y, width: shape.x)
            let balls = BallNumbers(blobs, shape: shape)
            for slice in z {
                try item.checkCancellation()
                let numbers = balls.numbers(slice: slice)
                let classes = numbers.map {
                    $0 > 0 ? SliceInstances.Part.macromolecule.rawValue : SliceInstances.Part.ground.rawValue
                }
                try writer.append(classes: classes, particles: numbers) { _ in 0 }
            }
            try PseudoLabels.write(particles, to: artifact)
        }
        item.record("\(PseudoLabels.macromolecule)/objects", Double(particles.count))
    }

    /// The particles of the slab, in voxels of the tomogram. A tomogram whose voxels are all the same has none.
    private func blobs(_ item: Item<Self>, _ shape: VolumeShape, _ voxelSize: VoxelSize) throws -> [Blob] {
        let diameters = try item.parameters.sizes
        guard let densities = try StructureDensities(item.inputs.tomogram, item.parameters.densities, of: item.scope) else {
            return []
        }
        let edges = voxelSize.vectorInAngstroms
        guard edges.max() <= 1.1 * edges.min() else {
            throw PipelineError(
                "voxels of \(item.scope.tomogram) are \(edges.x) × \(edges.y) × \(edges.z) Å, and balls are looked for in cubic ones: set "
                    + "\(PseudoLabelsStep.name).\(Witness.Kind.blobs.parameter) to false, or rescale it")
        }
        let inVoxels = diameters.map { $0 / voxelSize.meanInAngstroms }
        if let index = inVoxels.indices.first(where: { !BlobFinder.diameters.contains(inVoxels[$0]) }) {
            throw PipelineError(
                "particles of \(diameters[index]) Å are \((10 * inVoxels[index]).rounded() / 10) voxels wide in "
                    + "\(item.scope.tomogram), and "
                    + "4 to 10000 can be found by their size: give blobs.sizes others, or leave this size out")
        }
        let finder = try BlobFinder(
            shape: shape, diameters: inVoxels, rounds: item.parameters.rounds, threshold: item.parameters.threshold,
            separation: item.parameters.separation)
        let found = try finder.blobs(in: item.inputs.z) { slice in
            try item.checkCancellation()
            return try densities.slice(slice)
        } progress: { part in
            item.report(part, "\(Int((part * 100).rounded())) % of the filters")
        }
        for (diameter, threshold) in zip(diameters, found.thresholds) {
            let name = diameters.count == 1 ? Self.thresholdMetric : "\(Self.thresholdMetric)_\(Self.text(diameter))"
            if let threshold { item.record(name, threshold) }
        }
        return found.blobs
    }

    /// A diameter without needless digits: `250`, `87.5`.
    private static func text(_ diameter: Double) -> String {
        diameter.rounded() == diameter ? "\(Int(diameter))" : "\(diameter)"
    }
}

/// The form of a list of diameters in a recipe.
private let sizesForm = TextForm(name: "diameters") { text throws(PipelineError) in try BlobSizes(parsing: text).diameters }

/// Diameters of particles as they stand in a recipe: `150, 250`.
struct BlobSizes: Hashable, Sendable {
    /// In Å, in the order in which they stand there.
    let diameters: [Double]

    /// - Throws: ``PipelineError`` unless these are one to eight different numbers in 30 … 2000 Å, with commas between them.
    init(parsing text: String) throws(PipelineError) {
        diameters = try NumberList.different(
            text, of: "diameter of a particle", in: 30...2000, unit: " Å", most: 8, example: "150, 250")
    }
}
