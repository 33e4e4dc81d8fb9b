import BlobStore
public import CatalogSchema
public import Engine
import Foundation
import ImageProcessing
import Volumes

/// Makes the pseudo-labels of a slab: links the instances of its slices to particles, joins its membrane to connected pieces, records both
/// as objects, and writes a label volume for training.
///
/// Membranes are extracted again after particles are known: the cap of a small vesicle is round in a slice, and only its height shows that it
/// is no particle. Pixels of the mask that are neither particle nor membrane have a class of their own, as have rejected instances: training
/// ignores them.
///
/// Its slices are read three times: to link particles, to join membranes, to write. Memory holds two slices and the tables of objects.
public struct PseudoLabelsStep: TypedStep {
    public static let name = "pseudo-labels"
    public static let version = 3
    public static let scope = ScopeKind.slab
    public static let summary = "particles and membranes in three dimensions"

    public struct Parameters: Sendable {
        let overlap = Parameter.real(
            "link.overlap", default: 0.3, in: 0...1, "least overlap of instances of one particle, as part of the smaller")
        let gap = Parameter.integer("link.gap", default: 2, in: 0...100, "slices in a row that may miss a particle")
        let waist = Parameter.real(
            "link.waist", default: 0.7, in: 0...1, "area, as part of that above and below, under which particles are cut apart")
        let shortest = Parameter.real(
            "particle.shortest", default: 0.4, in: 0...100, "least height of a particle, in smallest diameters")
        let flattest = Parameter.real(
            "particle.flattest", default: 0.5, in: 0...100, "least height, in diameters of its largest section")
        let longest = Parameter.limit(
            "particle.longest", default: 2, in: 0...100, "greatest height, in diameters of its largest section; 0 for no limit")
        let smallest = Parameter.real(
            "particle.smallest", default: 1.25, in: 0...100, "least diameter of a ball of its volume, in smallest diameters")
        let largest = Parameter.limit(
            "particle.largest", default: 1.3, in: 0...100, "greatest diameter of that ball, in largest diameters; 0 for no limit")
        let separation = Parameter.real(
            "particle.separation", default: 0.7, in: 0...100, "least distance of two centres, in diameters")
        let confidence = Parameter.real("particle.confidence", default: 0, in: 0...1, "least confidence of a particle")
        let smallestMembrane = Parameter.real(
            "membrane.smallest_volume", default: 1000, in: 0...1e9, "of a piece of membrane, in nm³")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let masks = Input(each: MaskStep.self, \.mask)
        let instances = Input(each: SplitStep.self, \.instances)
        let settings = Input(each: SplitStep.self, \.settings)
    }
    public struct Outputs: Sendable {
        package let labels = ArtifactOutput<PseudoLabels>("labels", evictable: false)
        package let rejections = ValueOutput<[String: Int]>("rejections")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let z = try item.inputs.z
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        let linked = try linked(item)
        let least = try item.parameters.confidence
        let particles = linked.objects.filter { $0.confidence >= least }
        // The new number of each linked object, 0 for those that are dropped. Pieces of membrane are numbered after the particles.
        var numbers = [Int32](repeating: 0, count: linked.objects.count + 1)
        for (index, particle) in particles.enumerated() { numbers[Int(particle.identifier)] = Int32(index + 1) }

        /// Calls the closure with the class and the particle's number of each pixel, slice by slice.
        func forEachSlice(_ body: (_ index: Int, _ classes: Image<UInt8>, _ particles: Image<Int32>) throws -> Void) throws {
            var index = 0
            try item.inputs.instances.forEachScope { scope, slice in
                let instances = try slice.instances()
                let particles = try linked.identifiers(instances, slice: index).relabelled(by: numbers)
                let assembly = try item.inputs.settings.value(of: scope).assembly()
                let parts = try assembly(item.inputs.masks.content(of: scope).mask, without: particles)
                // Rejected by the gate, or not part of a particle.
                let gated = try slice.rejected()
                let rejected = Mask(sizeOf: gated) { rejected in
                    for pixel in rejected.indices {
                        rejected[pixel] = gated.values[pixel] || (instances.values[pixel] > 0 && particles.values[pixel] == 0)
                    }
                }
                try body(index, SliceInstances.classes(of: parts, instances: particles, rejected: rejected), particles)
                index += 1
            }
        }
        var pieces = VolumeComponents()
        try forEachSlice { _, classes, _ in try pieces.add(classes.membrane) }
        let frame = ObjectFrame(voxelSize: voxelSize, firstSlice: z.lowerBound)
        let leastVoxels = try (item.parameters.smallestMembrane / voxelSize.volumeInCubicNanometers).rounded(.up)
        let membranes = pieces.finished(leastVoxels: max(1, Int(leastVoxels)))

