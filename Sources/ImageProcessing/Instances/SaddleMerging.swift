public import Basics

/// Finds markers for a flood: one for each hill of a map, where tops count as one hill if the saddle between them is hardly
/// lower than the lower of them.
///
/// On a map of distances to the background a hill is a body, and its height half of the body's width. Two tops are then two
/// bodies only where the neck between them is narrower than ``ratio`` times the smaller body. As a ratio this holds for
/// large and small bodies in one image, and at every voxel size; scikit-image's `h_maxima` asks for a depth in pixels.
///
/// The map is built from the top down, as in L. Najman, M. Couprie, *Building the component tree in quasi-linear time*, IEEE
/// Trans. Image Process. 15 (2006): a pixel without higher neighbours is a new top, one between two hills their saddle.
public struct SaddleMerging: Sendable, Hashable {
    /// Tops are one hill where the saddle is at least so high, as a part of the lower top.
    public let ratio: Double

    /// - Throws: ``ImageError`` unless the ratio is above 0 and at most 1; at 1 no tops are joined but those of a plateau.
    public init(ratio: Double) throws(ImageError) {
        guard ratio > 0, ratio <= 1 else {
            throw .parameter("the ratio of saddle to top", ratio, mustBe: "above 0, up to 1")
        }
        self.ratio = ratio
    }

    /// - Parameters:
    ///   - map: heights; none below zero counts as a hill.
    ///   - mask: where hills are looked for.
    /// - Returns: at a pixel of each top the number of its hill, 0 elsewhere. Hills are numbered from 1 in the order of the
    ///   pixels so marked.
    /// - Throws: ``ImageError`` where sizes differ, or the image has 2³¹ pixels and more.
    /// - Complexity: n log n in the pixels of the mask; memory is sixteen bytes for each of them and eight for each of the map.
    public func callAsFunction(_ map: Image<Float>, mask: Mask) throws(ImageError) -> Image<Int32> {
        try map.requireSize(of: mask)
        let stride = map.width + 2
        guard (map.height + 2) * stride <= Int(Int32.max) else {
            throw ImageError(.invalidSize, "hills of an image of 2³¹ pixels and more are not numbered; cut it into tiles")
        }
        var hills = Hills(ratio: Float(ratio))
        /// For each pixel the hill that it was found on, in a frame of zeros.
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

    /// The pixels of the mask with heights above zero, from high to low and then in raster order: the index in the lower
    /// half of each word.
    private static func fromTheTop(_ map: Image<Float>, _ mask: Mask) -> [UInt64] {
        var keys: [UInt64] = []
        for (index, height) in map.values.enumerated() where mask.values[index] && height > 0 {
            keys.append(UInt64(~FloodQueue.level(of: height)) &<< 32 | UInt64(index))
        }
        keys.sort()
        return keys
    }
}

/// Hills that grow from their tops until they meet; joined hills are known by the one with the highest top.
private struct Hills {
    let ratio: Float
    private var parents: [Int32] = [0]
    private var tops: [(index: Int, height: Float)] = [(0, 0)]

    init(ratio: Float) { self.ratio = ratio }

    mutating func add(top index: Int, height: Float) -> Int32 {
        parents.append(Int32(truncatingIfNeeded: parents.count))
        tops.append((index, height))
        return Int32(truncatingIfNeeded: parents.count - 1)
    }

    mutating func root(of hill: Int32) -> Int32 {
        var hill = hill
        while parents[Int(hill)] != hill {
            parents[Int(hill)] = parents[Int(parents[Int(hill)])]
            hill = parents[Int(hill)]
        }
        return hill
    }

    /// Two hills meet at a height, and become one if that is not far below the lower top. The one with the higher top, the
    /// earlier of two equally high, has the place where they meet.
    mutating func meet(_ a: Int32, _ b: Int32, at height: Float) -> Int32 {
        let (a, b) = (root(of: a), root(of: b))
        guard a != b else { return a }
        // Hills are added from the highest top to the lowest.
        let (higher, lower) = (min(a, b), max(a, b))
        let top = tops[Int(lower)].height
        if height >= ratio * top { parents[Int(lower)] = higher }
        return higher
    }

    /// At each top the number of its hill.
    mutating func markers(of map: Image<Float>) -> Image<Int32> {
        var numbers = [Int32](repeating: 0, count: parents.count)
        var count: Int32 = 0
        let order = (1..<max(parents.count, 1)).sorted { tops[$0].index < tops[$1].index }
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
