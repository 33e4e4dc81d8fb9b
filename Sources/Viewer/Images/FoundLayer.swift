import Basics
import Volumes

/// A layer, and where its pixels or points come from. Nothing is read before it is asked for.
struct FoundLayer: Sendable {
    var layer: ViewerLayer
    let content: Content

    enum Content: Sendable {
        case volume(LayerVolume)
        case points(@Sendable () throws -> [ViewerPoint])
    }

    /// The volume of a layer of maps or labels; nil for points.
    var volume: LayerVolume? { if case .volume(let volume) = content { volume } else { nil } }
}

/// A volume of the tomogram's size that a layer shows: labels as bytes, or numbers.
struct LayerVolume: Sendable {
    /// Another one where the content is another one.
    let key: String
    /// Opens the volume.
    let open: @Sendable () throws -> any Volume
    let pixels: Pixels

    enum Pixels: Sendable {
        /// Labels as bytes.
        case labels
        /// Numbers, of which these become 0 and 255.
        case numbers(ClosedRange<Float>)
        /// The same, where an artifact says which.
        case scaled(@Sendable () throws -> ClosedRange<Float>)
    }

    /// - Parameter digests: of what the volume is made of, in order.
    init(_ id: String, _ digests: [Digest], _ pixels: Pixels, open: @escaping @Sendable () throws -> any Volume) {
        key = "\(id) \(Digest(of: digests.map(\.hexadecimal).joined(separator: " ").utf8).hexadecimal)"
        (self.open, self.pixels) = (open, pixels)
    }
}

extension [Range<Int>] {
    /// The slices that any of the ranges has, as pairs of first and end, in order; those that touch are one.
    var mergedPairs: [[Int]] {
        var pairs: [[Int]] = []
        for range in sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = pairs.last, range.lowerBound <= last[1] {
                pairs[pairs.count - 1][1] = Swift.max(last[1], range.upperBound)
            } else {
                pairs.append([range.lowerBound, range.upperBound])
            }
        }
        return pairs
    }
}
