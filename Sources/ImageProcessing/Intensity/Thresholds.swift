public import Basics

/// The number of times that each of the 256 bytes occurs: the histogram of an image of 8 bits, or the voxels of each label.
///
/// Consecutive bytes are counted in four different sets of bins, so that the increments of equal neighbours do not depend on each
/// other.
package struct ByteHistogram: Sendable {
    private var bins = [Int](repeating: 0, count: 4 * 256)

    /// An empty histogram.
    package init() {}

    /// The number of times that each of the 256 bytes was added.
    package var counts: [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for (index, count) in bins.enumerated() { counts[index % 256] += count }
        return counts
    }

    /// Makes the histogram empty again.
    package mutating func reset() {
        bins.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    /// Counts a byte.
    package mutating func add(_ value: UInt8) {
        bins[Int(value)] &+= 1
    }

    /// Counts each of some bytes.
    ///
    /// - Complexity: one pass over them.
    package mutating func add(_ values: UnsafeBufferPointer<UInt8>) {
        bins.withUnsafeMutableBufferPointer { bins in
            let vectorized = values.count & ~3
            for index in stride(from: 0, to: vectorized, by: 4) {
                bins[Int(values[index])] &+= 1
                bins[256 + Int(values[index + 1])] &+= 1
                bins[512 + Int(values[index + 2])] &+= 1
                bins[768 + Int(values[index + 3])] &+= 1
            }
            for index in vectorized..<values.count { bins[Int(values[index])] &+= 1 }
        }
    }
}

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
enum OtsuCriterion {
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
    public func percentiles(_ percents: [Double]) throws(ImageError) -> [Float]? { try Self.percentiles(percents, of: values) }

    /// As ``percentiles(_:)``, of any values.
    static func percentiles(_ percents: [Double], of values: [Float]) throws(ImageError) -> [Float]? {
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

/// A threshold that compares each pixel with the Gaussian-weighted mean around it: OpenCV's `adaptiveThreshold` with
/// `ADAPTIVE_THRESH_GAUSSIAN_C`.
///
/// The mean is taken in float32 over `blockSize` × `blockSize` pixels with σ = 0.3 ((blockSize − 1) / 2 − 1) + 0.8 and a
/// replicated border, and rounded half to even to 8 bits. Mean and mask agree with OpenCV in every pixel, except where the
/// mean is so near a half (about 10⁻⁵) that the order of float32 additions decides.
public struct AdaptiveThreshold: Hashable, Sendable {
    /// What makes a pixel foreground.
    public enum Direction: String, Codable, CaseIterable, Hashable, Sendable {
        /// pixel > mean + C. With a positive C, flat regions are background; for bright structures.
        case aboveMean
        /// pixel > mean − C: OpenCV's `THRESH_BINARY`. With a positive C, flat regions are foreground.
        case openCVBinary
    }

    /// The side of the square over which the mean is taken, in pixels.
    public let blockSize: Int
    /// C: the least difference between a pixel and the mean, in grey levels.
    public let offset: Double
    /// The comparison that makes a pixel foreground.
    public let direction: Direction
    private let kernel: GaussianKernel

    /// - Throws: ``ImageError`` unless the block size is odd and in 3 … 511, and C is in −255 … 255.
    public init(blockSize: Int = 15, offset: Double = 3, direction: Direction = .aboveMean) throws(ImageError) {
        guard (3...511).contains(blockSize), blockSize % 2 == 1 else {
            throw .parameter("the block of the adaptive threshold", blockSize, mustBe: "an odd number in 3 … 511")
        }
        guard (-255...255).contains(offset) else {
            throw .parameter("the offset C of the adaptive threshold", offset, mustBe: "in −255 … 255")
        }
        self.blockSize = blockSize
        self.offset = offset
        self.direction = direction
        kernel = try GaussianKernel(size: blockSize)
    }

    /// The mask `[y][x]` of an 8-bit image.
    ///
    /// - Complexity: `blockSize` multiplications for each pixel. Memory is the result and `blockSize` rows of float32.
    public func callAsFunction(_ image: Image<UInt8>) -> Mask {
        // Pixel and mean are integers: their difference exceeds C exactly where it exceeds the integer at or below C.
        let limit = Float(direction == .aboveMean ? offset.rounded(.down) : -offset.rounded(.up))
        let width = image.width
        return Mask(
            sizeOf: image,
            initializingBytesWith: { result in
                image.values.withUnsafeBufferPointer { source in
                    forEachRowOfMeans(of: image) { y, means in
                        let first = y * width
                        for x in 0..<width {
                            result[first &+ x] = Float(source[first &+ x]) - Self.rounded(means[x]) > limit ? 1 : 0
                        }
                    }
                }
            })
    }

    /// The mean around each pixel, rounded to 8 bits, `[y][x]`.
    ///
    /// - Complexity: as for the threshold.
    public func localMeans(of image: Image<UInt8>) -> Image<UInt8> {
        Image(sizeOf: image) { result in
            forEachRowOfMeans(of: image) { y, means in
                for (x, mean) in means.enumerated() {
                    // The mean of pixels that are all 255 may be 255.00001.
                    result[y * image.width + x] = UInt8(min(max(Self.rounded(mean), 0), 255))
                }
            }
        }
    }

    /// Calls `body` with each row of means, not rounded.
    private func forEachRowOfMeans(of image: Image<UInt8>, _ body: (_ y: Int, UnsafeBufferPointer<Float>) -> Void) {
        image.values.withUnsafeBufferPointer { source in
            SymmetricFilter(kernel, border: .replicate)(height: image.height, width: image.width) { y, row in
                let first = y * image.width
                for x in row.indices { row[x] = Float(source[first &+ x]) }
            } emit: { y, means in
                body(y, means)
            }
        }
    }

    /// Rounds half to even: float32 has no fractions from 2²³ on.
    @inline(__always)
    private static func rounded(_ mean: Float) -> Float { (mean + 0x1p23) - 0x1p23 }
}
