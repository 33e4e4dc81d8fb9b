public import CatalogSchema
public import Engine
import ImageProcessing
import Metrics
import Mining
import Volumes

/// Measures the segmentation of the U-Net: a row in `v_object` for each connected piece of each class, one in `v_membrane` for each that is a
/// sheet, and totals of each class as metrics.
///
/// Where `extent` found both surfaces of the sample, objects are counted for its volume, too (``StoredLamella``).
public struct MeasureStep: TypedStep {
    public static let name = "measure"
    public static let version = 4
    public static let scope = ScopeKind.tomogram
    public static let summary = "size, surface, shape and place of every connected piece that was segmented"

    public struct Parameters: Sendable {
        let smallestVolume = Parameter.real(
            "smallest_volume", default: 1000, in: 0...1e9,
            "of a piece that gets a row, in nm³; smaller ones are counted in no number")
        let measuresSurface = Parameter.flag("surface", default: true, "whether surfaces are measured")
        let measuresSheets = Parameter.flag(
            "membranes", default: true, "whether curvature, thickness, profile and spacing of sheets are measured")
        let spacing = Parameter.real(
            "spacing", default: 600, in: 10...100_000, "how far from a sheet the next one is looked for, in Å")
        let memory = Parameter.integer(
            "memory", default: 512, in: 1...1_048_576,
            "MiB that the places of sheets may take; of more places a random part is measured")
        let countsInLamella = Parameter.flag(
            lamellaName, default: true, "whether objects are counted for the volume of the lamella, too")

        static let lamellaName = "lamella"
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
        let probability = Input(SegmentStep.self, \.probability)
        let surfaces = Input(CentreSurfaceStep.self, \.surfaces)
        let thickness = Input(MembraneStep.self, \.thickness)
        let extent = Input(ExtentStep.self, \.extent, by: Parameters.lamellaName, needs: ["false": .never])
    }
    public struct Outputs: Sendable {
        let lamella = ValueOutput<StoredLamella?>("lamella")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        var segmentation = try DrawnSegmentation(
            item.inputs.segmentation, item.inputs.surfaces, thicknessInAngstroms: item.inputs.thickness, voxelSize: voxelSize)
        let shape = segmentation.shape
        let volume = try item.inputs.voxels.open()
        guard volume.shape == shape else {
            throw PipelineError(
                "the segmentation of \(item.scope.tomogram) is \(shape) voxels, the tomogram \(volume.shape); `cellar run` renews it"
            )
        }
        let names = Dictionary(uniqueKeysWithValues: segmentation.classes.names.enumerated().map { (UInt8($0 + 1), $1) })
        var measurement = try ObjectMeasurement(
            shape: shape, voxelSize: voxelSize, classes: names,
            leastVoxels: max(1, Int((item.parameters.smallestVolume / voxelSize.volumeInCubicNanometers).rounded(.up))),
            measuresSurface: item.parameters.measuresSurface)
        var membrane =
            segmentation.classes.names.contains(PseudoLabels.membrane) ? ClassDistances(shape: shape, voxelSize: voxelSize) : nil
        let label = UInt8((segmentation.classes.names.firstIndex(of: PseudoLabels.membrane) ?? -1) + 1)
        let surfaces = try item.inputs.surfaces
        var sheets =
            try item.parameters.measuresSheets && !surfaces.sheets.isEmpty && surfaces.belong(to: item.inputs.segmentation)
            ? MeasuredSheets(
                surfaces, shape: shape, voxelSize: voxelSize, spacingLimitInAngstroms: item.parameters.spacing,
                memory: item.parameters.memory << 20) : nil
        let probability = try item.inputs.probability
        let uncertain = probability.classesWithSpread
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let labels = try segmentation.labels(z)
            let density = try shape.image(volume.readSlice(z: z).floats())
            try measurement.add(
                labels, density: density,
                uncertainty: uncertain.isEmpty ? nil : shape.image(probability.uncertainty(z, of: labels.values)))
            try sheets?.add(labels, parts: measurement.partsOfLastSlice, z: z)
            try membrane?.add(labels.map { $0 == label })
        }
        let pieces = try measurement.finish()
        let found = try sheets?.finish(
            position: measurement.position, density: { try volume.readSlice(z: $0).floats() }, check: item.checkCancellation)
        let objects = try MeasuredObjects(pieces, sheets: found ?? [:], distances: membrane, uncertain: uncertain)
        try item.record(objects.found)
        let lamella = try item.inputs.extent.flatMap { StoredLamella($0, voxelSize: voxelSize) }
        let tomogram = MeasuredTomogram(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: lamella?.thicknessInAngstroms)
        for name in segmentation.classes.names {
            let mine = objects.found.filter { $0.class == name }
            tomogram.record(mine, class: name, of: item.base)
            item.record("\(name)/surface_nm2", mine.compactMap(\.surfaceInSquareNanometers).reduce(0, +))
        }
        if let lamella { item.record("lamella_thickness_nm", lamella.thicknessInAngstroms / 10) }
        try item.give(\.lamella, lamella)
    }
}

/// Measures the particles of the picker: a row in `v_object` for each, with its mean density, its distances to the membrane and to its
/// neighbours, and the compartment in which it lies (`v_context`), and totals of each class as metrics.
public struct MeasurePicksStep: TypedStep {
    public static let name = "measure-picks"
    public static let version = 2
    public static let scope = ScopeKind.tomogram
    public static let summary =
        "density, neighbours, compartment and distance to the membrane of every particle, and how many there are"

