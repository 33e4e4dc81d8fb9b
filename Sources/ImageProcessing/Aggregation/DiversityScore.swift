public import Basics

/// How much a map differs from place to place in what it shows there:
///
/// ```
/// diversity = std over patches of (std inside the patch)
/// ```
///
/// A map that is flat everywhere, or rough everywhere, has little of it; one with structures in some places has much.
/// Both are standard deviations of all there is (divided by n), in float64.
public struct DiversityScore: Hashable, Sendable {
    /// The side of a patch in pixels.
    public let patchSize: Int

    /// - Throws: ``ImageError`` unless the patch is 2 … 4096 pixels wide.
    public init(patchSize: Int = 8) throws(ImageError) {
        guard (2...4096).contains(patchSize) else {
            throw .parameter("the patch of the diversity score", patchSize, mustBe: "in 2 … 4096 pixels")
        }
        self.patchSize = patchSize
    }

    /// The score of a map `[y][x]`. Patches are laid from the upper left corner; pixels at the right and at the bottom
    /// that fill no patch are left out, and a map of fewer than two patches has the score 0. So has a map with a value
    /// that is no number.
    ///
    /// - Complexity: two passes over the pixels.
    public func callAsFunction(_ map: Image<Float>) -> Double {
        var deviations: [Double] = []
        for y in stride(from: 0, through: map.height - patchSize, by: patchSize) {
            for x in stride(from: 0, through: map.width - patchSize, by: patchSize) {
                var pixels: [Double] = []
                for row in y..<y + patchSize {
                    let first = row * map.width + x
                    pixels += map.values[first..<first + patchSize].lazy.map(Double.init)
                }
                deviations.append(Self.standardDeviation(of: pixels))
            }
        }
        let score = deviations.count < 2 ? 0 : Self.standardDeviation(of: deviations)
        return score.isFinite ? score : 0
    }

    private static func standardDeviation(of values: [Double]) -> Double {
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    }
}
