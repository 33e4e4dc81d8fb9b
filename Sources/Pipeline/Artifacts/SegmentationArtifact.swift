import BlobStore
import Volumes

/// What a network says of a whole tomogram, as artifacts (Schema/blobs.md, `segmentation` and `probabilities`).
enum SegmentationArtifact {
    static let kind = "segmentation"
    static let probabilityKind = "probabilities"

    /// The bytes of a slice in the file: labels first, then the probability of each class.
    static func part(_ number: Int, of shape: VolumeShape) -> Range<Int> {
        number * shape.sliceCount..<(number + 1) * shape.sliceCount
    }

    /// - Parameter shape: of the tomogram.
    static func writeLabels(_ file: SliceFile, shape: VolumeShape, classes: [String], to artifact: ArtifactWriter) throws -> [Int]
    {
        try artifact.setAttribute("classes", .string(classes.joined(separator: ",")))
        let writer = try artifact.createDataset(
            "labels", shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
        var counts = [Int](repeating: 0, count: classes.count + 1)
        for z in 0..<shape.z {
            let labels = try file.read(z, part(0, of: shape))
            for label in labels where Int(label) < counts.count { counts[Int(label)] += 1 }
            try writer.append(labels)
        }
        return counts
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
