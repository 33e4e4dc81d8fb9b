public import Basics
import Foundation

/// The size, position and shape of the pixels with one label.
///
/// Properties are those of scikit-image's `regionprops`, unless stated otherwise.
public struct InstanceShape: Sendable, Hashable {
    /// The label of the pixels.
    public let label: Int32
    /// The number of pixels.
    public let area: Int
    /// The bounding box of the pixels.
    public let box: ImageRegion
    /// The mean x of the pixels; the first pixel of a row is at 0.
    public let x: Double
    /// The mean y of the pixels; the first row is at 0.
    public let y: Double
    /// The variance of x in pixels².
    public let varianceX: Double
    /// The variance of y in pixels².
    public let varianceY: Double
    /// The covariance of x and y in pixels².
    public let covariance: Double
    /// The length of the outline in pixels, from the numbers of straight, diagonal and mixed steps: K. Benkrid, D. Crookes,
    /// *Design and FPGA implementation of a perimeter estimator*, 2000, as in scikit-image's `perimeter`; 0 for up to four
    /// pixels in a block.
    public let perimeter: Double

    /// The diameter in pixels of the disc with the same area.
    public var equivalentDiameter: Double { (4 * Double(area) / .pi).squareRoot() }

    /// The variances along the principal axes in pixels².
    public var principalVariances: (larger: Double, smaller: Double) {
        let mean = (varianceX + varianceY) / 2
        let half = ((varianceX - varianceY) * (varianceX - varianceY) / 4 + covariance * covariance).squareRoot()
        return (mean + half, max(0, mean - half))
    }

    /// The length in pixels of the longer axis of the ellipse with the same variances.
    public var majorAxis: Double { 4 * principalVariances.larger.squareRoot() }
    /// The length in pixels of the shorter axis of the ellipse with the same variances.
    public var minorAxis: Double { 4 * principalVariances.smaller.squareRoot() }

    /// √(1 − smaller / larger variance): 0 for a disc, near 1 for a line, 0 for a single pixel.
    public var eccentricity: Double {
        let (larger, smaller) = principalVariances
        return larger == 0 ? 0 : max(0, 1 - smaller / larger).squareRoot()
    }

    /// The shorter axis divided by the longer: 1 for a disc and for a single pixel. Pixels count as squares, not as points: 1/12
    /// is added to the variances, as in MATLAB's `regionprops`, so that a line one pixel wide has a width.
    public var aspectRatio: Double {
        let (larger, smaller) = principalVariances
        return ((smaller + 1 / 12) / (larger + 1 / 12)).squareRoot()
    }

    /// 4πA/P², with the area A and the ``perimeter`` P: near 1 for a disc, less for long or ragged shapes. At most 1: small
    /// shapes, whose perimeter is underestimated, would exceed it.
    public var circularity: Double {
        perimeter > 0 ? min(1, 4 * .pi * Double(area) / (perimeter * perimeter)) : 1
    }

    /// The area divided by that of the ellipse with the same variances (of squares, as for ``aspectRatio``): 1 for ellipses,
    /// less for rings, crescents and scattered pixels.
    public var ellipseFill: Double {
        let (larger, smaller) = principalVariances
        return Double(area) / (4 * .pi * ((larger + 1 / 12) * (smaller + 1 / 12)).squareRoot())
    }
}

extension Image<Int32> {
    /// The shapes of all labels that occur, in the order of the labels; 0 is background.
    ///
    /// - Throws: ``ImageError`` where a label is negative or larger than the number of pixels.
    /// - Complexity: two passes over the pixels. Memory is 112 bytes for each number up to the largest label, and three rows.
    public func instanceShapes() throws(ImageError) -> [InstanceShape] {
        var sums = [ShapeSums](repeating: ShapeSums(), count: try largestLabel() + 1)
        values.withUnsafeBufferPointer { labels in
            sums.withUnsafeMutableBufferPointer { sums in
                var outlines = OutlineRows(labels: labels, height: height, width: width)
                for y in 0..<height {
                    for x in 0..<width {
                        let label = labels[y &* width &+ x]
                        guard label != 0 else { continue }
                        sums[Int(label)].add(y: y, x: x)
                    }
                    outlines.steps(ofRow: y) { label, length in sums[label].perimeter.add(length) }
                }
            }
        }
        return sums.enumerated().compactMap { $1.shape(label: Int32(truncatingIfNeeded: $0)) }
    }

    /// The image in which each label is replaced by `table[label]`. Background, negative labels and labels beyond the table
    /// become 0.
    ///
    /// - Complexity: one pass over the pixels.
    public func relabelled(by table: [Int32]) -> Image<Int32> {
        map { $0 > 0 && Int($0) < table.count ? table[Int($0)] : 0 }
    }

    /// The largest label.
    ///
    /// - Throws: ``ImageError`` where a label is negative or larger than the number of pixels.
    func largestLabel() throws(ImageError) -> Int {
        var (least, largest): (Int32, Int32) = (0, 0)
        for label in values {
            least = Swift.min(least, label)
            largest = Swift.max(largest, label)
        }
        guard least == 0, Int(largest) <= values.count else {
            throw ImageError(
                .invalidParameter,
                "the label \(least < 0 ? least : largest) is out of range; number instances from 1, with 0 for background")
        }
        return Int(largest)
    }
}

