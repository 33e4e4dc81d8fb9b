import Basics

/// Where the pixels of a resized side lie in the original: between two neighbours, in OpenCV's `INTER_LINEAR` convention.
///
/// The centre of pixel `i` of `new` lies at `(i + ½) · old / new − ½` of the original. Shrinking does not smooth.
struct LinearAxis {
    struct Position {
        /// The pixel before, and the pixel after: the same one twice where the position lies beyond the border.
        let before: Int
        let after: Int
        /// The weight of the pixel after, also where the two are the same.
        let weight: Float

        var isBeyondBorder: Bool { before == after }
    }

    /// One for each pixel of the result.
    let positions: [Position]

    /// - Throws: ``ImageError`` unless the new side is in 1 … 65536.
    init(from old: Int, to new: Int) throws(ImageError) {
        guard new >= 1, new <= 65_536 else { throw .parameter("a side of the resized image", new, mustBe: "in 1 … 65536") }
        // OpenCV divides twice; `Double(old) / Double(new)` can differ in the last bit.
        let scale = 1 / (Double(new) / Double(old))
        positions = (0..<new).map { index in
            let position = Float((Double(index) + 0.5) * scale - 0.5)
            let floor = position.rounded(.down)
            let before = Int(floor)
            return Position(before: min(max(before, 0), old - 1), after: min(before + 1, old - 1), weight: position - floor)
        }
    }
}
