import Basics
import BlobStore
public import CatalogSchema
public import Engine
import Foundation
import ImageProcessing
import Volumes

/// Links the instances of a slab's slices to particles, and takes what is left of the masks as membrane: the labels of the published method.
/// ``PseudoLabelsStep`` makes the labels to learn from of these and of what other sources say.
///
/// Membranes are extracted again after particles are known: the cap of a small vesicle is round in a slice, and only its height shows that it
/// is no particle. Pixels of the mask that are neither particle nor membrane have a class of their own, as have rejected instances: training
/// ignores them.
///
/// Pieces of membrane are not told apart here: all of it has the number after that of the last particle.
///
/// Its slices are read twice: to link particles, and to write. Memory holds two slices and the tables of particles.
public struct LinkStep: TypedStep {
    public static let name = "link"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "particles and membranes in three dimensions, by the masks of slices"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let overlap = Parameter.real(
            "overlap", default: 0.3, in: 0...1, "least overlap of instances of one particle, as part of the smaller")
        let gap = Parameter.integer("gap", default: 2, in: 0...100, "slices in a row that may miss a particle")
        let waist = Parameter.real(
            "waist", default: 0.7, in: 0...1, "area, as part of that above and below, under which particles are cut apart")
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
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let masks = Input(each: MaskStep.self, \.mask)
        let instances = Input(each: SplitStep.self, \.instances)
        let settings = Input(each: SplitStep.self, \.settings)
    }
    public struct Outputs: Sendable {
        package let labels = ArtifactOutput<PseudoLabels>("labels", evictable: true)
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
        func forEachSlice(_ body: (_ classes: Image<UInt8>, _ particles: Image<Int32>) throws -> Void) throws {
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
                try body(SliceInstances.classes(of: parts, instances: particles, rejected: rejected), particles)
                index += 1
            }
        }
        let frame = ObjectFrame(voxelSize: voxelSize, firstSlice: z.lowerBound)
        let found = particles.enumerated().map { frame.object($1, number: $0 + 1) }
        try item.give(\.labels) { artifact in
            var writer: PseudoLabels.Writer?
            try forEachSlice { classes, particles in
                let opened =
                    try writer
                    ?? PseudoLabels.Writer(artifact, depth: z.count, height: classes.height, width: classes.width)
                writer = opened
                try opened.append(classes: classes, particles: particles) { _ in Int32(found.count + 1) }
            }
            try PseudoLabels.write(zip(found, particles).map { ($0, $1.isCutOff) }, to: artifact)
        }
        try item.give(
            \.rejections, Dictionary(uniqueKeysWithValues: linked.rejections.map { ($0.key.rawValue, $0.value) }))
    }

    /// Links the instances of all slices to particles.
    ///
    /// - Throws: ``PipelineError`` where the smallest size is above the largest.
    private func linked(_ item: Item<Self>) throws -> LinkedInstances {
        let (smallest, largest) = (try item.parameters.smallest, try item.parameters.largest)
        guard smallest <= largest else {
            throw PipelineError("link.particle.smallest is \(smallest), more than the largest, \(largest); exchange them")
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
        guard let linking else { throw PipelineError(mistake: .item, "a slab without slices has nothing to label") }
        return linking.finished()
    }
}