        let found = particles.enumerated().map { frame.object($1, number: $0 + 1) }
        let sheets = membranes.components.enumerated().map { frame.membrane($1, number: found.count + $0 + 1) }
        try item.give(\.labels) { artifact in
            var writer: PseudoLabels.Writer?
            try forEachSlice { index, classes, particles in
                let opened =
                    try writer
                    ?? PseudoLabels.Writer(artifact, depth: z.count, height: classes.height, width: classes.width)
                writer = opened
                let numbers = try membranes.numbers(of: classes.membrane, inSlice: index)
                try opened.append(classes: classes, particles: particles) { pixel in
                    let number = numbers.values[pixel]
                    return number > 0 ? number + Int32(found.count) : 0
                }
            }
            try PseudoLabels.write(zip(found, particles).map { ($0, $1.isCutOff) }, to: artifact)
        }
        try item.give(
            \.rejections, Dictionary(uniqueKeysWithValues: linked.rejections.map { ($0.key.rawValue, $0.value) }))
        try item.record(found + sheets)
        item.record("\(PseudoLabels.macromolecule)/objects", Double(found.count))
        item.record("\(PseudoLabels.membrane)/objects", Double(sheets.count))
        item.record("\(PseudoLabels.membrane)/volume_nm3", sheets.reduce(0) { $0 + $1.volumeInCubicNanometers })
    }

    /// Links the instances of all slices to particles.
    ///
    /// - Throws: ``PipelineError`` where the smallest size is above the largest.
    private func linked(_ item: Item<Self>) throws -> LinkedInstances {
        let (smallest, largest) = (try item.parameters.smallest, try item.parameters.largest)
        guard smallest <= largest else {
            throw PipelineError("pseudo-labels.particle.smallest is \(smallest), more than the largest, \(largest)")
        }
        let rules = try LinkingRules(
            overlap: item.parameters.overlap, gap: item.parameters.gap, leastHeight: item.parameters.shortest,
            leastFlatness: item.parameters.flattest, greatestHeight: item.parameters.longest, waist: item.parameters.waist,
            volumes: smallest...largest, separation: item.parameters.separation)
        var linking: InstanceLinking?
        try item.inputs.instances.forEachScope { scope, slice in
            let instances = try slice.instances()
            var current = try linking ?? InstanceLinking(item.inputs.settings.value(of: scope).diameters, rules: rules)
            // A single reference, so that appending copies nothing.
            linking = nil
            try current.append(instances, instances.instanceShapes())
            linking = current
        }
        guard let linking else { throw PipelineError("a slab without slices has nothing to label") }
        return linking.finished()
    }
}

/// The position of a slab in its tomogram: converts objects in voxels of the slab to objects of the catalog, in Å.
struct ObjectFrame {
    let voxelSize: VoxelSize
    /// The first slice of the slab, as an index in the tomogram.
    let firstSlice: Int

    /// A position in Å in the tomogram, of one in voxels of the slab.
    private func position(_ x: Double, _ y: Double, _ z: Double) -> SIMD3<Double> {
        SIMD3(x, y, z + Double(firstSlice)) * voxelSize.vectorInAngstroms
    }

    /// A particle; its box goes from face to face of its outer voxels.
    func object(_ particle: LinkedObject, number: Int) -> FoundObject {
        let volume = Double(particle.voxelCount) * voxelSize.volumeInCubicAngstroms
        return FoundObject(
            number: number, class: PseudoLabels.macromolecule, centroidInAngstroms: position(particle.x, particle.y, particle.z),
            radiusInAngstroms: particle.radius * cbrt(voxelSize.volumeInCubicAngstroms), voxels: particle.voxelCount,
            volumeInCubicNanometers: volume / 1000, confidence: particle.confidence,
            boxMinimumInAngstroms: position(
                Double(particle.boxX.lowerBound) - 0.5, Double(particle.boxY.lowerBound) - 0.5,
                Double(particle.boxZ.lowerBound) - 0.5),
            boxMaximumInAngstroms: position(
                Double(particle.boxX.upperBound) - 0.5, Double(particle.boxY.upperBound) - 0.5,
                Double(particle.boxZ.upperBound) - 0.5))
    }

    /// A connected piece of membrane; its box goes from face to face of its outer voxels.
    func membrane(_ piece: VolumeComponents.Component, number: Int) -> FoundObject {
        let (centroid, low, high) = (piece.centroid, piece.minimum, piece.maximum)
        return FoundObject(
            number: number, class: PseudoLabels.membrane, centroidInAngstroms: position(centroid.x, centroid.y, centroid.z),
            voxels: piece.voxels, volumeInCubicNanometers: Double(piece.voxels) * voxelSize.volumeInCubicAngstroms / 1000,
            boxMinimumInAngstroms: position(Double(low.x) - 0.5, Double(low.y) - 0.5, Double(low.z) - 0.5),
            boxMaximumInAngstroms: position(Double(high.x) + 0.5, Double(high.y) + 0.5, Double(high.z) + 0.5))
    }
}