/// Sums over the pixels of a label. They are exact integers: sides are below 2³¹, and coordinates are relative to the first
/// pixel, so that sums of squares fit 64 bits.
private struct ShapeSums {
    private var count = 0
    private var firstY = 0
    private var firstX = 0
    private var (sumY, sumX, sumYY, sumXX, sumXY) = (0, 0, 0, 0, 0)
    private var (minX, maxX, maxY) = (Int.max, 0, 0)
    var perimeter = StepCounts()

    @inline(__always)
    mutating func add(y: Int, x: Int) {
        if count == 0 { (firstY, firstX) = (y, x) }
        let (dy, dx) = (y &- firstY, x &- firstX)
        count &+= 1
        sumY &+= dy
        sumX &+= dx
        sumYY &+= dy &* dy
        sumXX &+= dx &* dx
        sumXY &+= dy &* dx
        minX = min(minX, x)
        maxX = max(maxX, x)
        maxY = y
    }

    func shape(label: Int32) -> InstanceShape? {
        guard count > 0, let box = ImageRegion(y: firstY..<maxY + 1, x: minX..<maxX + 1) else { return nil }
        let n = Double(count)
        let (meanY, meanX) = (Double(sumY) / n, Double(sumX) / n)
        return InstanceShape(
            label: label, area: count, box: box, x: Double(firstX) + meanX, y: Double(firstY) + meanY,
            varianceX: max(0, Double(sumXX) / n - meanX * meanX), varianceY: max(0, Double(sumYY) / n - meanY * meanY),
            covariance: Double(sumXY) / n - meanX * meanY, perimeter: perimeter.length)
    }
}

/// The numbers of outline pixels that count as a straight step, as a diagonal step, and as half of each (mixed).
private struct StepCounts {
    private var (straight, diagonal, mixed) = (0, 0, 0)

    @inline(__always)
    mutating func add(_ step: OutlineRows.Step) {
        switch step {
        case .straight: straight &+= 1
        case .diagonal: diagonal &+= 1
        case .mixed: mixed &+= 1
        }
    }

    var length: Double {
        Double(straight) + Double(diagonal) * 2.0.squareRoot() + Double(mixed) * (1 + 2.0.squareRoot()) / 2
    }
}

/// The outlines of labels in three consecutive rows. A pixel is on the outline where one of its four neighbours has another
/// label or lies outside of the image.
private struct OutlineRows {
    enum Step { case straight, diagonal, mixed }

    private let labels: UnsafeBufferPointer<Int32>
    private let height: Int
    private let width: Int
    /// The rows before, at and after the current one, with one pixel of 0 at either end: the label of pixels on an outline, 0
    /// elsewhere.
    private var rows: [[Int32]]
    private var nextRow = 0

    init(labels: UnsafeBufferPointer<Int32>, height: Int, width: Int) {
        (self.labels, self.height, self.width) = (labels, height, width)
        rows = Array(repeating: Array(repeating: 0, count: width + 2), count: 3)
        advance()
    }

    /// Drops the first of the three rows and computes the outline of the next one.
    private mutating func advance() {
        rows.swapAt(0, 1)
        rows.swapAt(1, 2)
        let y = nextRow
        nextRow += 1
        let row = y * width
        for x in 0..<width {
            guard y < height else {
                rows[2][x + 1] = 0
                continue
            }
            let index = row &+ x
            let label = labels[index]
            let isInside =
                y > 0 && y &+ 1 < height && x > 0 && x &+ 1 < width && labels[index &- width] == label
                && labels[index &+ width] == label && labels[index &- 1] == label && labels[index &+ 1] == label
            rows[2][x + 1] = isInside ? 0 : label
        }
    }

    /// Calls `body` with each step of the outlines in row `y`. Rows must be processed in order.
    mutating func steps(ofRow y: Int, _ body: (_ label: Int, Step) -> Void) {
        advance()
        rows[0].withUnsafeBufferPointer { above in
            rows[1].withUnsafeBufferPointer { middle in
                rows[2].withUnsafeBufferPointer { below in
                    for x in 1..<width &+ 1 {
                        let label = middle[x]
                        guard label != 0 else { continue }
                        func isSame(_ other: Int32) -> Int { other == label ? 1 : 0 }
                        let sides = isSame(above[x]) &+ isSame(below[x]) &+ isSame(middle[x &- 1]) &+ isSame(middle[x &+ 1])
                        let corners =
                            isSame(above[x &- 1]) &+ isSame(above[x &+ 1]) &+ isSame(below[x &- 1]) &+ isSame(below[x &+ 1])
                        // The table of Benkrid and Crookes: the step for each kind of neighbourhood.
                        switch (sides, corners) {
                        case (2, 0), (3, 0), (2, 1), (3, 1), (2, 2), (3, 2): body(Int(label), .straight)
                        case (0, 2), (1, 3): body(Int(label), .diagonal)
                        case (1, 1), (1, 2): body(Int(label), .mixed)
                        default: break
                        }
                    }
                }
            }
        }
    }
}
