import Dispatch
import Foundation

/// The surface area of each run of labels: the sum over the exposed faces of its voxels of face area · |n·a|, where n is the
/// surface normal (``FaceNormals``) and a the axis of the face. A face is exposed where the voxel behind it has another
/// class, or none.
struct SurfaceArea: Sendable {
    private let normals: FaceNormals
    /// The areas of a voxel's faces along x, y and z, in Å².
    private let faces: SIMD3<Double>

    init(_ edges: SIMD3<Double>) {
        normals = FaceNormals(edges)
        faces = SIMD3(edges.y * edges.z, edges.z * edges.x, edges.x * edges.y)
    }

    /// The surface area of each run of slice z, in Å². Faces on the border of the volume do not count.
    ///
    /// - Complexity: about 100 ns for each face, on all cores.
    func areas(of slice: LabelRuns, z: Int, _ window: ClassWindow, depth: Int) -> [Double] {
        let band = 16
        var areas = [Double](repeating: 0, count: slice.runs.count)
        window.withBits { bits in
            areas.withUnsafeMutableBufferPointer { areas in
                // Safe, because each iteration writes the areas of its own rows.
                nonisolated(unsafe) let areas = areas
                DispatchQueue.concurrentPerform(iterations: (window.height + band - 1) / band) { index in
                    for y in index * band..<min((index + 1) * band, window.height) {
                        for run in slice.runs(ofRow: y) {
                            areas[run] = area(
                                of: slice[run], y: y, z: z, bits, height: window.height, width: window.width, depth: depth)
                        }
                    }
                }
            }
        }
        return areas
    }

    /// The surface area of one run, in Å².
    private func area(
        of run: LabelRuns.Run, y: Int, z: Int, _ bits: ClassWindow.Bits, height: Int, width: Int, depth: Int
    ) -> Double {
        let classIndex = run.classIndex
        var sums = SIMD3<Double>.zero
        func add(_ axis: Int, x: Int, y: Int, z: Int) {
            sums[axis] += Double(normals.projection(axis: axis, x: x, y: y, z: z, classIndex: classIndex, bits))
        }
        if run.start > 0 { add(0, x: Int(run.start), y: y, z: z) }
        if Int(run.end) < width { add(0, x: Int(run.end), y: y, z: z) }
        // The four neighbouring rows along y and z. Where a row has no bit, there is a face: before this voxel for a row before
        // it, before the next voxel for a row after it.
        let neighbors = [(1, y - 1, z, y, z), (1, y + 1, z, y + 1, z), (2, y, z - 1, y, z), (2, y, z + 1, y, z + 1)]
        for (axis, besideY, besideZ, faceY, faceZ) in neighbors {
            guard besideY >= 0, besideY < height, besideZ >= 0, besideZ < depth else { continue }
            let row = bits.row(z: besideZ, y: besideY, classIndex: classIndex)
            var x = Int(run.start)
            while x < Int(run.end) {
                let count = min(64, Int(run.end) - x)
                var open = ~bits.bits(row: row, from: x)
                if count < 64 { open &= (1 &<< UInt64(count)) &- 1 }
                while open != 0 {
                    add(axis, x: x &+ open.trailingZeroBitCount, y: faceY, z: faceZ)
                    open &= open &- 1
                }
                x += count
            }
        }
        return (sums * faces).sum()
    }
}

/// The normal of a binary surface at the faces of its voxels.
///
/// The normal at a face is the direction from the middle of the face to the mean position of the voxels of the class within
/// 5.5 voxels, weighted by a Gaussian (σ 2 voxels). For a plane this direction is exact with any weights that depend on the
/// distance alone. A plane of area A and normal n has faces of total area A |n·a| along each axis a. Each face counts |n·a| of
/// its area, and Σ A (n·a)² = A.
private struct FaceNormals: Sendable {
    /// A row of voxels in the neighbourhood of a face.
    private struct Row {
        var y: Int
        var z: Int
        /// The offset along y and z from the middle of the face, in voxels.
        var offset: SIMD2<Float>
        /// The Gaussian weight of this offset.
        var weight: Float
        /// A bit for each voxel of the row, set within 5.5 voxels. Bit 0 is x − 6 for faces along x, x − 5 for others.
        var mask: Int
    }

    private static let radius = 5.5
    private static let sigma = 2.0

    /// The rows of the neighbourhood, for faces along x, y and z.
    private let rows: [[Row]]
    /// (Σ weight, Σ weight · offset) along x for each pattern of bits of a row: first of 12 voxels for faces along x, then of 11
    /// voxels for other faces.
    private let sums: [[SIMD2<Float>]]
    /// The voxel size along x, y and z in Å.
    private let edges: SIMD3<Float>

    init(_ edges: SIMD3<Double>) {
        self.edges = SIMD3<Float>(Float(edges.x), Float(edges.y), Float(edges.z))
        func offsets(isHalf: Bool) -> [(step: Int, offset: Double)] {
            isHalf ? (-6...5).map { ($0, Double($0) + 0.5) } : (-5...5).map { ($0, Double($0)) }
        }
        func weight(_ squared: Double) -> Double { exp(-squared / (2 * Self.sigma * Self.sigma)) }
        sums = [true, false].map { isHalf in
            let places = offsets(isHalf: isHalf)
            return (0..<1 << places.count).map { bits in
                var (sum, moment) = (0.0, 0.0)
                for (place, x) in places.enumerated() where bits >> place & 1 != 0 {
                    sum += weight(x.offset * x.offset)
                    moment += weight(x.offset * x.offset) * x.offset
                }
                return SIMD2(Float(sum), Float(moment))
            }
        }
        rows = (0..<3).map { axis in
            var rows: [Row] = []
            for z in offsets(isHalf: axis == 2) {
                for y in offsets(isHalf: axis == 1) {
                    let squared = y.offset * y.offset + z.offset * z.offset
                    var mask = 0
                    for (place, x) in offsets(isHalf: axis == 0).enumerated()
                    where squared + x.offset * x.offset <= Self.radius * Self.radius { mask |= 1 << place }
                    guard mask != 0 else { continue }
                    rows.append(
                        Row(
                            y: y.step, z: z.step, offset: SIMD2(Float(y.offset), Float(z.offset)), weight: Float(weight(squared)),
                            mask: mask))
                }
            }
            return rows
        }
    }

