import Foundation
import Volumes

/// Cuts a part off a box to validate on: neighbours are alike, so it is one piece and not some slices here and there.
enum HeldOutPart {
    /// The last slices, at least one; nil where there is only one, or none are wanted.
    static func slices(of box: Box, fraction: Double) -> (training: Box, heldOut: Box)? {
        guard let cut = cut(box.z, fraction), let training = Box(z: cut.0, y: box.y, x: box.x),
            let heldOut = Box(z: cut.1, y: box.y, x: box.x)
        else { return nil }
        return (training, heldOut)
    }

    /// The last columns.
    static func columns(of box: Box, fraction: Double) -> (training: Box, heldOut: Box)? {
        guard let cut = cut(box.x, fraction), let training = Box(z: box.z, y: box.y, x: cut.0),
            let heldOut = Box(z: box.z, y: box.y, x: cut.1)
        else { return nil }
        return (training, heldOut)
    }

    private static func cut(_ range: Range<Int>, _ fraction: Double) -> (Range<Int>, Range<Int>)? {
        let count = fraction > 0 ? max(1, Int((Double(range.count) * fraction).rounded())) : 0
        guard count > 0, count < range.count else { return nil }
        return (range.lowerBound..<range.upperBound - count, range.upperBound - count..<range.upperBound)
    }
}

extension Double {
    var cubeRoot: Double { cbrt(self) }
}
