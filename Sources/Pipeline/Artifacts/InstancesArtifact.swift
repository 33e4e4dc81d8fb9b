package import BlobStore
package import ImageProcessing
import Volumes

/// The mask of a slice told apart, as an artifact (Schema/blobs.md, `slice-instances`).
package enum InstancesArtifact {
    static let kind = "slice-instances"

    /// What a pixel of `parts` is; classes of pseudo-labels have the same numbers.
    package enum Part: UInt8 {
        case ground = 0
        case membrane = 1
        case macromolecule = 2
        /// In the mask, and neither: nothing should be learned from it.
        case neither = 3
    }

    /// - Parameters:
    ///   - mask: in which instances and membranes were told apart.
    ///   - diameters: of the particles that were looked for.
    ///   - rules: by which membranes were.
    static func write(
        _ mask: Mask, instances: Image<Int32>, parts: MembraneAssembly.Parts, diameters: ParticleDiameters, rules: MembraneRules,
        to artifact: ArtifactWriter
    ) throws {
        try artifact.setAttribute("smallest_diameter", .real(diameters.smallest))
        try artifact.setAttribute("largest_diameter", .real(diameters.largest))
        for (name, value) in rules.attributes { try artifact.setAttribute(name, .real(value)) }
        try artifact.write("mask", shape: [mask.height, mask.width], values: mask.bytes().values)
        try artifact.write("instances", shape: [instances.height, instances.width], values: instances.values)
        let classes = classes(of: parts, instances: instances)
        try artifact.write("parts", shape: [classes.height, classes.width], values: classes.values)
    }

    /// What each pixel is: ``Part``.
    static func classes(of parts: MembraneAssembly.Parts, instances: Image<Int32>) -> Image<UInt8> {
        Image<UInt8>(sizeOf: instances) { classes in
            for index in classes.indices {
                let part: Part =
                    if instances.values[index] > 0 {
                        .macromolecule
                    } else if parts.membrane.values[index] {
                        .membrane
                    } else if parts.other.values[index] {
                        .neither
                    } else {
                        .ground
                    }
                classes[index] = part.rawValue
            }
        }
    }

    /// The diameters of the particles that were looked for, in pixels.
    static func diameters(_ artifact: Artifact) throws -> ParticleDiameters {
        guard case .real(let smallest)? = artifact.attributes["smallest_diameter"],
            case .real(let largest)? = artifact.attributes["largest_diameter"]
        else { throw PipelineError("the instances of a slice do not say what particles were looked for") }
        return try ParticleDiameters(smallest: smallest, largest: largest)
    }

    /// The rules by which membranes were told.
    static func rules(_ artifact: Artifact) throws -> MembraneRules {
        let values = artifact.attributes.compactMapValues { if case .real(let value) = $0 { value } else { nil } }
        guard let rules = MembraneRules(attributes: values) else {
            throw PipelineError("the instances of a slice do not say what membranes were looked for")
        }
        return rules
    }

    static func mask(_ artifact: Artifact) throws -> Mask {
        try Mask(nonzero: image(artifact, "mask", artifact.read("mask", as: UInt8.self)))
    }

    /// The instances of a slice, numbered from 1.
    package static func instances(_ artifact: Artifact) throws -> Image<Int32> {
        try image(artifact, "instances", artifact.read("instances", as: Int32.self))
    }

    /// What each pixel of a slice is: ``Part``.
    package static func parts(_ artifact: Artifact) throws -> Image<UInt8> {
        try image(artifact, "parts", artifact.read("parts", as: UInt8.self))
    }

    private static func image<Pixel>(_ artifact: Artifact, _ name: String, _ values: [Pixel]) throws -> Image<Pixel> {
        let shape = try artifact.dataset(name).shape
        guard shape.count == 2, let image = Image(height: shape[0], width: shape[1], values: values) else {
            throw PipelineError("the \(name) of a slice have the shape \(shape)")
        }
        return image
    }
}
