import BlobStore
import CatalogSchema
import ImageProcessing
import Volumes

/// The pseudo-labels of a slab as an artifact (Schema/blobs.md, `pseudo-labels`).
enum PseudoLabelsArtifact {
    static let kind = "pseudo-labels"
    /// By their labels from 1; what is none of them and not ground has the label after the last.
    static let classes = ["membrane", "macromolecule"]

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
        ///   - classes: of the slice, ``InstancesArtifact/Part``.
        ///   - particles: the number of each pixel's particle, or 0.
        ///   - membrane: the number of the piece of membrane that a pixel belongs to, or 0.
        func append(classes: Image<UInt8>, particles: Image<Int32>, membrane: (_ index: Int) -> Int32) throws {
            var (values, numbers) = (classes.values, particles.values)
            for (index, part) in values.enumerated() where part == InstancesArtifact.Part.membrane.rawValue {
                numbers[index] = membrane(index)
                // A piece of membrane that is too small.
                if numbers[index] == 0 { values[index] = InstancesArtifact.Part.neither.rawValue }
            }
            try self.classes.append(values)
            try objects.append(numbers)
        }
    }

    /// Writes the table of particles.
    static func write(particles: some Collection<FoundObject>, to artifact: ArtifactWriter) throws {
        let rows = particles.flatMap { particle in
            let centroid = particle.centroidInAngstroms
            return [centroid.x, centroid.y, centroid.z, particle.radiusInAngstroms ?? 0, particle.confidence ?? 0]
        }
        // A dataset has at least one element.
        if particles.isEmpty { return }
        try artifact.write("particles", shape: [particles.count, 5], values: rows)
    }
}

extension Image<UInt8> {
    /// The membrane among the parts of a slice.
    var membrane: Mask { map { $0 == InstancesArtifact.Part.membrane.rawValue } }
}
