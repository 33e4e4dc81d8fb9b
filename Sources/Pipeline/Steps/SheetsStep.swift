import Basics
import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Finds membranes as sheets in three dimensions, without labels and without a network (``SheetSearch``), and draws them at one thickness.
///
/// What it labels is one opinion of several. Around a membrane there is a band, and pieces that are too small to be told from a row of proteins are
/// left open as well: both are "neither". All else is ground as far as this step can say.
public struct SheetsStep: TypedStep {
    public static let name = "sheets"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "membranes as sheets in three dimensions, without labels and without a network"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let densities = StructureDensities.Parameters()
        let normals = Parameter.integer("normals", default: 48, in: 6...192, "orientations of sheets, on a half sphere")
        let across = Parameter.real(
            "width.across", default: 17.5, in: 5...200, "σ of the filter across a membrane, in Å")
        let along = Parameter.real(
            "width.along", default: 67, in: 5...500, "σ of the filter along a membrane, in Å")
        let alongSmall = Parameter.real(
            "width.along_small", default: 27, in: 5...500, "σ of a second filter along a membrane, for small vesicles, in Å")
        let voting = Parameter.real(
            "width.voting", default: 80, in: 5...500, "σ along a membrane over which its parts confirm each other, in Å")
        let threshold = Parameter.real(
            "threshold", default: 0, in: 0...100, "least votes for a membrane, in deviations of the noise; 0 for Otsu's threshold"
        )
        let thickness = Parameter.real("thickness", default: 50, in: 1...1000, "of membranes as they are drawn, in Å")
        let band = Parameter.real(
            "band", default: 20, in: 0...500, "width beside a membrane on which nothing is said, in Å")
        let smallestArea = Parameter.real(
            "smallest_area", default: 500, in: 0...1e9, "of a connected piece of membrane, in nm²; smaller ones are neither")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let tomogram = TomogramInputs()
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), WitnessOutputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let z = try item.inputs.z
        let voxelSize = try item.inputs.tomogram.calibration.voxelSize(of: item.scope)
        let shape = try item.inputs.tomogram.voxels.open().shape
        let drawing = try Drawing(item, z: z, of: shape, voxelSize: voxelSize)
        let (surface, threshold) = try surface(item, in: drawing.read, of: shape, voxelSize: voxelSize)

        var pieces = VolumeComponents()
        try drawing.forEachSlice(of: surface) { _, classes in
            try item.checkCancellation()
            try pieces.add(classes.membrane)
        }
        // A piece of this area, drawn at the thickness.
        let least = try item.parameters.smallestArea * drawing.thickness / 10 / voxelSize.volumeInCubicNanometers
        let numbering = pieces.finished(leastVoxels: max(1, Int(min(least, 1e15).rounded(.up))))
        try item.give(\.labels) { artifact in
            let writer = try PseudoLabels.Writer(artifact, depth: z.count, height: shape.y, width: shape.x)
            guard let none = Image<Int32>(height: shape.y, width: shape.x, repeating: 0) else {
                throw PipelineError(mistake: .item, "slices of \(shape.x) × \(shape.y) voxels cannot be labelled")
            }
            try drawing.forEachSlice(of: surface) { index, classes in
                try item.checkCancellation()
                let numbers = try numbering.numbers(of: classes.membrane, inSlice: index)
                try writer.append(classes: classes, particles: none) { numbers.values[$0] }
            }
            try PseudoLabels.write([], to: artifact)
        }
        let voxels = numbering.components.reduce(0) { $0 + $1.voxels }
        item.record("\(PseudoLabels.membrane)/fraction", Double(voxels) / Double(z.count * shape.voxelsPerSlice))
        if let threshold { item.record("threshold", threshold) }
    }

    /// The centre surface of what is found in some slices, and the threshold on votes; of a tomogram whose voxels are all the same, an empty one
    /// without a threshold.
    private func surface(
        _ item: Item<Self>, in slices: Range<Int>, of shape: VolumeShape, voxelSize: VoxelSize
    ) throws -> (SheetSurface, Double?) {
        let parameters = item.parameters
        let search = SheetSearch(
            shape: shape, voxelSize: voxelSize,
            parameters: try SheetParameters(
                normalWidth: parameters.across, tangentialWidths: [parameters.along, parameters.alongSmall],
                votingWidth: parameters.voting, normals: parameters.normals))
        guard let densities = try StructureDensities(item.inputs.tomogram, parameters.densities, of: item.scope) else {
            return (try search.nothing(in: slices), nil)
        }
        let ridges = try search.ridges(in: slices) { box in
            try densities(box)
        } progress: { done, total in
            try item.checkCancellation()
            item.report(Double(done) / Double(total), "tile \(done) of \(total)")
        }
        let given = try parameters.threshold
        let threshold = given > 0 ? given : ridges.threshold
        return (ridges.surface(above: threshold), threshold)
    }
}

