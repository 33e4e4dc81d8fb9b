import ImageProcessing
import TestSupport
import Testing

extension GoldenRow {
    /// The two masks that the row is about, of one shape, each as slices: a bit a voxel in the file `NAME.bits`.
    func masks(_ prefix: String = "") throws -> (first: [Mask], second: [Mask]) {
        let (depth, height, width) = (try int("depth"), try int("height"), try int("width"))
        let bytes = try GoldenFile("\(prefix)\(text("name")).bits", in: .module).bytes()
        try #require(bytes.count * 8 >= 2 * depth * height * width)
        func slice(_ z: Int) throws -> Mask {
            let first = z * height * width
            return try #require(
                Mask(
                    height: height, width: width,
                    values: (first..<first + height * width).map { bytes[$0 / 8] >> UInt8($0 % 8) & 1 != 0 }))
        }
        return (try (0..<depth).map(slice), try (depth..<2 * depth).map(slice))
    }
}

/// Whether two numbers agree to a part.
func agrees(_ a: Double?, _ b: Double, _ tolerance: Double) -> Bool {
    guard let a else { return false }
    return abs(a - b) <= tolerance * max(1, abs(b))
}