    /// |n·a| at the face between a voxel and the one before it along an axis.
    @inline(__always)
    func projection(axis: Int, x: Int, y: Int, z: Int, classIndex: UInt8, _ window: ClassWindow.Bits) -> Float {
        let first = axis == 0 ? x - 6 : x - 5
        var along: Float = 0
        var across = SIMD2<Float>.zero
        rows[axis].withUnsafeBufferPointer { rows in
            sums[axis == 0 ? 0 : 1].withUnsafeBufferPointer { sums in
                for row in rows {
                    let bits = window.bits(row: window.row(z: z &+ row.z, y: y &+ row.y, classIndex: classIndex), from: first)
                    let sum = sums[Int(truncatingIfNeeded: bits) & row.mask] * row.weight
                    along += sum.y
                    across += sum.x * row.offset
                }
            }
        }
        let normal = SIMD3(along, across.x, across.y) / edges
        let length = (normal * normal).sum().squareRoot()
        // Without a direction, where the class is symmetric about the face, the whole face counts.
        return length > 0 ? abs(normal[axis]) / length : 1
    }
}

/// The masks of all classes in the 13 slices around the current one, with one bit for each voxel.
///
/// The border of the volume is replicated, so that a surface continues straight beyond it. The slices form a ring buffer.
///
/// ```
/// words[slice mod 13][class − 1][y][word]: voxel x is bit x + 6 of its row
/// ```
struct ClassWindow: Sendable {
    /// The number of slices, rows and voxels that are needed on either side of a voxel.
    static let reach = 6
    private static let slices = 2 * reach + 1

    let height: Int
    let width: Int
    let classes: Int
    private let rowWords: Int
    private var words: [UInt64]
    /// The number of slices that were added.
    private(set) var depth = 0

    init(height: Int, width: Int, classes: Int) {
        self.height = height
        self.width = width
        self.classes = classes
        // One more word, because bits are read from two consecutive words.
        rowWords = (width + 2 * Self.reach + 63) / 64 + 1
        words = [UInt64](repeating: 0, count: Self.slices * classes * height * rowWords)
    }

    /// Adds the next slice, in place of the oldest one.
    mutating func add(_ slice: LabelRuns) {
        let first = depth % Self.slices * classes * height * rowWords
        let (height, width, rowWords) = (height, width, rowWords)
        words.withUnsafeMutableBufferPointer { words in
            words[first..<first + classes * height * rowWords].update(repeating: 0)
            for y in 0..<height {
                for index in slice.runs(ofRow: y) {
                    let run = slice[index]
                    let row = first + ((Int(run.classIndex) - 1) * height + y) * rowWords
                    let start = run.start == 0 ? 0 : Int(run.start) + Self.reach
                    let end = Int(run.end) + (run.end == width ? 2 : 1) * Self.reach
                    var bit = start
                    while bit < end {
                        let offset = bit % 64
                        let count = min(64 - offset, end - bit)
                        words[row + bit / 64] |= (count == 64 ? ~0 : (1 &<< UInt64(count)) &- 1) &<< UInt64(offset)
                        bit += count
                    }
                }
            }
        }
        depth += 1
    }

    /// Calls `body` with a reader of the bits, which is valid only within the closure.
    func withBits<Result>(_ body: (Bits) -> Result) -> Result {
        words.withUnsafeBufferPointer { body(Bits(words: $0, window: self)) }
    }

    /// A reader of the bits. It is valid only within the closure of ``ClassWindow/withBits(_:)``.
    struct Bits: @unchecked Sendable {
        private let words: UnsafeBufferPointer<UInt64>
        private let height: Int
        private let classes: Int
        private let rowWords: Int
        private let depth: Int

        init(words: UnsafeBufferPointer<UInt64>, window: ClassWindow) {
            self.words = words
            (height, classes, rowWords, depth) = (window.height, window.classes, window.rowWords, window.depth)
        }

        /// The index of the first word of a row; for rows and slices beyond the border that of the nearest one.
        @inline(__always)
        func row(z: Int, y: Int, classIndex: UInt8) -> Int {
            let (z, y) = (min(max(z, 0), depth - 1), min(max(y, 0), height - 1))
            return ((z % ClassWindow.slices &* classes &+ Int(classIndex) &- 1) &* height &+ y) &* rowWords
        }

        /// 64 bits of a row, of which the lowest is voxel `x`. `x` may lie up to 6 voxels beyond the border; at least the 12
        /// lowest bits are valid.
        @inline(__always)
        func bits(row: Int, from x: Int) -> UInt64 {
            let bit = x &+ ClassWindow.reach
            let (word, offset) = (row &+ bit &>> 6, UInt64(bit & 63))
            // Two shifts, because for an offset of 0 one shift would be by 64, which `&<<` takes as 0.
            return words[word] &>> offset | (words[word &+ 1] &<< 1) &<< (63 &- offset)
        }
    }
}
