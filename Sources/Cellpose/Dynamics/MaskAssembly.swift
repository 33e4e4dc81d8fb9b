public import Basics
public import ImageProcessing

/// Makes masks of the pixels that came together: CellPose's `get_masks`.
///
/// End points are counted in each pixel. Where more than 10 came, and nowhere within 2 pixels more, an object is seeded; its
/// sink is what can be reached from there in at most 5 steps over pixels where more than 2 came. Sinks are laid down by ascending
/// count, later ones upon earlier ones, and each foreground pixel gets the label of the sink that it came to.
public struct MaskAssembly: Hashable, Sendable {
    /// The largest part of the image that one object may cover.
    public let largestFraction: Double

    /// - Throws: ``FlowError`` unless the fraction is in 0 … 1.
    public init(largestFraction: Double = 0.4) throws(FlowError) {
        guard (0...1).contains(largestFraction) else {
            throw .parameter("the part of the image that an object may cover", largestFraction, mustBe: "in 0 … 1")
        }
        self.largestFraction = largestFraction
    }

    /// The objects, numbered in the order in which a raster scan first meets them.
    ///
    /// Seeds of equal count come in raster order. CellPose leaves their order to a sort that is not stable; it shows only where
    /// the sinks of two such seeds overlap.
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
                labels[pixel] = sinks.labels[histogram.place(of: points.positions[next])]
                areas[Int(labels[pixel])] += 1
                next += 1
            }
        }
        let largest = Double(labels.values.count) * largestFraction
        return labels.renumbered { Double(areas[Int($0)]) > largest }
    }
}

/// How many points ended in each pixel, with a border in which none did, so that no neighbourhood leaves it.
private struct EndPointHistogram {
    /// As far as a sink reaches from its seed.
    private static let border = 5

    private let stride: Int
    private var counts: [Int32]

    init(of points: EndPoints) {
        stride = points.foreground.width + 2 * Self.border
        counts = Array(repeating: 0, count: (points.foreground.height + 2 * Self.border) * stride)
        for position in points.positions { counts[place(of: position)] += 1 }
    }

    /// The place of the pixel that a point ended in: its position, rounded down.
    func place(of position: SIMD2<Float>) -> Int {
        (Int(position.x) + Self.border) * stride + Int(position.y) + Self.border
    }

    /// For each place the number of its sink, the last of several, or 0; and how many sinks there are.
    func labelledSinks() -> (labels: [Int32], count: Int) {
        let seeds = counts.indices.filter(isSeed).sorted { (counts[$0], $0) < (counts[$1], $1) }
        var labels = [Int32](repeating: 0, count: counts.count)
        for (index, seed) in seeds.enumerated() {
            for place in sink(of: seed) { labels[place] = Int32(index + 1) }
        }
        return (labels, seeds.count)
    }

    private func isSeed(_ place: Int) -> Bool {
        let count = counts[place]
        guard count > 10 else { return false }
        for y in -2...2 {
            for x in -2...2 where counts[place + y * stride + x] > count { return false }
        }
        return true
    }

    /// What can be reached from the seed in as many steps as the border is wide.
    private func sink(of seed: Int) -> [Int] {
        var places = [seed]
        var ring = 0..<1
        for _ in 0..<Self.border {
            for index in ring {
                for offset in [-stride - 1, -stride, 1 - stride, -1, 1, stride - 1, stride, stride + 1] {
                    let place = places[index] + offset
                    if counts[place] > 2, !places.contains(place) { places.append(place) }
                }
            }
            ring = ring.upperBound..<places.count
        }
        return places
    }
}
