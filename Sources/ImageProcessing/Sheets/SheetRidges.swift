import Basics
public import Volumes

/// The ridges of sheets in some slices of a tomogram, with what the sheet around them says in favour of each.
///
/// A place is a word of eight bytes: 40 bits for its voxel, 8 for the ``CentreSurface`` code within it, 16 for its votes in parts of 1/512.
public struct SheetRidges: Sendable {
    /// The number of voxels of the slices along z, y and x.
    public let shape: VolumeShape
    /// The number of places on ridges that were found.
    public private(set) var count = 0

    private var places: [UInt64] = []
    private var histogram = [Int](repeating: 0, count: 1 << 16)
    /// Places with fewer votes were dropped.
    private var least: UInt64 = 0

    private static let resolution: Float = 512
    /// The most places that are kept: 128 MiB. Beyond that, the weaker half is dropped.
    private let limit: Int

    /// The votes that noise alone hardly gives: in white noise with a missing wedge, one ridge in a hundred had .66, none of 10⁵ more than .98.
    public static let noise = 0.7

    /// - Throws: ``ImageError`` where the slices have more than 2⁴⁰ voxels.
    init(shape: VolumeShape, limit: Int = 1 << 24) throws(ImageError) {
        guard shape.count <= 1 << 40 else {
            throw ImageError(.invalidSize, "\(shape) voxels are too many to look for sheets in at once; take a thinner slab")
        }
        (self.shape, self.limit) = (shape, max(limit, 2))
    }

    /// Adds a place: x, y, z in voxels from the centre of the first voxel of the slices. What lies beyond them is left out.
    mutating func add(_ place: SIMD3<Double>, votes: Float) {
        let voxel = place.rounded(.toNearestOrAwayFromZero)
        guard voxel.min() >= 0, voxel.x < Double(shape.x), voxel.y < Double(shape.y), voxel.z < Double(shape.z), votes >= 0
        else { return }
        let index = (UInt64(voxel.z) * UInt64(shape.y) + UInt64(voxel.y)) * UInt64(shape.x) + UInt64(voxel.x)
        let value = UInt64(min(votes * Self.resolution, 65535))
        count += 1
        histogram[Int(value)] += 1
        // Where even the strongest are too many, no more are taken.
        guard value >= least, places.count < limit || least < 65535 else { return }
        places.append(index << 24 | UInt64(CentreSurface.code(at: place - voxel)) << 16 | value)
        if places.count > limit { dropWeaker() }
    }

    private mutating func dropWeaker() {
        var (kept, value) = (places.count, Int(least))
        while kept > limit / 2, value < histogram.count - 1 {
            kept -= histogram[value]
            value += 1
        }
        least = UInt64(value)
        places.removeAll { $0 & 0xffff < least }
    }

    /// The threshold on votes that Otsu's criterion gives, or that of noise where it is higher.
    public var threshold: Double {
        let split = OtsuCriterion.bestSplit(of: histogram) { Double($0) } ?? 0
        return max((Double(split) + 0.5) / Double(Self.resolution), Self.noise)
    }

    /// The ridges with more votes than a threshold, as ``CentreSurface`` codes.
    ///
    /// - Complexity: sorts them.
    public func surface(above threshold: Double) -> SheetSurface {
        let least = UInt64(min(max(threshold * Double(Self.resolution), 0), 65535).rounded(.down))
        return SheetSurface(shape: shape, places: places.filter { $0 & 0xffff > least }.sorted())
    }
}

/// The centre surfaces of sheets, as the places on them.
public struct SheetSurface: Sendable {
    public let shape: VolumeShape
    /// In the order of their voxels.
    private let places: [UInt64]

    fileprivate init(shape: VolumeShape, places: [UInt64]) { (self.shape, self.places) = (shape, places) }

    /// Whether there is no place.
    public var isEmpty: Bool { places.isEmpty }

    /// The ``CentreSurface`` codes of a slice, `[y][x]`.
    ///
    /// - Precondition: the slice lies in ``shape``.
    public func codes(_ slice: Int) -> Image<UInt8> {
        precondition((0..<shape.z).contains(slice), "there is no slice \(slice)")
        let perSlice = UInt64(shape.voxelsPerSlice)
        let (from, to) = (UInt64(slice) * perSlice, UInt64(slice + 1) * perSlice)
        return Image(uncheckedHeight: shape.y, width: shape.x) { codes in
            codes.initialize(repeating: 0)
            var index = first(from: from)
            while index < places.count, places[index] >> 24 < to {
                codes[Int(places[index] >> 24 - from)] = UInt8(places[index] >> 16 & 0xff)
                index += 1
            }
        }
    }

    /// The index of the first place in a voxel or behind it.
    private func first(from voxel: UInt64) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] >> 24 < voxel { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
