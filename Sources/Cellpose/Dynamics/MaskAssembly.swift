public import Basics
public import ImageProcessing

/// Groups foreground pixels whose points end together into masks: CellPose's `get_masks`.
///
/// The histogram counts the points that end in each pixel. A pixel with more than 10 points, and no pixel with more within a
/// distance of 2, is the seed of an object. The object's sink is the set of pixels that can be reached from the seed in at most 5
/// steps to neighbours with more than 2 points each. Sinks are drawn in ascending order of their seed's count, and later ones
/// overwrite earlier ones. Each foreground pixel gets the label of the sink in which its point ends.
public struct MaskAssembly: Hashable, Sendable {
    /// The largest part of the image, 0 … 1, that one object may cover; larger objects are dropped.
    public let largestFraction: Double

    /// - Throws: ``FlowError`` unless the fraction is in 0 … 1.
    public init(largestFraction: Double = 0.4) throws(FlowError) {
        guard (0...1).contains(largestFraction) else {
            throw .parameter("the part of the image that an object may cover", largestFraction, mustBe: "in 0 … 1")
        }
        self.largestFraction = largestFraction
    }

    /// The labels of the objects, numbered 1 … n in the order of their first pixels in a raster scan; 0 is background.
    ///
    /// Seeds of equal count are taken in raster order. In CellPose their order is that of a sort that is not stable; the result
    /// can differ only where the sinks of two such seeds overlap.
    ///
    /// - Complexity: linear in the pixels.
    public func callAsFunction(_ points: EndPoints) -> Image<Int32> {
        let histogram = EndPointHistogram(of: points)
        let sinks = histogram.labelledSinks()
        var areas = [Int](repeating: 0, count: sinks.count + 1)
        let labels = Image<Int32>(sizeOf: points.foreground) { labels in
            var next = 0
            for (pixel, isForeground) in points.foreground.values.enumerated() {
                labels[pixel] = 0
                guard isForeground else { continue }
                labels[pixel] = sinks.labels[histogram.bin(of: points.positions[next])]
                areas[Int(labels[pixel])] += 1
                next += 1
            }
        }
        let largest = Double(labels.values.count) * largestFraction
        return labels.renumbered { Double(areas[Int($0)]) > largest }
    }
}

/// The number of points that end in each pixel, with an empty border, so that neighbourhoods need no bounds check.
private struct EndPointHistogram {
    /// The width of the border: the number of steps from a seed to the end of its sink.
    private static let border = 5

    private let stride: Int
    private var counts: [Int32]

    init(of points: EndPoints) {
        stride = points.foreground.width + 2 * Self.border
        counts = Array(repeating: 0, count: (points.foreground.height + 2 * Self.border) * stride)
        for position in points.positions { counts[bin(of: position)] += 1 }
    }

    /// The index in the histogram of the pixel in which a point ends: its position, rounded down.
    func bin(of position: SIMD2<Float>) -> Int {
        (Int(position.x) + Self.border) * stride + Int(position.y) + Self.border
    }

    /// For each pixel of the histogram the number of its sink, or 0, and the number of sinks. Where sinks overlap, the last one
    /// counts.
    func labelledSinks() -> (labels: [Int32], count: Int) {
        let seeds = counts.indices.filter(isSeed).sorted { (counts[$0], $0) < (counts[$1], $1) }
        var labels = [Int32](repeating: 0, count: counts.count)
        for (index, seed) in seeds.enumerated() {
            for bin in sink(of: seed) { labels[bin] = Int32(index + 1) }
        }
        return (labels, seeds.count)
    }

    /// Whether more than 10 points end in a pixel, and in no pixel of its 5 × 5 neighbourhood more.
    private func isSeed(_ bin: Int) -> Bool {
        let count = counts[bin]
        guard count > 10 else { return false }
        for y in -2...2 {
            for x in -2...2 where counts[bin + y * stride + x] > count { return false }
        }
        return true
    }

    /// The pixels that can be reached from the seed in at most 5 steps, each to one of the 8 neighbours with more than 2 points.
    private func sink(of seed: Int) -> [Int] {
        var bins = [seed]
        var ring = 0..<1
        for _ in 0..<Self.border {
            for index in ring {
                for offset in [-stride - 1, -stride, 1 - stride, -1, 1, stride - 1, stride, stride + 1] {
                    let bin = bins[index] + offset
                    if counts[bin] > 2, !bins.contains(bin) { bins.append(bin) }
                }
            }
            ring = ring.upperBound..<bins.count
        }
        return bins
    }
}
