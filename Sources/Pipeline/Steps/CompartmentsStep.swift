public import CatalogSchema
public import Engine
import ImageProcessing
import Mining
import Volumes

/// Finds the compartments of a tomogram: connected regions of the sample that are not membrane, each with the one that encloses it.
///
/// Membranes are those of the segmentation, drawn at the recipe's thickness. Narrow gaps are closed, and wider ones leave a compartment open
/// (``CompartmentFinder``). Without a membrane the sample is one compartment, if it is large enough to be one.
public struct CompartmentsStep: TypedStep {
    public static let name = "compartments"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "regions that membranes enclose: how large, how closed, and which lies in which"

    /// The class of its objects.
    package static let compartment = "compartment"

    public struct Parameters: Sendable {
        let gap = Parameter.real(
            "gap", default: 100, in: 0...20_000, "diameter in Å of the widest gap in a membrane that is taken as closed")
        let closedRatio = Parameter.real(
            "closed_ratio", default: 1.75, in: 1.1...100,
            "least width of a compartment, in those of a gap that is closed: what is narrower is a tube with a waist")
        let openRatio = Parameter.real(
            "open_ratio", default: 2, in: 1.1...100, "the same for a wider gap, which leaves a compartment open")
        let openPart = Parameter.real(
            "open_part", default: 0.12, in: 0...1, "most of a compartment's surface that may be gap; what is more open is a bay")
        let smallestVolume = Parameter.real(
            "smallest_volume", default: 500, in: 0...1e9,
            "of a compartment, in nm³; smaller ones join the neighbour behind the widest gap")
        let memory = Parameter.integer(
            "memory", default: 512, in: 1...1_048_576, "MiB that the search may take; a larger tomogram is binned until it fits")
        let sample = SampleCut.Parameters(SampleCut.Voxels.ground, "what voxels outside of the sample are")
    }
    public struct Inputs: Sendable {
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
        let surfaces = Input(CentreSurfaceStep.self, \.surfaces)
        let thickness = Input(MembraneStep.self, \.thickness)
        let sample = SampleCut.Inputs()
    }
    public struct Outputs: Sendable {
        package let map = ArtifactOutput<StoredCompartments>("map", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        var segmentation = try DrawnSegmentation(
            item.inputs.segmentation, item.inputs.surfaces, thicknessInAngstroms: item.inputs.thickness, voxelSize: voxelSize)
        let shape = segmentation.shape
        let membrane = UInt8((segmentation.classes.names.firstIndex(of: PseudoLabels.membrane) ?? 254) + 1)
        let sample = try SampleCut(item.inputs.sample, item.parameters.sample)
        var finder = try CompartmentFinder(shape: shape, voxelSize: voxelSize, parameters: parameters(item))
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let labels = try segmentation.labels(z)
            try finder.add(
                membrane: labels.map { $0 == membrane }, sample: sample?.cut(labels.map { _ in true }, z: z))
        }
        let map = try finder.finish(check: item.checkCancellation)
        try item.give(\.map) { try StoredCompartments.write(map, to: $0) }
        let found = map.compartments.map { Self.object($0, voxelSize: voxelSize) }
        try item.record(found)
        for state in FoundObject.Enclosure.State.allCases {
            item.record("\(state.rawValue)", Double(found.count { $0.enclosure?.state == state }))
        }
        item.record("binning", Double(map.binning))
    }

    private func parameters(_ item: Item<Self>) throws -> CompartmentParameters {
        let parameters = item.parameters
        return try CompartmentParameters(
            closingRadiusInAngstroms: parameters.gap / 2, openRatio: parameters.openRatio, closedRatio: parameters.closedRatio,
            mostOpenPart: parameters.openPart, leastVolumeInCubicNanometers: parameters.smallestVolume,
            memoryInBytes: parameters.memory << 20)
    }

    /// A compartment as a row of the catalog.
    private static func object(_ found: MeasuredCompartment, voxelSize: VoxelSize) -> FoundObject {
        let state: FoundObject.Enclosure.State =
            switch found.state {
            case .outer: .outer
            case .cut: .cut
            case .open: .open
            case .closed: .closed
            }
        return FoundObject(
            number: found.number, class: compartment, centroidInAngstroms: found.centroidInAngstroms,
            voxels: max(1, Int((found.volumeInCubicNanometers / voxelSize.volumeInCubicNanometers).rounded())),
            volumeInCubicNanometers: found.volumeInCubicNanometers,
            surfaceInSquareNanometers: found.surfaceAreaInSquareNanometers > 0 ? found.surfaceAreaInSquareNanometers : nil,
            boxMinimumInAngstroms: found.lowerInAngstroms, boxMaximumInAngstroms: found.upperInAngstroms,
            compartment: found.parent,
            enclosure: .init(
                state: state, level: found.level, gapInAngstroms: found.gapInAngstroms, openPart: found.openPart,
                depthInAngstroms: found.depthInAngstroms, sphericity: found.sphericity))
    }
}
