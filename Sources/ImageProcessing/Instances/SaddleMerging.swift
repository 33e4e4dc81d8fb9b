public import Basics

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
