public import Basics

/// The watershed transform from markers: each pixel gets the label of the marker whose flood reaches it first.
///
/// The labels equal those of scikit-image's `watershed(image, markers, mask=mask, connectivity=…)` in every pixel, ties
/// included. Pixels are flooded in the order of their values, pixels of equal value in the order in which a neighbour was
/// flooded. Neighbours are visited in the order up, left, right, down, then the four corners.
///
/// Source: S. Beucher, F. Meyer, *The morphological approach to segmentation: the watershed transformation*, in E. Dougherty
/// (ed.), *Mathematical Morphology in Image Processing*, 1993; P. Soille, M. Ansoult, *Automated basin delineation from
/// digital elevation models using mathematical morphology*, Signal Processing 20 (1990).
public struct Watershed: Sendable, Hashable {
    /// The neighbours to which the flood spreads.
    public let connectivity: Connectivity

    /// - Parameter connectivity: the neighbours to which the flood spreads.
    public init(connectivity: Connectivity = .four) { self.connectivity = connectivity }

    /// Floods an image `[y][x]`.
    ///
    /// - Parameters:
    ///   - image: the heights; low values are flooded first. NaN is flooded last, like +∞.
    ///   - markers: labels from 1 where floods begin, 0 elsewhere. A label may begin at several pixels.
    ///   - mask: where the flood may spread; everywhere by default. Markers outside of it are ignored.
    /// - Returns: labels `[y][x]`; 0 outside of the mask, and where no flood arrives.
    /// - Throws: ``ImageError`` where sizes differ, a marker is negative, or the image has 2³² pixels or more.
    /// - Complexity: n log n in the flooded pixels. Memory is the result, eight bytes for each pixel, and twelve for each pixel
    ///   in the queue.
    public func callAsFunction(_ image: Image<Float>, markers: Image<Int32>, mask: Mask? = nil) throws(ImageError) -> Image<Int32>
    {
        try image.requireSize(of: markers)
        if let mask { try image.requireSize(of: mask) }
        guard (image.height + 2) * (image.width + 2) <= Int(UInt32.max) else {
            throw ImageError(.invalidSize, "an image of 2³² pixels and more cannot be flooded; cut it into tiles")
        }
        guard markers.values.allSatisfy({ $0 >= 0 }) else {
            throw ImageError(.invalidParameter, "a marker is negative; number markers from 1, with 0 where there is none")
        }
        let flooded = flood(image, markers, mask)
        return Image<Int32>(sizeOf: image) { result in
            for y in 0..<image.height {
                for x in 0..<image.width {
                    result[y &* image.width &+ x] = max(0, flooded[(y &+ 1) &* (image.width &+ 2) &+ x &+ 1])
                }
            }
        }
    }

    /// The labels with a border of −1, one pixel wide, so that every pixel has all neighbours. Pixels outside of the mask are
    /// also −1.
    private func flood(_ image: Image<Float>, _ markers: Image<Int32>, _ mask: Mask?) -> [Int32] {
        let (width, stride) = (image.width, image.width + 2)
        var labels = [Int32](repeating: -1, count: (image.height + 2) * stride)
        var levels = [UInt32](repeating: 0, count: labels.count)
        // The lowest level comes first, and of equal levels the oldest pixel: a key has the level in its upper 32 bits and the
        // age in the lower ones. scikit-image has the same heap, whose layout decides where several markers begin at one level.
        var queue = PriorityQueue<UInt64, UInt32>()
        let neighbours = [-stride, -1, 1, stride, -stride - 1, -stride + 1, stride - 1, stride + 1].prefix(connectivity.rawValue)
        labels.withUnsafeMutableBufferPointer { labels in
            levels.withUnsafeMutableBufferPointer { levels in
                for y in 0..<image.height {
                    for x in 0..<width where mask?.values[y &* width &+ x] ?? true {
                        let index = y &* width &+ x
                        let place = (y &+ 1) &* stride &+ x &+ 1
                        labels[place] = markers.values[index]
                        levels[place] = image.values[index].floodLevel
                        guard labels[place] > 0 else { continue }
                        queue.push(UInt64(levels[place]) &<< 32, UInt32(truncatingIfNeeded: place))
                    }
                }
                var age: UInt32 = 0
                while let (key, place) = queue.pop() {
                    let level = UInt32(truncatingIfNeeded: key &>> 32)
                    let label = labels[Int(place)]
                    for offset in neighbours {
                        let neighbour = Int(place) &+ offset
                        guard labels[neighbour] == 0 else { continue }
                        labels[neighbour] = label
                        age &+= 1
                        // A pixel is not flooded before the neighbour from which the flood comes.
                        queue.push(
                            UInt64(max(level, levels[neighbour])) &<< 32 | UInt64(age), UInt32(truncatingIfNeeded: neighbour))
                    }
                }
            }
        }
        return labels
    }
}

extension Float {
    /// An integer that has the order of the values. 0 and −0 are equal; NaN counts as +∞.
    @inline(__always)
    var floodLevel: UInt32 {
        // Adding 0 makes 0 of −0.
        (isNaN ? .infinity : self + 0).orderedBits
    }
}
