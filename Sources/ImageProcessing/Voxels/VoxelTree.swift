public import Basics
public import Volumes

/// A set of voxels in which the nearest one to a place is found without looking at most of them.
///
/// A tree in which every node is a word: of its 4 × 4 × 4 children those bits are set in which there is a voxel. The leaves are
/// voxels: 1/8 byte for each of the volume, 38 MB for 1000 × 1000 × 300, and 1/63 of that for the nodes above.
///
/// ```
/// levels[0][z / 4][y / 4][x / 4], bit (z mod 4) · 16 + (y mod 4) · 4 + (x mod 4): voxels
/// levels[1]: the same of the words of levels[0], and so on, until there is one word
/// ```
public struct VoxelTree: Sendable {
    /// The extent of the places at which there may be voxels.
    public let shape: VolumeShape
    private let edges: SIMD3<Double>
    private var levels: [[UInt64]]
    private let sides: [SIMD3<Int>]
    public private(set) var isEmpty = true

    /// - Parameters:
    ///   - shape: the extent of the volume.
    ///   - voxelSize: what distances are measured with, in Å.
    public init(shape: VolumeShape, voxelSize: VoxelSize) {
        self.shape = shape
        edges = SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms)
        var side = SIMD3(shape.x, shape.y, shape.z)
        var sides: [SIMD3<Int>] = []
        repeat {
            side = (side &+ 3) / 4
            sides.append(side)
        } while side != SIMD3(1, 1, 1)
        self.sides = sides
        levels = sides.map { [UInt64](repeating: 0, count: $0.x * $0.y * $0.z) }
    }

    /// Adds a voxel of the volume.
    @inline(__always)
    package mutating func insert(x: Int, y: Int, z: Int) {
        var (x, y, z) = (x, y, z)
        isEmpty = false
        for level in sides.indices {
            let word = ((z / 4) &* sides[level].y &+ y / 4) &* sides[level].x &+ x / 4
            let bit: UInt64 = 1 &<< UInt64((z & 3) << 4 | (y & 3) << 2 | (x & 3))
            let before = levels[level][word]
            levels[level][word] = before | bit
            // Where the word was not empty, those above it know.
            if before != 0 { return }
            (x, y, z) = (x / 4, y / 4, z / 4)
        }
    }

    /// Adds the voxels of a slice.
    ///
    /// - Throws: ``ImageError`` where the mask has another size than a slice of the volume, or there is no such slice.
    public mutating func insert(_ mask: Mask, z: Int) throws(ImageError) {
        guard mask.height == shape.y, mask.width == shape.x, z >= 0, z < shape.z else {
            throw ImageError(
                .invalidSize, "slice \(z) of \(mask.width) × \(mask.height) pixels does not fit a volume of \(shape) voxels")
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

    /// The distance in Å from a place to the centre of the nearest voxel; nil where there is none within the bound.
    ///
    /// - Parameters:
    ///   - place: (x, y, z) in voxels; whole numbers are centres. It need not lie in the volume.
    ///   - bound: nothing at this distance in Å or beyond is looked for. The nearer it is, the fewer nodes are visited.
    /// - Complexity: logarithmic where voxels are near or few.
    public func distance(from place: SIMD3<Double>, below bound: Double = .infinity) -> Double? {
        withSearch { search in
            let squared = search.squaredDistance(from: place, below: bound * bound)
            return squared < bound * bound ? squared.squareRoot() : nil
        }
    }

    /// Hands out what searches the tree, for many searches.
    package func withSearch<Result>(_ body: (Search) throws -> Result) rethrows -> Result {
        // One stretch of memory for all levels, so that one pointer reaches them.
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

    /// Searches a tree; valid as long as the closure it was handed to.
    package struct Search: @unchecked Sendable {
        fileprivate let levels: UnsafePointer<UnsafePointer<UInt64>>
        fileprivate let sides: [SIMD3<Int>]
        fileprivate let edges: SIMD3<Double>

        /// The squared distance in Å² to the nearest voxel, or the bound if there is none that is nearer.
        @inline(__always)
        package func squaredDistance(from place: SIMD3<Double>, below bound: Double) -> Double {
            var best = bound
            sides.withUnsafeBufferPointer { sides in
                visit(sides.count - 1, .zero, place, sides, &best)
            }
            return best
        }

        /// Looks through a node whose first child is at four times `node`, counted in children.
        private func visit(
            _ level: Int, _ node: SIMD3<Int>, _ place: SIMD3<Double>, _ sides: UnsafeBufferPointer<SIMD3<Int>>,
            _ best: inout Double
        ) {
            var children = levels[level][(node.z &* sides[level].y &+ node.y) &* sides[level].x &+ node.x]
            guard children != 0 else { return }
            // The squared gaps along each axis between the place and the four layers of children.
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
            // The nearest child first: it is likely to rule out the others.
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
