public import Basics
public import Volumes

/// A set of voxels with nearest-neighbour search.
///
/// It is a tree of 64-bit words. A word has one bit for each of its 4 × 4 × 4 children, which is set where the child contains
/// a voxel of the set. The children of the lowest level are voxels. Memory is 1/8 byte for each voxel of the volume, 38 MB for
/// 1000 × 1000 × 300, and 1/63 of that for the levels above.
///
/// ```
/// levels[0][z / 4][y / 4][x / 4], bit (z mod 4) · 16 + (y mod 4) · 4 + (x mod 4): voxel (x, y, z)
/// levels[1]: the same for the words of levels[0], and so on, up to a level of one word
/// ```
public struct VoxelTree: Sendable {
    /// The number of voxels of the volume along z, y and x.
    public let shape: VolumeShape
    /// The voxel size along x, y and z in Å.
    private let edges: SIMD3<Double>
    private var levels: [[UInt64]]
    /// For each level its number of words along x, y and z.
    private let sides: [SIMD3<Int>]
    /// Whether the set has no voxel.
    public private(set) var isEmpty = true

    /// Creates an empty set.
    ///
    /// - Parameters:
    ///   - shape: the shape of the volume.
    ///   - voxelSize: the voxel size in Å, for distances.
    public init(shape: VolumeShape, voxelSize: VoxelSize) {
        self.shape = shape
        edges = voxelSize.vectorInAngstroms
        var side = SIMD3(shape.x, shape.y, shape.z)
        var sides: [SIMD3<Int>] = []
        repeat {
            side = (side &+ 3) / 4
            sides.append(side)
        } while side != SIMD3(1, 1, 1)
        self.sides = sides
        levels = sides.map { [UInt64](repeating: 0, count: $0.x * $0.y * $0.z) }
    }

    /// Adds a voxel, which must lie in the volume.
    @inline(__always)
    package mutating func insert(x: Int, y: Int, z: Int) {
        var (x, y, z) = (x, y, z)
        isEmpty = false
        for level in sides.indices {
            let word = ((z / 4) &* sides[level].y &+ y / 4) &* sides[level].x &+ x / 4
            let bit: UInt64 = 1 &<< UInt64((z & 3) << 4 | (y & 3) << 2 | (x & 3))
            let before = levels[level][word]
            levels[level][word] = before | bit
            // If the word was not empty, the bits of the levels above are already set.
            if before != 0 { return }
            (x, y, z) = (x / 4, y / 4, z / 4)
        }
    }

    /// Adds the foreground voxels of slice z.
    ///
    /// - Throws: ``ImageError`` where the mask has another size than a slice of the volume, or there is no slice z.
    /// - Complexity: one pass over the pixels, and one insertion for each foreground voxel.
    public mutating func insert(_ mask: Mask, z: Int) throws(ImageError) {
        guard mask.height == shape.y, mask.width == shape.x, z >= 0, z < shape.z else {
            throw ImageError(
                .invalidSize,
                "slice \(z) of \(mask.width) × \(mask.height) pixels does not fit a volume of \(shape) voxels; "
                    + "give slices 0 to \(shape.z - 1) of \(shape.x) × \(shape.y)")
        }
        let packed = PackedSlice(mask)
        for y in 0..<shape.y {
            let row = (y + 1) * packed.rowWords
            for word in 0..<packed.rowWords {
                var bits = packed.words[row + word]
                while bits != 0 {
                    insert(x: word &* 64 &+ bits.trailingZeroBitCount &- 1, y: y, z: z)
                    bits &= bits &- 1
                }
            }
        }
    }

    /// The distance in Å from a place to the centre of the nearest voxel; nil where no voxel is nearer than the bound.
    ///
    /// - Parameters:
    ///   - place: (x, y, z) in voxels; integers are voxel centres. It need not lie in the volume.
    ///   - bound: the distance in Å at which the search stops. A smaller bound visits fewer nodes.
    /// - Complexity: logarithmic where the nearest voxel is near, or there are few voxels.
    public func distance(from place: SIMD3<Double>, below bound: Double = .infinity) -> Double? {
        withSearch { search in
            let squared = search.squaredDistance(from: place, below: bound * bound)
            return squared < bound * bound ? squared.squareRoot() : nil
        }
    }

