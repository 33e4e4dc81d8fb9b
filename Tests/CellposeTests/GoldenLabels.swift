import Basics
import ImageProcessing
import TestSupport
import Testing
import Volumes

extension GoldenRow {
    /// The label image that a row of Golden/make_dynamics_golden.py names.
    func labels(height: Int? = nil, width: Int? = nil) throws -> Image<Int32> {
        let kind: SyntheticLabels = try kind("kind")
        return try #require(
            kind.make(height: height ?? value("height"), width: width ?? value("width"), seed: value("seed")))
    }
}

/// SHA-256 of little-endian words.
func digest(_ words: [UInt32]) -> String {
    words.map { $0.littleEndian }.withUnsafeBytes { Digest(of: Array($0)).hexadecimal }
}

func digest(_ images: Image<Float>...) -> String { digest(images.flatMap { image in image.values.map { $0.bitPattern } }) }

func digest(_ labels: Image<Int32>) -> String { digest(labels.values.map { UInt32(bitPattern: $0) }) }
