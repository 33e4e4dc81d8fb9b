internal import Glibc

/// How one side of an image is padded and cut into tiles, as CellPose does it.
///
/// The side is padded to a multiple of 16, and by 8 more at each end. Tiles are 224 pixels long, or as long as the padded side; they
/// overlap by a tenth or more. In overlaps, results are averaged with weights that fall off towards a tile's ends.
struct TileLine: Hashable, Sendable {
    /// Pixels of a tile along a side that has as many.
    static let mostLength = 224
    private static let overlap = 0.1

    /// Pixels before padding.
    let side: Int
    /// Pixels of padding before the first.
    let before: Int
    /// Pixels with the padding.
    let padded: Int
    /// Pixels of a tile.
    let length: Int
    /// Where tiles begin, in the padded side.
    let starts: [Int]

    /// - Parameter side: 1 or more.
    init(side: Int) {
        self.side = side
        let missing = (16 - side % 16) % 16
        before = 8 + missing / 2
        padded = side + missing + 16
        length = min(Self.mostLength, padded)
        let count =
            padded <= Self.mostLength ? 1 : Int(((1 + 2 * Self.overlap) * Double(padded) / Double(Self.mostLength)).rounded(.up))
        let last = padded - length
        let step = count > 1 ? Double(last) / Double(count - 1) : 0
        starts = (0..<count).map { $0 == count - 1 ? last : Int(Double($0) * step) }
    }

    /// How much each pixel of a tile counts: 1 / (1 + e^((d − 92) / 7.5)) at the distance d from the middle of 224 pixels, of which
    /// a shorter tile takes those in the middle.
    var weights: [Float] {
        let half = Self.mostLength / 2
        return (half - length / 2..<half + length - length / 2).map { pixel in
            let distance = abs(Double(pixel) - (Double(Self.mostLength) - 1) / 2)
            return Float(1 / (1 + exp((distance - (Double(half) - 20)) / 7.5)))
        }
    }

    /// The sum of the weights of all tiles at each pixel of the padded side.
    var weightSums: [Float] {
        var sums = [Float](repeating: 0, count: padded)
        let weights = weights
        for start in starts {
            for (offset, weight) in weights.enumerated() { sums[start + offset] += weight }
        }
        return sums
    }
}
