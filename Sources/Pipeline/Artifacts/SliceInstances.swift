public import BlobStore
public import Engine
package import ImageProcessing
import Volumes

/// The mask of a slice told apart, as an artifact (Schema/blobs.md, `slice-instances`).
public struct SliceInstances: ArtifactContent {
    public static let kind = "slice-instances"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// What a pixel of `parts` is; classes of pseudo-labels have the same numbers.
    package enum Part: UInt8 {
        case ground = 0
        case membrane = 1
        case macromolecule = 2
        /// In the mask, or of an instance that was rejected, and neither: nothing should be learned from it.
        case neither = 3
    }

    /// - Parameters:
    ///   - mask: in which instances and membranes were told apart.
    ///   - instances: what may be sections of particles.
    ///   - rejected: where instances are that may not. They may cover more than the mask.
    ///   - diameters: of the particles that were looked for.
    ///   - assembly: by whose parameters membranes were.
    static func write(
        _ mask: Mask, instances: Image<Int32>, rejected: Mask, parts: MembraneAssembly.Parts, diameters: ParticleDiameters,
        assembly: MembraneAssembly, to artifact: ArtifactWriter
    ) throws {
        try artifact.setAttribute("smallest_diameter", .real(diameters.smallest))
        try artifact.setAttribute("largest_diameter", .real(diameters.largest))
        try artifact.setAttribute("membrane_thickness", .real(assembly.thickness))
        try artifact.setAttribute("membrane_shortest", .real(assembly.shortest))
        try artifact.setAttribute("membrane_widest", .real(assembly.widest))
        try artifact.setAttribute("membrane_closing", .real(Double(assembly.closing.radius)))
        try artifact.setAttribute("membrane_dilation", .real(Double(assembly.dilation.radius)))
        try artifact.write("mask", shape: [mask.height, mask.width], values: mask.bytes().values)
        try artifact.write("instances", shape: [instances.height, instances.width], values: instances.values)
        try artifact.write("rejected", shape: [rejected.height, rejected.width], values: rejected.bytes().values)
        let classes = classes(of: parts, instances: instances, rejected: rejected)
        try artifact.write("parts", shape: [classes.height, classes.width], values: classes.values)
    }

    /// What each pixel is: ``Part``. A rejected instance may be a piece of membrane: where the membrane is, it counts.
    static func classes(of parts: MembraneAssembly.Parts, instances: Image<Int32>, rejected: Mask) -> Image<UInt8> {
        Image<UInt8>(sizeOf: instances) { classes in
            for index in classes.indices {
                let part: Part =
                    if instances.values[index] > 0 {
                        .macromolecule
                    } else if parts.membrane.values[index] {
                        .membrane
                    } else if parts.other.values[index] || rejected.values[index] {
                        .neither
                    } else {
                        .ground
                    }
                classes[index] = part.rawValue
            }
        }
    }

    /// The diameters of the particles that were looked for, in pixels.
    func diameters() throws -> ParticleDiameters {
        try ParticleDiameters(smallest: real("smallest_diameter"), largest: real("largest_diameter"))
    }

    /// What told membranes.
    func assembly() throws -> MembraneAssembly {
        func radius(_ name: String) throws -> Int {
            // Out of the range of radii, which the initializer refuses.
            Int(exactly: try real(name)) ?? -1
        }
        return try MembraneAssembly(
            thickness: real("membrane_thickness"), shortest: real("membrane_shortest"),
            widest: real("membrane_widest"), closing: radius("membrane_closing"),
            dilation: radius("membrane_dilation"))
    }

    private func real(_ name: String) throws -> Double {
        guard case .real(let value)? = artifact.attributes[name] else {
            throw PipelineError("the artifact \(artifact.path) does not say its \(name); run `cellar verify --deep`")
        }
        return value
    }

    /// What instances were told apart in.
    func mask() throws -> Mask { try Mask(nonzero: artifact.image("mask")) }

    /// The instances of a slice: numbers from 1, with gaps.
    package func instances() throws -> Image<Int32> { try artifact.image("instances") }

    /// Where the gate rejected instances.
    func rejected() throws -> Mask { try Mask(nonzero: artifact.image("rejected")) }

    /// What each pixel of a slice is: ``Part``.
    package func parts() throws -> Image<UInt8> { try artifact.image("parts") }
}
