public import Basics

extension Image<UInt8> {
    /// Otsu's threshold: the value t for which the variance between the classes "up to t" and "above t" is largest (N. Otsu, *A
    /// threshold selection method from gray-level histograms*, 1979). Of several such values it is the lowest; for a constant
    /// image it is the value of the pixels.
    ///
    /// ``thresholded(above:)`` with it gives the same mask as OpenCV's `THRESH_OTSU` and scikit-image's `threshold_otsu`.
    ///
    /// - Complexity: one pass over the pixels.
    public func otsuThreshold() -> UInt8 {
        var histogram = ByteHistogram()
        values.withUnsafeBufferPointer { histogram.add($0) }
        let bin = OtsuCriterion.bestSplit(of: histogram.counts) { Double($0) } ?? Int(values[0])
        return UInt8(bin)
    }

    /// The mask of the pixels above a value.
    ///
    /// - Complexity: one pass over the pixels.
    public func thresholded(above threshold: UInt8) -> Mask { map { $0 > threshold } }
}

extension Image<Float> {
    /// Otsu's threshold of a histogram of 256 bins between the least and the greatest value, as scikit-image's
    /// `threshold_otsu`: the result is the middle of a bin. Pixels that are not finite are ignored. The result for a constant
    /// image is its value, and for an image without a finite pixel 0.
    ///
    /// - Complexity: two passes over the pixels.
    public func otsuThreshold() -> Float {
        guard let range = finiteRange else { return 0 }
        guard range.lowerBound < range.upperBound else { return range.lowerBound }
        let (low, high) = (Double(range.lowerBound), Double(range.upperBound))
        let binCount = 256
        let width = (high - low) / Double(binCount)
        var histogram = [Int](repeating: 0, count: binCount)
        for value in values where value.isFinite {
            histogram[min(Int((Double(value) - low) / width), binCount - 1)] += 1
        }
        func center(_ bin: Int) -> Double { low + (Double(bin) + 0.5) * width }
        return Float(center(OtsuCriterion.bestSplit(of: histogram, center: center) ?? 0))
    }

    /// The mask of the pixels above a value. NaN is background.
    ///
    /// - Complexity: one pass over the pixels.
    public func thresholded(above threshold: Float) -> Mask { map { $0 > threshold } }
}

/// Otsu's criterion: the variance between two classes of a histogram.
private enum OtsuCriterion {
    /// The last bin of the lower class where the variance is largest; nil where all values lie in one bin.
    static func bestSplit(of histogram: [Int], center: (Int) -> Double) -> Int? {
        let total = histogram.reduce(0, +)
        let sum = histogram.enumerated().reduce(0.0) { $0 + Double($1.element) * center($1.offset) }
        var (count, partial) = (0, 0.0)
        var best: (bin: Int, variance: Double)?
        for (bin, size) in histogram.enumerated().dropLast() {
            count += size
            partial += Double(size) * center(bin)
            guard count > 0, count < total else { continue }
            let difference = partial / Double(count) - (sum - partial) / Double(total - count)
            let variance = Double(count) * Double(total - count) * difference * difference
            if variance > best?.variance ?? 0 { best = (bin, variance) }
        }
        return best?.bin
    }
}

extension Image<Float> {
    /// The least and the greatest finite pixel; nil where no pixel is finite.
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

    /// The percentiles of the finite pixels, as NumPy's `percentile` (`Quantile`). nil where no pixel is finite.
    ///
    /// - Throws: ``ImageError`` unless each percent is in 0 … 100.
    /// - Complexity: n log n in the pixels; memory is a sorted copy.
    public func percentiles(_ percents: [Double]) throws(ImageError) -> [Float]? {
        for percent in percents where !(0...100).contains(percent) {
            throw .parameter("a percentile", percent, mustBe: "in 0 … 100")
        }
        let sorted = values.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else { return nil }
        return percents.map { percent in
            let rank = Quantile.rank(ofPercentile: percent, count: sorted.count)
            return Float(Quantile.value(atRank: rank, count: sorted.count) { Double(sorted[$0]) })
        }
    }
}