extension SheetsStep {
    /// How sheets become classes in the slices of a slab.
    private struct Drawing {
        /// The slices of the slab.
        let z: Range<Int>
        /// The slices whose ridges it depends on.
        let read: Range<Int>
        /// The thickness of membranes in Å: that of the recipe, or the least without holes, 1.4 σ of the filter across.
        let thickness: Double
        private let membrane: SheetDrawing
        private let band: SheetDrawing
        /// The slices that are drawn at once: some 96 MiB.
        private let height: Int

        init(_ item: Item<SheetsStep>, z: Range<Int>, of shape: VolumeShape, voxelSize: VoxelSize) throws {
            // Places of the surface are a voxel of the search apart: thinner sheets would have holes.
            let spacing = max(0.8 * (try item.parameters.across), voxelSize.vectorInAngstroms.max())
            let least = max(voxelSize.meanInAngstroms, 1.75 * spacing)
            thickness = max(try item.parameters.thickness, least)
            guard thickness <= 1000 else {
                throw PipelineError(
                    "voxels of \(item.scope.tomogram) are \(voxelSize.vectorInAngstroms.max()) Å long, too long for membranes; check its voxel "
                        + "size")
            }
            let wide = min(try thickness + 2 * item.parameters.band, 1000)
            func drawing(_ slices: Range<Int>, _ thickness: Double) throws -> SheetDrawing {
                guard let box = shape.slices(slices) else {
                    throw PipelineError(
                        "the slices \(slices) do not lie in \(item.scope.tomogram), which has \(shape.z); remove the slab, and add another"
                    )
                }
                return try SheetDrawing(shape: box.shape, voxelSize: voxelSize, thicknessInAngstroms: thickness)
            }
            let reach = try drawing(z, wide).reach
            read = max(0, z.lowerBound - reach)..<min(shape.z, z.upperBound + reach)
            (membrane, band) = (try drawing(read, thickness), try drawing(read, wide))
            self.z = z
            height = max(1, (32 << 20) / shape.voxelsPerSlice)
        }

        /// Calls the closure with the classes of each slice of the slab, ``SliceInstances/Part``.
        func forEachSlice(of surface: SheetSurface, _ body: (_ index: Int, Image<UInt8>) throws -> Void) throws {
            for first in stride(from: z.lowerBound, to: z.upperBound, by: height) {
                let slices = first - read.lowerBound..<min(first + height, z.upperBound) - read.lowerBound
                let (inner, outer) = (
                    membrane.masks(of: slices) { surface.codes($0) }, band.masks(of: slices) { surface.codes($0) }
                )
                for (index, (inner, outer)) in zip(inner, outer).enumerated() {
                    let classes = Image<UInt8>(sizeOf: inner) { classes in
                        for pixel in classes.indices {
                            let part: SliceInstances.Part =
                                inner.values[pixel] ? .membrane : outer.values[pixel] ? .neither : .ground
                            classes[pixel] = part.rawValue
                        }
                    }
                    try body(first - z.lowerBound + index, classes)
                }
            }
        }
    }
}
