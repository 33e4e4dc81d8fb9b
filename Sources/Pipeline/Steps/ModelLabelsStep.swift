public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Labels the slices of a slab by the model of the recipe, a network that did not learn from these tomograms: one of the sources
/// of ``PseudoLabelsStep``, in the same classes. A training may depend on it, since it never reads what a training gave.
///
/// What the model does not know, or is not sure of, is "neither", so that nothing is learned from it; ``NetworkParts`` says how its
/// classes become those of pseudo-labels. Pieces of membrane that are too small are "neither", too.
///
/// Voxels have the probabilities that `segment` finds with the same model inside of the sample, where its blocks are the program's choice. Its objects are no rows of `v_object`: those of a slab
/// are the pseudo-labels', and each counts once.
public struct ModelLabelsStep: TypedStep {
    public static let name = "model-labels"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "what the model says of the slices, before anything was picked or learned"
    public static let runsOnlyWhereRead = true

    /// What to set where it is not wanted.
    private static let switchedOff = "\(PseudoLabelsStep.name).\(Witness.Kind.model.parameter) to false"

    public struct Parameters: Sendable {
        let settings = NetworkApplication.Settings()
        let doubt = Parameter.real(
            "doubt", default: 0.2, in: 0...1,
            "part of a class's threshold from which on a voxel is not taken for ground; 1 for no doubt")
        let score = Parameter.real(
            "score", default: 0.9, in: 0...1, "least score of a particle, unless the model says its own; 0 keeps all")
        let smallestVolume = Parameter.real(
            "smallest_volume", default: 1000, in: 0...1e9, "of a piece of membrane, in nm³; smaller ones are neither")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let tomogram = TomogramInputs()
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), WitnessOutputs())

    private let models = OpenModels(.network) { path, _ in path }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let z = try item.inputs.z
        guard let record = try item.parameters.settings.model else {
            throw NetworkApplication.noModel(Self.name, else: Self.switchedOff)
        }
        let tomogram = try NetworkApplication.Tomogram(item.inputs.tomogram, of: item.scope)
        let network = try NetworkApplication.NamedNetwork(record, models, item.parameters.settings.magnifications)
        func application(_ purpose: NetworkApplication.Purpose, _ classes: [String]) throws -> NetworkApplication? {
            guard network.answers(purpose).contains(where: { classes.contains($0.name) }) else { return nil }
            return try NetworkApplication(
                item.base, tomogram, item.parameters.settings.passes, [network], slices: z, for: purpose)
        }
        let labels = try application(.labels, PseudoLabels.classes)
        let particles = try application(.particles, [PseudoLabels.macromolecule])
        let asked = [labels, particles].compactMap(\.self)
        guard let first = asked.first else {
            throw PipelineError(
                "\(record.name) knows neither membranes nor macromolecules: set \(Self.name).model to another network, or "
                    + Self.switchedOff)
        }
        // One pass of the network for both.
        let said = try first.probabilities(
            with: Array(asked.dropFirst()), .init(), pickerMargin: NetworkApplication.pickerMargin)
        guard let probabilities = said.first, let maps = said.last else { return }
        let found = try particles.map { particles in
            try particles.particles(in: maps, score: item.parameters.score).filter { $0.class == PseudoLabels.macromolecule }
        }
        let shape = probabilities.shape
        let balls = ParticleBalls(
            found ?? [], in: shape, unit: tomogram.voxelSize.vectorInAngstroms, firstSlice: z.lowerBound)
        let parts = try NetworkParts(
            labels == nil ? nil : probabilities, thresholds: labels?.thresholds ?? [], doubt: item.parameters.doubt,
            balls: found == nil ? nil : balls, shape: shape)
        let leastVoxels = try (item.parameters.smallestVolume / tomogram.voxelSize.volumeInCubicNanometers).rounded(.up)
        try give(item, parts, found ?? [], leastVoxels: max(1, Int(leastVoxels)), isCutOff: balls.isCutOff)
    }

    /// Writes the labels of all slices.
    ///
    /// - Parameters:
    ///   - found: the particles that the parts draw, in the order of their numbers. One without a voxel is left out.
    ///   - leastVoxels: of a piece of membrane.
    ///   - isCutOff: whether a particle, by its index, goes beyond the slab.
    /// - Complexity: reads the probabilities twice; memory for two slices and the tables of what was found.
    private func give(
        _ item: Item<Self>, _ parts: NetworkParts, _ found: [FoundObject], leastVoxels: Int = 1, isCutOff: (_ index: Int) -> Bool
    ) throws {
        let depth = try item.inputs.z.count
        var (pieces, voxels) = (VolumeComponents(), [Int](repeating: 0, count: found.count + 1))
        for index in 0..<depth {
            try item.checkCancellation()
            let slice = try parts.slice(index)
            for number in slice.particles.values { voxels[Int(number)] += 1 }
            try pieces.add(slice.classes.membrane)
        }
        let membranes = pieces.finished(leastVoxels: leastVoxels)
        let kept = found.indices.filter { voxels[$0 + 1] > 0 }
        var numbers = [Int32](repeating: 0, count: found.count + 1)
        for (index, old) in kept.enumerated() { numbers[old + 1] = Int32(index + 1) }

        var neither = 0
        try item.give(\.labels) { artifact in
            var writer: PseudoLabels.Writer?
            for index in 0..<depth {
                try item.checkCancellation()
                let (classes, particles) = try parts.slice(index)
                let opened =
                    try writer ?? PseudoLabels.Writer(artifact, depth: depth, height: classes.height, width: classes.width)
                writer = opened
                let membrane = try membranes.numbers(of: classes.membrane, inSlice: index)
                try opened.append(classes: classes, particles: particles.relabelled(by: numbers)) { pixel in
                    let number = membrane.values[pixel]
                    if number == 0 { neither += 1 }
                    return number > 0 ? number + Int32(kept.count) : 0
                }
                neither += classes.values.count { $0 == SliceInstances.Part.neither.rawValue }
            }
            try PseudoLabels.write(kept.map { (found[$0], isCutOff($0)) }, to: artifact)
        }
        let all = voxels.reduce(0, +)
        item.record("\(PseudoLabels.macromolecule)/objects", Double(kept.count))
        item.record("\(PseudoLabels.macromolecule)/fraction", Double(all - voxels[0]) / Double(max(all, 1)))
        item.record("\(PseudoLabels.membrane)/objects", Double(membranes.components.count))
        item.record(
            "\(PseudoLabels.membrane)/fraction", Double(membranes.components.reduce(0) { $0 + $1.voxels }) / Double(max(all, 1)))
        item.record("neither/fraction", Double(neither) / Double(max(all, 1)))
    }
}
