import BlobStore
import ImageProcessing
import Volumes

/// What a network says of a whole tomogram, as artifacts (Schema/blobs.md, `segmentation` and `probabilities`).
enum SegmentationArtifact {
    static let kind = "segmentation"
    static let probabilityKind = "probabilities"

    /// The bytes of a slice in the file: labels first, then the probability of each class.
    static func part(_ number: Int, of shape: VolumeShape) -> Range<Int> {
        number * shape.sliceCount..<(number + 1) * shape.sliceCount
    }

    /// - Parameters:
    ///   - shape: of the tomogram.
    ///   - leastVoxels: connected pieces of fewer become ground.
    /// - Returns: how many voxels each label has.
    static func writeLabels(
        _ file: SliceFile, shape: VolumeShape, classes: [String], leastVoxels: Int, to artifact: ArtifactWriter
    ) throws -> [Int] {
        try artifact.setAttribute("classes", .string(classes.joined(separator: ",")))
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

    /// The connected pieces of a class that are large enough.
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

    static func writeProbabilities(
        _ file: SliceFile, shape: VolumeShape, classes: [String], to artifact: ArtifactWriter
    ) throws {
        try artifact.setAttribute("classes", .string(classes.joined(separator: ",")))
        for number in classes.indices {
            let writer = try artifact.createDataset(
                "class_\(number + 1)", shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
            for z in 0..<shape.z { try writer.append(file.read(z, part(number + 1, of: shape))) }
        }
    }
}
