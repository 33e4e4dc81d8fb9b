public import Basics

extension Image<Float> {
    /// The least and the greatest of the numbers that are finite; nil if none is.
    ///
    /// - Complexity: one pass over the pixels.
    public var finiteRange: ClosedRange<Float>? {
        var (least, greatest) = (Float.infinity, -Float.infinity)
        for value in values where value.isFinite {
            least = Swift.min(least, value)
            greatest = Swift.max(greatest, value)
        }
        return least <= greatest ? least...greatest : nil
    }

    /// The percentiles of the numbers that are finite, as NumPy's `percentile` gives them: interpolated linearly
    /// between the two numbers around the place p (n − 1) / 100. Nil if no number is finite.
    ///
    /// - Throws: ``ImageError`` unless each percent is in 0 … 100.
    /// - Complexity: sorts the pixels.
    public func percentiles(_ percents: [Double]) throws(ImageError) -> [Float]? {
        for percent in percents where !(0...100).contains(percent) {
            throw .parameter("a percentile", percent, mustBe: "in 0 … 100")
        }
        let sorted = values.filter(\.isFinite).sorted()
        guard let last = sorted.last else { return nil }
        return percents.map { percent in
            let place = percent / 100 * Double(sorted.count - 1)
            let index = Int(place)
            guard index + 1 < sorted.count else { return last }
            let (below, above) = (Double(sorted[index]), Double(sorted[index + 1]))
            return Float(below + (above - below) * (place - Double(index)))
        }
    }
}
