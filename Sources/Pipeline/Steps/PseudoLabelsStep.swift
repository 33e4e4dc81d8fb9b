import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Makes the pseudo-labels of a slab: the instances of its slices linked to particles, its pieces of membrane joined, all of them
/// objects, and a label volume to learn from.
///
/// Membranes are told from the rest once particles are known: the cap of a small vesicle is round in a slice, and only its height
/// shows what it is. What is in the mask and is neither has a class of its own, and so have instances that are no particle:
/// nothing should be learned from them.
public struct PseudoLabelsStep: Step {
    public let name = "pseudo-labels"
    public let version = 2
    public let scope = ScopeKind.slab
    public let summary = "particles and membranes in three dimensions"
    public let parameters: [Parameter] = [
        .real("link.overlap", default: 0.3, in: 0...1, "least overlap of instances of one particle, as part of the smaller"),
        .integer("link.gap", default: 2, in: 0...100, "slices in a row that may miss a particle"),
        .real(
            "link.waist", default: 0.7, in: 0...1, "area, as part of that above and below, under which particles are cut apart"),
        .real("particle.shortest", default: 0.4, in: 0...100, "least height of a particle, in smallest diameters"),
        .real("particle.flattest", default: 0.5, in: 0...100, "least height, in diameters of its largest section"),
        .real(
            "particle.longest", default: 2, in: 0...100, "greatest height, in diameters of its largest section; 0 for no limit"),
        .real("particle.smallest", default: 1.25, in: 0...100, "least diameter of a ball of its volume, in smallest diameters"),
        .real(
            "particle.largest", default: 1.3, in: 0...100,
            "greatest diameter of that ball, in largest diameters; 0 for no limit"),
        .real("particle.separation", default: 0.7, in: 0...100, "least distance of two centres, in diameters"),
        .real("particle.confidence", default: 0, in: 0...1, "least confidence of a particle"),
        .real("membrane.smallest_volume", default: 1000, in: 0...1e9, "of a piece of membrane, in nm³"),
    ]
    public let inputs = [
        StepInput.fact(.z), .output(of: "calibrate", named: "voxel-size"), .output(of: "split", named: "instances"),
    ]
    public let outputs = [StepOutput.artifact("labels", evictable: false), .value("rejections")]

    public init() {}

    public func run(_ item: StepItem) throws {
        guard let z = item.scope.z else { return }
        let voxelSize = try item.voxelSize()
        let linked = try linked(item)
        let least = try item.real("particle.confidence")
        let particles = linked.objects.filter { $0.confidence >= least }
        // Particles are numbered first, then pieces of membrane.
        var numbers = [Int32](repeating: 0, count: linked.objects.count + 1)
        for (index, particle) in particles.enumerated() { numbers[Int(particle.identifier)] = Int32(index + 1) }

        /// Hands out the classes of one slice after the other, and the numbers of its particles.
        func forEachSlice(_ body: (_ index: Int, _ classes: Image<UInt8>, _ particles: Image<Int32>) throws -> Void) throws {
            var index = 0
            try item.forEachArtifact(of: "split", named: "instances") { member in
                let instances = try InstancesArtifact.instances(member.artifact)
                let particles = try linked.identifiers(instances, slice: index).relabelled(by: numbers)
                let parts = try InstancesArtifact.assembly(member.artifact)(
                    InstancesArtifact.mask(member.artifact), without: particles)
                // By the gate, or because no particle came of it.
                let gated = try InstancesArtifact.rejected(member.artifact)
                let rejected = Mask(sizeOf: gated) { rejected in
                    for pixel in rejected.indices {
                        rejected[pixel] = gated.values[pixel] || (instances.values[pixel] > 0 && particles.values[pixel] == 0)
                    }
                }
                try body(index, InstancesArtifact.classes(of: parts, instances: particles, rejected: rejected), particles)
                index += 1
            }
        }
        var pieces = VolumeComponents()
        try forEachSlice { _, classes, _ in try pieces.add(classes.membrane) }
        let frame = ObjectFrame(voxelSize: voxelSize, firstSlice: z.lowerBound)
        let leastVoxels = try (item.real("membrane.smallest_volume") / frame.voxelVolumeInCubicNanometers).rounded(.up)
        let membranes = pieces.finished(leastVoxels: max(1, Int(leastVoxels)))

        let found = particles.enumerated().map { frame.object($1, number: $0 + 1) }
        let sheets = membranes.components.enumerated().map { frame.membrane($1, number: found.count + $0 + 1) }
        try item.give("labels", artifact: PseudoLabelsArtifact.kind) { artifact in
            var writer: PseudoLabelsArtifact.Writer?
            try forEachSlice { index, classes, particles in
                let opened =
                    try writer
                    ?? PseudoLabelsArtifact.Writer(artifact, depth: z.count, height: classes.height, width: classes.width)
                writer = opened
                let numbers = try membranes.numbers(of: classes.membrane, inSlice: index)
                try opened.append(classes: classes, particles: particles) { pixel in
                    let number = numbers.values[pixel]
                    return number > 0 ? number + Int32(found.count) : 0
                }
            }
            try PseudoLabelsArtifact.write(zip(found, particles).map { ($0, $1.isCutOff) }, to: artifact)
        }
        try item.give(
            "rejections", value: Dictionary(uniqueKeysWithValues: linked.rejections.map { ($0.key.rawValue, $0.value) }))
        try item.record(found + sheets)
        item.record("macromolecule/objects", Double(found.count))
        item.record("membrane/objects", Double(sheets.count))
        item.record("membrane/volume_nm3", sheets.reduce(0) { $0 + $1.volumeInCubicNanometers })
    }

    /// The instances of all slices, as particles.
    private func linked(_ item: StepItem) throws -> LinkedInstances {
        let (smallest, largest) = (try item.real("particle.smallest"), try item.limit("particle.largest"))
        guard smallest <= largest else {
            throw PipelineError("pseudo-labels.particle.smallest is \(smallest), more than the largest, \(largest)")
        }
        let rules = try LinkingRules(
            overlap: item.real("link.overlap"), gap: item.integer("link.gap"), shortest: item.real("particle.shortest"),
            flattest: item.real("particle.flattest"), longest: item.limit("particle.longest"), waist: item.real("link.waist"),
            volumes: smallest...largest, separation: item.real("particle.separation"))
        var linking: InstanceLinking?
        try item.forEachArtifact(of: "split", named: "instances") { member in
            let instances = try InstancesArtifact.instances(member.artifact)
            var current = try linking ?? InstanceLinking(InstancesArtifact.diameters(member.artifact), rules: rules)
            // One owner, so that appending copies nothing.
            linking = nil
            try current.append(instances, instances.instanceShapes())
            linking = current
        }
        guard let linking else { throw PipelineError("a slab without slices has nothing to label") }
        return linking.finished()
    }
}
