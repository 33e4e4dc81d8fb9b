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