    public struct Parameters: Sendable {
        let score = Parameter.real("score", default: 0, in: 0...1, "least confidence of a particle that counts")
        let countsCompartments = Parameter.flag(
            compartmentsName, default: true, "whether it is said in which compartment a particle lies")

        let kinds = Parameter.model(
            kindsName, kind: ModelKind.kinds.rawValue, "the kinds of which each particle is given one (`cellar kind find`)")

        static let compartmentsName = CompartmentsStep.name
        package static let kindsName = "kinds"
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
        let surfaces = Input(CentreSurfaceStep.self, \.surfaces)
        let thickness = Input(MembraneStep.self, \.thickness)
        let picks = Input(PickStep.self, \.particles)
        let compartments = Input(CompartmentsStep.self, \.map, by: Parameters.compartmentsName, needs: ["false": .never])
        let descriptors = Input(
            DescriptorsStep.self, \.rows, by: Parameters.kindsName, needs: [ParameterDeclaration.noModel: .never],
            ownsParameter: true)
        let lamella = Input(MeasureStep.self, \.lamella)
    }
    public struct Outputs: Sendable {
        let counts = ValueOutput<[String: Int]>("counts")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    private let models = OpenModels(.kinds) { path, _ in try KindsFile(path: path) }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        var segmentation = try DrawnSegmentation(
            item.inputs.segmentation, item.inputs.surfaces, thicknessInAngstroms: item.inputs.thickness, voxelSize: voxelSize)
        let shape = segmentation.shape
        let picks = try item.inputs.picks
        let least = try item.parameters.score
        let numbers = picks.particles.indices.filter { picks.particles[$0].pick.score >= least }
        let particles = numbers.map { picks.particles[$0] }
        let volume = try item.inputs.voxels.open()
        var membrane =
            segmentation.classes.names.contains(PseudoLabels.membrane) ? ClassDistances(shape: shape, voxelSize: voxelSize) : nil
        let label = UInt8((segmentation.classes.names.firstIndex(of: PseudoLabels.membrane) ?? -1) + 1)
        // Of each particle the voxel that holds its centre: where it is membrane, the particle lies in no compartment.
        let centres = particles.map { ($0.pick.center / voxelSize.vectorInAngstroms).rounded(.toNearestOrAwayFromZero) }
        let sides = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        let isWithin = centres.map { centre in (0..<3).allSatisfy { centre[$0] >= 0 && centre[$0] < sides[$0] } }
        let pixels = zip(centres, isWithin).map { $1 ? Int($0.y) * shape.x + Int($0.x) : 0 }
        let bySlice = Dictionary(grouping: centres.indices.filter { isWithin[$0] }) { Int(centres[$0].z) }
        var inMembrane: Set<Int> = []
        var densities = BallDensities(particles, voxelSize: voxelSize, shape: shape)
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            if densities.needs(z) { try densities.add(volume.readSlice(z: z).floats(), z: z) }
            guard membrane != nil else { continue }
            let labels = try segmentation.labels(z)
            try membrane?.add(labels.map { $0 == label })
            for index in bySlice[z, default: []] where labels.values[pixels[index]] == label { inMembrane.insert(index) }
        }
        let places = try item.inputs.compartments?.numbers(at: particles.map(\.pick.center), voxelSize: voxelSize)
            .enumerated().map { isWithin[$0] && !inMembrane.contains($0) ? $1 : nil }
        let kinds = try kinds(item, particles: picks.particles.count)
        let objects = try MeasuredObjects(
            particles, numbers: numbers.map { $0 + 1 }, densities: densities.means, distances: membrane, compartments: places,
            kinds: kinds.map { kinds in numbers.map { kinds[$0] } }, voxelSize: voxelSize)
        try item.record(objects.found)
        let lamella = try item.inputs.lamella
        let tomogram = MeasuredTomogram(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: lamella?.thicknessInAngstroms)
        var counts: [String: Int] = [:]
        for name in picks.classes {
            let mine = objects.found.filter { $0.class == name }
            tomogram.record(mine, class: name, of: item.base)
            counts[name] = mine.count
        }
        try item.give(\.counts, counts)
    }

    /// The kind of each pick; nil where none are known, or the particles are not described.
    private func kinds(_ item: Item<Self>, particles: Int) throws -> [FoundObject.Kind]? {
        guard let record = try item.parameters.kinds, let descriptors = try item.inputs.descriptors else { return nil }
        let file = try models.model(record)
        guard descriptors.count == particles, particles > 0 else { return nil }
        guard descriptors.meaning == file.meaning, descriptors.dimension == file.model.dimension else {
            throw PipelineError(
                "the kinds \(record.name) were found among descriptors of other parts, radius, tilt or networks than those of "
                    + "\(item.scope.tomogram); `cellar kind find` finds them again")
        }
        let assignments = try file.model.assign(rows: descriptors.values())
        for kind in file.model.kinds { item.record("kind_\(kind)", Double(assignments.count { $0.kind == kind })) }
        item.record("kind_0", Double(assignments.count { $0.kind == 0 }))
        return assignments.map { FoundObject.Kind(number: $0.kind, certainty: $0.certainty) }
    }
}
