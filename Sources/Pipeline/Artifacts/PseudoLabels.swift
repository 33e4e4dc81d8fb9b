import Basics
public import BlobStore
import CatalogSchema
public import Engine
package import ImageProcessing
import Metrics
import Volumes

/// The pseudo-labels of a slab as an artifact (Schema/blobs.md, `pseudo-labels`).
public struct PseudoLabels: ArtifactContent {
    public static let kind = "pseudo-labels"

    /// The digest of the artifact, which names the labels in the metadata of networks that learned from them.
    var digest: Digest { artifact.digest }
    fileprivate let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// By their labels from 1; what is none of them and not ground has the label after the last.
    static let classes = [membrane, macromolecule]
    static let membrane = "membrane"
    static let macromolecule = "macromolecule"

    /// Writes the labels slice by slice.
    struct Writer {
        private let classes: DatasetWriter
        private let objects: DatasetWriter

        init(_ artifact: ArtifactWriter, depth: Int, height: Int, width: Int) throws {
            let (shape, chunk) = ([depth, height, width], [1, height, width])
            classes = try artifact.createDataset("classes", shape: shape, scalarType: .uint8, chunk: chunk)
            objects = try artifact.createDataset("objects", shape: shape, scalarType: .int32, chunk: chunk)
        }

        /// - Parameters:
        ///   - classes: of the slice, ``SliceInstances/Part``.
        ///   - particles: the number of each pixel's particle, or 0.
        ///   - membrane: the number of the piece of membrane that a pixel belongs to, or 0.
        func append(classes: Image<UInt8>, particles: Image<Int32>, membrane: (_ index: Int) -> Int32) throws {
            var (values, numbers) = (classes.values, particles.values)
            for (index, part) in values.enumerated() where part == SliceInstances.Part.membrane.rawValue {
                numbers[index] = membrane(index)
                // A piece of membrane that is too small.
                if numbers[index] == 0 { values[index] = SliceInstances.Part.neither.rawValue }
            }
            try self.classes.append(values)
            try objects.append(numbers)
        }
    }

    /// A row of the table of particles; the number of the particle is its place in the table, from 1.
    struct Particle {
        let centreInAngstroms: SIMD3<Double>
        /// 0 where it is not known.
        let radiusInAngstroms: Double
        let confidence: Double
        /// Whether it begins in the slab's first slice or ends in its last: a part of it may be missing, and its centre be
        /// another.
        let isCutOff: Bool

        static let columns = 6

        var row: [Double] {
            let centre = centreInAngstroms
            return [centre.x, centre.y, centre.z, radiusInAngstroms, confidence, isCutOff ? 1 : 0]
        }
    }

    /// Depth, rows and columns of the slab, without reading a voxel.
    func shape() throws -> [Int] { try artifact.dataset("classes").shape }

    /// The labels of one of the slab's slices, 0 for the first: ``SliceInstances/Part``, `[y][x]`.
    func classes(slice: Int) throws -> [UInt8] { try artifact.readRows("classes", slice..<slice + 1) }

    /// Writes the table of particles.
    static func write(_ particles: [(found: FoundObject, isCutOff: Bool)], to artifact: ArtifactWriter) throws {
        // A dataset has at least one element.
        if particles.isEmpty { return }
        let rows = particles.flatMap { particle in
            Particle(
                centreInAngstroms: particle.found.centroidInAngstroms, radiusInAngstroms: particle.found.radiusInAngstroms ?? 0,
                confidence: particle.found.confidence ?? 0, isCutOff: particle.isCutOff
            ).row
        }
        try artifact.write("particles", shape: [particles.count, Particle.columns], values: rows)
    }

    /// The table of particles.
    ///
    /// - Throws: ``PipelineError`` where it has other columns.
    func particles() throws -> [Particle] {
        guard artifact.datasets.contains(where: { $0.name == "particles" }) else { return [] }
        let values = try artifact.read("particles", as: Double.self)
        guard try artifact.dataset("particles").shape == [values.count / Particle.columns, Particle.columns] else {
            throw PipelineError(
                "\(artifact.digest.abbreviated) has no table of \(Particle.columns) columns; `cellar verify` looks for damage")
        }
        return stride(from: 0, to: values.count, by: Particle.columns).map { first in
            let row = Array(values[first..<first + Particle.columns])
            return Particle(
                centreInAngstroms: SIMD3(row[0], row[1], row[2]), radiusInAngstroms: row[3], confidence: row[4],
                isCutOff: row[5] != 0)
        }
    }
}

extension PseudoLabels {
    /// The particles of the slab, as those of other artifacts.
    func found() throws -> [FoundParticle] {
        try particles().map { particle in
            FoundParticle(
                className: Self.macromolecule, pick: Pick(center: particle.centreInAngstroms, score: particle.confidence),
                radiusInAngstroms: particle.radiusInAngstroms)
        }
    }

    /// The numbers of the objects in one of the slab's slices, 0 for none, `[y][x]`.
    func objects(slice: Int) throws -> [Int32] { try artifact.readRows("objects", slice..<slice + 1) }
}

extension Image<UInt8> {
    /// The membrane among the parts of a slice.
    var membrane: Mask { map { $0 == SliceInstances.Part.membrane.rawValue } }
}

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
