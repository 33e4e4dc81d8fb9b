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

    /// Writes instances, and what each pixel is.
    ///
    /// - Parameters:
    ///   - instances: the labels of what may be sections of particles, `[y][x]`: numbers from 1, 0 elsewhere.
    ///   - rejected: the pixels of instances that the gate rejected, `[y][x]`. They may cover more than the mask.
    ///   - parts: the rest of the mask, divided into membrane and other pixels.
    static func write(
        instances: Image<Int32>, rejected: Mask, parts: MembraneAssembly.Parts, to artifact: ArtifactWriter
    ) throws {
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

    /// The instances of a slice: numbers from 1, with gaps.
    package func instances() throws -> Image<Int32> { try artifact.image("instances") }

    /// Where the gate rejected instances.
    func rejected() throws -> Mask { try Mask(nonzero: artifact.image("rejected")) }

    /// What each pixel of a slice is: ``Part``.
    package func parts() throws -> Image<UInt8> { try artifact.image("parts") }
}
