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

    /// Writes the labels of all slices, without small pieces.
    ///
    /// - Parameters:
    ///   - thresholds: the least probability of each class.
    ///   - leastVoxels: for each class the least size of a connected piece; smaller ones become ground.
    ///   - sample: what lies outside is ground; nil where nothing is cut.
    /// - Returns: the number of voxels of each label, ground first.
    /// - Complexity: reads the probabilities twice.
    static func write(
        _ probabilities: ProbabilitySlices, thresholds: [Double], leastVoxels: [Int], in sample: SampleCut?,
        to artifact: ArtifactWriter
    ) throws -> [Int] {
        let (shape, classes) = (probabilities.shape, probabilities.classes)
        try ClassList.write(classes, to: artifact)
        let writer = try artifact.createDataset(
            "labels", shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
        func labels(_ z: Int) throws -> [UInt8] {
            var labels = try probabilities.labels(slice: z, thresholds: thresholds)
            sample?.clear(&labels, to: 0, z: z, shape: shape)
            return labels
        }
        // Of the classes that lose pieces.
        var components = classes.indices.filter { leastVoxels[$0] > 1 }.map { (index: $0, components: VolumeComponents()) }
        for z in 0..<(components.isEmpty ? 0 : shape.z) {
            let labels = try labels(z)
            for place in components.indices {
                try components[place].components.add(mask(labels, of: UInt8(components[place].index + 1), shape: shape))
            }
        }
        let pieces = components.map { ($0.index, $0.components.finished(leastVoxels: leastVoxels[$0.index])) }
        var counts = [Int](repeating: 0, count: classes.count + 1)
        for z in 0..<shape.z {
            var labels = try labels(z)
            for (index, numbering) in pieces {
                let mask = try mask(labels, of: UInt8(index + 1), shape: shape)
                let numbers = try numbering.numbers(of: mask, inSlice: z).values
                for pixel in labels.indices where mask.values[pixel] && numbers[pixel] == 0 { labels[pixel] = 0 }
            }
            for label in labels where Int(label) < counts.count { counts[Int(label)] += 1 }
            try writer.append(labels)
        }
        return counts
    }

    private static func mask(_ labels: [UInt8], of label: UInt8, shape: VolumeShape) throws -> Mask {
        try shape.image(labels).map { $0 == label }
    }
}

/// The probability of each class at each voxel of a tomogram, as an artifact (Schema/blobs.md, `probabilities`): uint8 `[z][y][x]` for each
/// class, 255 for the probability 1; and, where several networks or copies of blocks were averaged, its standard deviation, 255 for one half.
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

    /// The classes of which there was more than one opinion.
    var classesWithSpread: Set<String> {
        let names = Set(artifact.datasets.map(\.name))
        return Set(classes.names.enumerated().filter { names.contains("spread_\($0.offset + 1)") }.map(\.element))
    }

    /// The standard deviation of the probability of each pixel's own class in a slice, `[y][x]`, 0 to ½; 0 for ground and for classes
    /// of which there was one opinion only.
    ///
    /// - Parameter labels: the numbers of the classes, from 1.
    /// - Complexity: reads a slice of each class that is there.
    func uncertainty(_ z: Int, of labels: [UInt8]) throws -> [Float] {
        var result = [Float](repeating: 0, count: labels.count)
        let names = Set(artifact.datasets.map(\.name))
        for label in Set(labels).sorted() where names.contains("spread_\(label)") {
            let spread = try artifact.readRows("spread_\(label)", z..<z + 1) as [UInt8]
            guard spread.count == labels.count else {
                throw PipelineError(
                    "the probabilities \(artifact.digest.abbreviated) are of another size; `cellar verify` looks for damage")
            }
            for pixel in labels.indices where labels[pixel] == label { result[pixel] = Float(spread[pixel]) / 510 }
        }
        return result
    }

    /// Writes the probabilities of all slices.
    ///
    /// - Parameter sample: outside all probabilities are 0, so that curves are of what the labels are of; nil where nothing is cut.
    static func write(_ probabilities: ProbabilitySlices, in sample: SampleCut?, to artifact: ArtifactWriter) throws {
        let shape = probabilities.shape
        try ClassList.write(probabilities.classes, to: artifact)
        func write(_ name: String, _ slice: (Int) throws -> [UInt8]) throws {
            let writer = try artifact.createDataset(
                name, shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
            for z in 0..<shape.z {
                var values = try slice(z)
                sample?.clear(&values, to: 0, z: z, shape: shape)
                try writer.append(values)
            }
        }
        for index in probabilities.classes.indices {
            try write("class_\(index + 1)") { try probabilities.mean(of: index, slice: $0) }
            if probabilities.hasSpread(of: index) {
                try write("spread_\(index + 1)") { try probabilities.spread(of: index, slice: $0) }
            }
        }
    }
}

extension VolumeShape {
    /// The values of a slice as an image `[y][x]`.
    ///
    /// - Throws: ``PipelineError`` where their number is not that of a slice's voxels.
    func image<Value>(_ values: [Value]) throws -> Image<Value> {
        guard let image = Image(height: y, width: x, values: values) else {
            throw PipelineError("a slice of \(values.count) voxels is none of \(self); `cellar verify --deep` looks for damage")
        }
        return image
    }
}
