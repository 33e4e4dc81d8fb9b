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

/// Finds the markers of a watershed: the maxima of a map. Two maxima are merged where the saddle between them is at least
/// ``ratio`` times the lower maximum.
///
/// In a map of distances to the background a maximum is a body, and its height is half of the body's width. Two bodies are
/// then separated where the neck between them is narrower than ``ratio`` times the smaller body. A ratio suits large and
/// small bodies in one image, and every voxel size; scikit-image's `h_maxima` needs a depth in pixels instead.
///
/// Pixels are processed from the highest to the lowest, as in L. Najman, M. Couprie, *Building the component tree in
/// quasi-linear time*, IEEE Trans. Image Process. 15 (2006): a pixel without higher neighbours is a new maximum ("hill"), a
/// pixel between two hills is their saddle.
public struct SaddleMerging: Sendable, Hashable {
    /// The least height of a saddle that merges two maxima, as a fraction of the lower maximum.
    public let ratio: Double

    /// - Parameter ratio: above 0, at most 1. At 1 only maxima of one plateau are merged.
    /// - Throws: ``ImageError`` where the ratio is out of range.
    public init(ratio: Double) throws(ImageError) {
        guard ratio > 0, ratio <= 1 else {
            throw .parameter("the ratio of saddle to top", ratio, mustBe: "above 0, up to 1")
        }
        self.ratio = ratio
    }

    /// Finds the markers of a map `[y][x]`.
    ///
    /// - Parameters:
    ///   - map: the heights. Only pixels above 0 belong to hills.
    ///   - mask: the pixels to process.
    /// - Returns: markers `[y][x]`: at one pixel of each maximum the number of its hill, 0 elsewhere. Merged maxima have the same
    ///   number. Hills are numbered from 1 in the raster order of their first markers.
    /// - Throws: ``ImageError`` where sizes differ, or the image has 2³¹ pixels or more.
    /// - Complexity: n log n in the pixels of the mask. Memory is sixteen bytes for each of them, and eight for each pixel of the
    ///   map.
    public func callAsFunction(_ map: Image<Float>, mask: Mask) throws(ImageError) -> Image<Int32> {
        try map.requireSize(of: mask)
        let stride = map.width + 2
        guard (map.height + 2) * stride <= Int(Int32.max) else {
            throw ImageError(.invalidSize, "hills of an image of 2³¹ pixels and more are not numbered; cut it into tiles")
        }
        var hills = Hills(ratio: Float(ratio))
        /// The hill of each pixel, 0 for pixels not processed yet, with a border of zeros.
        var places = [Int32](repeating: 0, count: (map.height + 2) * stride)
        let neighbours = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1]
        places.withUnsafeMutableBufferPointer { places in
            for key in Self.fromTheTop(map, mask) {
                let index = Int(key & 0xFFFF_FFFF)
                let height = map.values[index]
                let place = (index / map.width &+ 1) &* stride &+ index % map.width &+ 1
                var hill: Int32 = 0
                for offset in neighbours where places[place &+ offset] != 0 {
                    hill =
                        hill == 0
                        ? hills.root(of: places[place &+ offset]) : hills.meet(hill, places[place &+ offset], at: height)
                }
                places[place] = hill == 0 ? hills.add(top: index, height: height) : hill
            }
        }
        return hills.markers(of: map)
    }

    /// The pixels of the mask with heights above 0, from high to low, and in raster order where heights are equal. The lower 32
    /// bits of a key are the index of the pixel.
    private static func fromTheTop(_ map: Image<Float>, _ mask: Mask) -> [UInt64] {
        var keys: [UInt64] = []
        for (index, height) in map.values.enumerated() where mask.values[index] && height > 0 {
            keys.append(UInt64(~height.floodLevel) &<< 32 | UInt64(index))
        }
        keys.sort()
        return keys
    }
}

/// The hills found so far, of which some are merged.
private struct Hills {
    let ratio: Float
    /// The sets of merged hills; hill 0 is not used. The root of a set is its first hill, which has the highest top.
    private var sets = DisjointSets(count: 1)
    /// The highest pixel of each hill.
    private var tops: [(index: Int, height: Float)] = [(0, 0)]

    init(ratio: Float) { self.ratio = ratio }

    /// Adds a hill and returns its number.
    mutating func add(top index: Int, height: Float) -> Int32 {
        sets.grow(by: 1)
        tops.append((index, height))
        return Int32(truncatingIfNeeded: tops.count - 1)
    }

    /// The root of a hill's set.
    mutating func root(of hill: Int32) -> Int32 {
        Int32(truncatingIfNeeded: sets.root(of: Int(hill)))
    }

    /// Merges two hills that meet at a saddle of this height, if it is at least `ratio` times the lower top. Returns the hill of
    /// the saddle pixel: the one with the higher top, or the earlier one of equal tops.
    mutating func meet(_ a: Int32, _ b: Int32, at height: Float) -> Int32 {
        let (a, b) = (root(of: a), root(of: b))
        guard a != b else { return a }
        // Hills are added in the order of their tops, from the highest to the lowest.
        let (higher, lower) = (min(a, b), max(a, b))
        let top = tops[Int(lower)].height
        if height >= ratio * top { sets.join(Int(a), Int(b)) }
        return higher
    }

    /// The number of its merged hill at each top, 0 elsewhere.
    mutating func markers(of map: Image<Float>) -> Image<Int32> {
        var numbers = [Int32](repeating: 0, count: tops.count)
        var count: Int32 = 0
        let order = (1..<tops.count).sorted { tops[$0].index < tops[$1].index }
        let marks = order.map { hill in
            let root = Int(root(of: Int32(truncatingIfNeeded: hill)))
            if numbers[root] == 0 {
                count += 1
                numbers[root] = count
            }
            return (tops[hill].index, numbers[root])
        }
        return Image<Int32>(sizeOf: map) { result in
            result.initialize(repeating: 0)
            for (index, number) in marks { result[index] = number }
        }
    }
}
