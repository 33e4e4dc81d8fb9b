import Basics
public import BlobStore
import CatalogSchema
public import Engine
package import ImageProcessing
import Metrics
import Volumes

/// The pseudo-labels of a slab as an artifact (Schema/blobs.md, `pseudo-labels`): for each voxel its class and the number of its object, both
/// `[z][y][x]`, and a table of the particles.
public struct PseudoLabels: ArtifactContent {
    public static let kind = "pseudo-labels"

    /// The digest of the artifact. The metadata of a network that was trained on the labels records it.
    var digest: Digest { artifact.digest }
    let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The classes in the order of their labels, from 1: the raw values of ``SliceInstances/Part``. The label after the last one means
    /// "neither".
    package static let classes = [membrane, macromolecule]
    static let membrane = "membrane"
    static let macromolecule = "macromolecule"

    /// Writes classes and objects slice by slice, in order of z.
    struct Writer {
        private let classes: DatasetWriter
        private let objects: DatasetWriter

        init(_ artifact: ArtifactWriter, depth: Int, height: Int, width: Int) throws {
            let (shape, chunk) = ([depth, height, width], [1, height, width])
            classes = try artifact.createDataset("classes", shape: shape, scalarType: .uint8, chunk: chunk)
            objects = try artifact.createDataset("objects", shape: shape, scalarType: .int32, chunk: chunk)
        }

        /// - Parameters:
        ///   - classes: the class of each pixel, ``SliceInstances/Part``.
        ///   - particles: the number of each pixel's particle, or 0.
        ///   - membrane: gives the number of the piece of membrane at a pixel; 0 for a piece that is too small, which becomes "neither".
        func append(classes: Image<UInt8>, particles: Image<Int32>, membrane: (_ index: Int) -> Int32) throws {
            var (values, numbers) = (classes.values, particles.values)
            for (index, part) in values.enumerated() where part == SliceInstances.Part.membrane.rawValue {
                numbers[index] = membrane(index)
                if numbers[index] == 0 { values[index] = SliceInstances.Part.neither.rawValue }
            }
            try self.classes.append(values)
            try objects.append(numbers)
        }
    }

    /// `[depth, rows, columns]` of the slab, without reading a voxel.
    func shape() throws -> [Int] { try artifact.description(of: "classes").shape }

    /// The classes of one slice of the slab, `[y][x]`: ``SliceInstances/Part``. 0 is the first slice of the slab.
    ///
    /// - Complexity: reads one slice.
    package func classes(slice: Int) throws -> [UInt8] { try artifact.readRows("classes", slice..<slice + 1) }

    /// Writes the table of particles.
    static func write(_ particles: [(found: FoundObject, isCutOff: Bool)], to artifact: ArtifactWriter) throws {
        try ParticleTable(particles.map { .init($0.found, code: $0.isCutOff ? 1 : 0) }).write(to: artifact)
    }

    /// The table of particles. The number of a particle is the number of its row, from 1.
    ///
    /// - Throws: ``PipelineError`` where the table has another number of columns.
    func particles() throws -> [ParticleTable.Row] { try ParticleTable(artifact).rows }

    /// Whether a particle touches the first or the last slice of the slab: then a part of it may be missing, and its true centre may be
    /// another one.
    static func isCutOff(_ particle: ParticleTable.Row) -> Bool { particle.code != 0 }
}

extension PseudoLabels {
    /// The particles of the slab, in the form that the picker's have too.
    func found() throws -> [FoundParticle] {
        try particles().map { FoundParticle($0, className: Self.macromolecule) }
    }

    /// The number of the object at each pixel of one slice of the slab, `[y][x]`; 0 for none.
    ///
    /// - Complexity: reads one slice.
    package func objects(slice: Int) throws -> [Int32] { try artifact.readRows("objects", slice..<slice + 1) }
}

extension Image<UInt8> {
    /// The pixels of the class membrane, in an image of ``SliceInstances/Part``.
    var membrane: Mask { map { $0 == SliceInstances.Part.membrane.rawValue } }
}

/// The instances of a slice, and the class of each of its pixels, as an artifact (Schema/blobs.md, `slice-instances`).
public struct SliceInstances: ArtifactContent {
    public static let kind = "slice-instances"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The class of a pixel. The classes of pseudo-labels have the same numbers (``PseudoLabels/classes``).
    package enum Part: UInt8, CaseIterable {
        case ground = 0
        case membrane = 1
        case macromolecule = 2
        /// In the mask or in a rejected instance, and neither membrane nor macromolecule. Training ignores it.
        case neither = 3
    }

    /// Writes the instances, and the class of each pixel.
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

    /// The class of each pixel, ``Part``, `[y][x]`. Where a rejected instance covers membrane, the pixel is membrane: the gate rejects
    /// pieces of membrane as well.
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

    /// The labels of the instances, `[y][x]`: numbers from 1, with gaps; 0 elsewhere.
    package func instances() throws -> Image<Int32> { try artifact.image("instances") }

    /// The pixels of instances that the gate rejected, `[y][x]`.
    func rejected() throws -> Mask { try Mask(nonzero: artifact.image("rejected")) }

    /// The class of each pixel, `[y][x]`: the raw values of ``Part``.
    package func parts() throws -> Image<UInt8> { try artifact.image("parts") }
}
