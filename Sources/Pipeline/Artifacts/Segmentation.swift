import Basics
public import BlobStore
public import Engine
package import ImageProcessing
package import Volumes

/// The labels of a tomogram's voxels as an artifact (Schema/blobs.md, `segmentation`): uint8 `[z][y][x]`, 0 for ground, classes from 1.
public struct Segmentation: ArtifactContent {
    public static let kind = "segmentation"

    package let classes: ClassList
    package let shape: VolumeShape
    let artifact: Artifact

    /// - Throws: ``PipelineError`` where the artifact is no volume, or names no classes.
    public init(_ artifact: Artifact) throws {
        let lengths = try artifact.description(of: "labels").shape
        guard lengths.count == 3, let shape = VolumeShape(z: lengths[0], y: lengths[1], x: lengths[2]) else {
            throw PipelineError(
                "the segmentation \(artifact.digest.abbreviated) is no volume; `cellar verify --deep` looks at it")
        }
        (self.artifact, self.shape) = (artifact, shape)
        classes = try ClassList(artifact)
    }

    /// The labels of a slice, `[y][x]`.
    ///
    /// - Complexity: reads one slice.
    package func labels(_ z: Int) throws -> Image<UInt8> { try shape.image(artifact.readRows("labels", z..<z + 1)) }

    /// The labels of a slice, `[y][x]`, in another order of classes: the position in `wanted`, from 1, and 0 for all other classes.
    func labels(_ z: Int, of wanted: [String]) throws -> Image<UInt8> {
        let table = ClassList.table(from: classes.names, to: wanted)
        return try labels(z).map { table[Int($0)] }
    }

    /// The bytes of one part of a slice in the file of ``SegmentStep``: 0 for the labels, k for the probability of the k-th class.
    static func part(_ number: Int, of shape: VolumeShape) -> Range<Int> {
        number * shape.voxelsPerSlice..<(number + 1) * shape.voxelsPerSlice
    }

    /// Writes the labels of all slices of a file, without small pieces.
    ///
    /// - Parameters:
    ///   - shape: the shape of the tomogram.
    ///   - leastVoxels: the least size of a connected piece of a class; smaller ones become ground.
    /// - Returns: the number of voxels of each label, ground first.
    /// - Complexity: reads the labels of the file once for each class, and once more.
    static func write(
        _ file: SliceFile, shape: VolumeShape, classes: [String], leastVoxels: Int, to artifact: ArtifactWriter
    ) throws -> [Int] {
        try ClassList.write(classes, to: artifact)
        let writer = try artifact.createDataset(
            "labels", shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
        let pieces =
            try leastVoxels > 1
            ? classes.indices.map { try Self.pieces(of: UInt8($0 + 1), file, shape: shape, leastVoxels: leastVoxels) } : []
        var counts = [Int](repeating: 0, count: classes.count + 1)
        for z in 0..<shape.z {
            var labels = try file.read(z, part(0, of: shape))
            for (index, numbering) in pieces.enumerated() {
                let mask = try mask(labels, of: UInt8(index + 1), shape: shape)
                let numbers = try numbering.numbers(of: mask, inSlice: z).values
                for pixel in labels.indices where mask.values[pixel] && numbers[pixel] == 0 { labels[pixel] = 0 }
            }
            for label in labels where Int(label) < counts.count { counts[Int(label)] += 1 }
            try writer.append(labels)
        }
        return counts
    }

    /// The connected pieces of a class that have at least so many voxels.
    private static func pieces(
        of label: UInt8, _ file: SliceFile, shape: VolumeShape, leastVoxels: Int
    ) throws -> VolumeComponents.Numbering {
        var pieces = VolumeComponents()
        for z in 0..<shape.z {
            try pieces.add(mask(file.read(z, part(0, of: shape)), of: label, shape: shape))
        }
        return pieces.finished(leastVoxels: leastVoxels)
    }

    private static func mask(_ labels: [UInt8], of label: UInt8, shape: VolumeShape) throws -> Mask {
        try shape.image(labels).map { $0 == label }
    }
}

/// The probability of each class at each voxel of a tomogram, as an artifact (Schema/blobs.md, `probabilities`): uint8 `[z][y][x]` for each
/// class, 255 for the probability 1.
public struct ClassProbabilities: ArtifactContent {
    public static let kind = "probabilities"

    package let classes: ClassList
    let artifact: Artifact

    /// - Throws: ``PipelineError`` where the artifact names no classes.
    public init(_ artifact: Artifact) throws {
        self.artifact = artifact
        classes = try ClassList(artifact)
    }

    /// The probabilities of some classes in a slice, `[y][x]` each, 255 for the probability 1. Classes that the artifact does not have are
    /// left out.
    ///
    /// - Complexity: reads one slice of each class.
    func slice(_ z: Int, of wanted: [String], shape: VolumeShape) throws -> [Image<UInt8>] {
        try wanted.compactMap { classes.names.firstIndex(of: $0) }.map { index in
            try shape.image(artifact.readRows("class_\(index + 1)", z..<z + 1))
        }
    }

    /// Writes the probabilities of all slices of a file.
    static func write(
        _ file: SliceFile, shape: VolumeShape, classes: [String], to artifact: ArtifactWriter
    ) throws {
        try ClassList.write(classes, to: artifact)
        for number in classes.indices {
            let writer = try artifact.createDataset(
                "class_\(number + 1)", shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
            for z in 0..<shape.z { try writer.append(file.read(z, Segmentation.part(number + 1, of: shape))) }
        }
    }
}

extension VolumeShape {
    /// The values of a slice as an image `[y][x]`.
    ///
    /// - Throws: ``PipelineError`` where their number is not that of a slice's voxels.
    func image<Value>(_ values: [Value]) throws -> Image<Value> {
        guard let image = Image(height: y, width: x, values: values) else {
            throw PipelineError("a slice of \(values.count) voxels is none of \(self)")
        }
        return image
    }
}
