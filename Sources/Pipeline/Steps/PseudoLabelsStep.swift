import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Makes the pseudo-labels of a slab: the instances of its slices linked to particles, its pieces of membrane joined, all of them
/// objects, and a label volume to learn from.
///
/// Instances that make no particle are of the class "neither", as is what `split` called so: nothing should be learned from them.
public struct PseudoLabelsStep: Step {
    public let name = "pseudo-labels"
    public let version = 1
    public let scope = ScopeKind.slab
    public let summary = "particles and membranes in three dimensions"
    public let parameters: [Parameter] = [
        .real("link.overlap", default: 0.3, in: 0...1, "least overlap of instances of one particle, as part of the smaller"),
        .integer("link.gap", default: 2, in: 0...100, "slices in a row that may miss a particle"),
        .real(
            "link.waist", default: 0.7, in: 0...1, "area, as part of that above and below, under which particles are cut apart"),
        .real("particle.shortest", default: 0.4, in: 0...100, "least height of a particle, in smallest diameters"),
        .real("particle.flattest", default: 0.5, in: 0...100, "least height, in diameters of its largest section"),
        .real("particle.longest", default: 2, in: 0...100, "greatest height, in diameters of its largest section"),
        .real("particle.smallest", default: 0.4, in: 0...100, "least diameter of a ball of its volume, in smallest diameters"),
        .real("particle.largest", default: 1.3, in: 0...100, "greatest diameter of that ball, in largest diameters"),
        .real("particle.separation", default: 0.4, in: 0...100, "least distance of two centres, in diameters"),
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
        let (numbering, linked) = try joined(item, voxelSize)
        let least = try item.real("particle.confidence")
        let particles = linked.objects.filter { $0.confidence >= least }

        // Particles are numbered first, then pieces of membrane.
        var numbers = [Int32](repeating: 0, count: linked.objects.count + 1)
        for (index, particle) in particles.enumerated() { numbers[Int(particle.identifier)] = Int32(index + 1) }
        let frame = ObjectFrame(voxelSize: voxelSize, firstSlice: z.lowerBound)
        let objects =
            particles.enumerated().map { frame.object($1, number: $0 + 1) }
            + numbering.components.enumerated().map { frame.membrane($1, number: particles.count + $0 + 1) }

        try item.give("labels", artifact: PseudoLabelsArtifact.kind) { artifact in
            var writer: PseudoLabelsArtifact.Writer?
            var slice = 0
            try item.forEachArtifact(of: "split", named: "instances") { member in
                let instances = try InstancesArtifact.instances(member.artifact)
                let parts = try InstancesArtifact.parts(member.artifact)
                let opened =
                    try writer
                    ?? PseudoLabelsArtifact.Writer(artifact, depth: z.count, height: parts.height, width: parts.width)
                writer = opened
                let particles = try linked.identifiers(instances, slice: slice).relabelled(by: numbers)
                let membranes = parts.membrane.components().labels
                try opened.append(parts: parts, particles: particles) { index in
                    let number = numbering.number(ofLabel: membranes.values[index], inSlice: slice)
                    return number > 0 ? number + Int32(objects.count - numbering.components.count) : 0
                }
                slice += 1
            }
            try PseudoLabelsArtifact.write(particles: objects.prefix(particles.count), to: artifact)
        }
        try item.give(
            "rejections", value: Dictionary(uniqueKeysWithValues: linked.rejections.map { ($0.key.rawValue, $0.value) }))
        try item.record(objects)
        item.record("macromolecules", Double(particles.count))
        item.record("membranes", Double(numbering.components.count))
        let volume = objects.suffix(numbering.components.count).reduce(0) { $0 + $1.volumeInCubicNanometers }
        item.record("membrane_volume_nm3", volume)
    }

    /// The first pass over the slices: pieces of membrane, and particles.
    private func joined(
        _ item: StepItem, _ voxelSize: VoxelSize
    ) throws -> (membranes: VolumeComponents.Numbering, particles: LinkedInstances) {
        let rules = try LinkingRules(
            overlap: item.real("link.overlap"), gap: item.integer("link.gap"), shortest: item.real("particle.shortest"),
            flattest: item.real("particle.flattest"), longest: item.real("particle.longest"), waist: item.real("link.waist"),
            volumes: item.real("particle.smallest")...max(item.real("particle.smallest"), item.real("particle.largest")),
            separation: item.real("particle.separation"))
        var membranes = VolumeComponents()
        var linking: InstanceLinking?
        try item.forEachArtifact(of: "split", named: "instances") { member in
            let instances = try InstancesArtifact.instances(member.artifact)
            var current = try linking ?? InstanceLinking(InstancesArtifact.diameters(member.artifact), rules: rules)
            linking = nil
            try current.append(instances, instances.instanceShapes())
            linking = current
            try membranes.add(InstancesArtifact.parts(member.artifact).membrane.components())
        }
        guard let linking else { throw PipelineError("a slab without slices has nothing to label") }
        let voxel = voxelSize.xInAngstroms * voxelSize.yInAngstroms * voxelSize.zInAngstroms / 1000
        let leastVoxels = try (item.real("membrane.smallest_volume") / voxel).rounded(.up)
        return (membranes.finished(leastVoxels: max(1, Int(leastVoxels))), linking.finished())
    }
}