    /// Calls `body` with a search of the tree, which is fast for many places. The search is valid only within the closure.
    package func withSearch<Result>(_ body: (Search) throws -> Result) rethrows -> Result {
        // The pointers to all levels lie in one buffer, so that a search needs one pointer.
        try withUnsafeTemporaryAllocation(of: UnsafePointer<UInt64>.self, capacity: levels.count) { pointers in
            func open(_ level: Int) throws -> Result {
                guard level < levels.count else {
                    return try body(
                        Search(levels: UnsafePointer(pointers.baseAddress.unsafelyUnwrapped), sides: sides, edges: edges))
                }
                return try levels[level].withUnsafeBufferPointer { words in
                    pointers[level] = words.baseAddress.unsafelyUnwrapped
                    return try open(level + 1)
                }
            }
            return try open(0)
        }
    }

    /// A search of a tree. It is valid only within the closure of ``VoxelTree/withSearch(_:)``.
    package struct Search: @unchecked Sendable {
        fileprivate let levels: UnsafePointer<UnsafePointer<UInt64>>
        fileprivate let sides: [SIMD3<Int>]
        fileprivate let edges: SIMD3<Double>

        /// The squared distance in Å² to the centre of the nearest voxel; `bound` (Å²) where no voxel is nearer.
        @inline(__always)
        package func squaredDistance(from place: SIMD3<Double>, below bound: Double) -> Double {
            var best = bound
            sides.withUnsafeBufferPointer { sides in
                visit(sides.count - 1, .zero, place, sides, &best)
            }
            return best
        }

        /// Searches the children of a node and lowers `best` (Å²). The first child of `node` is at `4 * node`.
        private func visit(
            _ level: Int, _ node: SIMD3<Int>, _ place: SIMD3<Double>, _ sides: UnsafeBufferPointer<SIMD3<Int>>,
            _ best: inout Double
        ) {
            var children = levels[level][(node.z &* sides[level].y &+ node.y) &* sides[level].x &+ node.x]
            guard children != 0 else { return }
            // The squared distances along an axis between the place and the four layers of children.
            let size = Double(1 &<< (2 &* level))
            func gaps(_ axis: Int) -> SIMD4<Double> {
                var result = SIMD4<Double>.zero
                for child in 0..<4 {
                    let first = Double(node[axis] &* 4 &+ child) * size
                    let gap = max(first - place[axis], place[axis] - (first + size - 1), 0) * edges[axis]
                    result[child] = gap * gap
                }
                return result
            }
            let (xs, ys, zs) = (gaps(0), gaps(1), gaps(2))
            if level == 0 {
                while children != 0 {
                    let child = children.trailingZeroBitCount
                    children &= children &- 1
                    best = min(best, xs[child & 3] + ys[child &>> 2 & 3] + zs[child &>> 4])
                }
                return
            }
            // The nearest child is searched first, since its result is likely to exclude the others.
            var (nearest, least) = (-1, best)
            var rest = children
            while rest != 0 {
                let child = rest.trailingZeroBitCount
                rest &= rest &- 1
                let gap = xs[child & 3] + ys[child &>> 2 & 3] + zs[child &>> 4]
                if gap < least { (nearest, least) = (child, gap) } else if gap >= best { children &= ~(1 &<< UInt64(child)) }
            }
            guard nearest >= 0 else { return }
            func enter(_ child: Int) {
                visit(
                    level &- 1, SIMD3(node.x &* 4 &+ (child & 3), node.y &* 4 &+ (child &>> 2 & 3), node.z &* 4 &+ child &>> 4),
                    place,
                    sides, &best)
            }
            enter(nearest)
            children &= ~(1 &<< UInt64(nearest))
            while children != 0 {
                let child = children.trailingZeroBitCount
                children &= children &- 1
                if xs[child & 3] + ys[child &>> 2 & 3] + zs[child &>> 4] < best { enter(child) }
            }
        }
    }
}
