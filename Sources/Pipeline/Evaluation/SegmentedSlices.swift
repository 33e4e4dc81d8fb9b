import Basics
import BlobStore
import ImageProcessing
import Volumes

/// What `segment` found in a tomogram, slice by slice.
struct SegmentedSlices {
    /// By their labels from 1.
    let classes: [String]
    let shape: VolumeShape
    private let labels: Artifact
    private let probability: Artifact?

    /// - Throws: ``PipelineError`` where the artifacts are not what they should be.
    init(labels: Artifact, probability: Artifact? = nil) throws {
        let lengths = try labels.dataset("labels").shape
        guard lengths.count == 3, let shape = VolumeShape(z: lengths[0], y: lengths[1], x: lengths[2]) else {
            throw PipelineError("the segmentation \(labels.digest.abbreviated) is no volume; `cellar verify --deep` looks at it")
        }
        (self.labels, self.probability, self.shape) = (labels, probability, shape)
        classes = try ClassList.read(labels)
    }

    /// The labels of a slice, `[y][x]`.
    func labels(_ z: Int) throws -> Image<UInt8> { try shape.image(labels.readRows("labels", z..<z + 1)) }

    /// The labels of a slice in another order: a place in the list from 1, and 0 for what is not in it.
    func labels(_ z: Int, of wanted: [String]) throws -> Image<UInt8> {
        var table = [UInt8](repeating: 0, count: 256)
        for (index, name) in wanted.enumerated() {
            if let label = classes.firstIndex(of: name) { table[label + 1] = UInt8(index + 1) }
        }
        return try labels(z).map { table[Int($0)] }
    }

    /// The probabilities of classes in a slice, in 255ths.
    func probabilities(_ z: Int, of wanted: [String]) throws -> [Image<UInt8>] {
        guard let probability else { return [] }
        return try wanted.compactMap { classes.firstIndex(of: $0) }.map { index in
            try shape.image(probability.readRows("class_\(index + 1)", z..<z + 1))
        }
    }
}

extension VolumeShape {
    /// The values of a slice as an image.
    ///
    /// - Throws: ``PipelineError`` where there are too few or too many.
    func image<Value>(_ values: [Value]) throws -> Image<Value> {
        guard let image = Image(height: y, width: x, values: values) else {
            throw PipelineError("a slice of \(values.count) voxels is none of \(self)")
        }
        return image
    }
}
