import Basics
import ImageProcessing
import Volumes

/// The elements of a mask's surface (``SurfaceComparison/Convention``), collected slice by slice.
///
/// With `elements` they are the neighbourhoods of 2 × 2 × 2 voxels that have both foreground and background; along each axis
/// there is one neighbourhood more than there are voxels. With `voxels` they are the foreground voxels of which one of the
/// six neighbours is background. Voxels outside of the volume count as background.
struct SurfaceElements: Sendable {
    let convention: SurfaceComparison.Convention
    /// The number of possible positions of elements along z, y and x.
    let extent: VolumeShape
    /// The elements in raster order. The low 56 bits are the index of the position, (z · extent.y + y) · extent.x + x; the high
    /// byte is the code of the neighbourhood, as in ``MarchingCubesAreas``.
    private(set) var places: [UInt64] = []
    /// The positions of the elements, for searches.
    private(set) var tree: VoxelTree
    /// The slice before; for `voxels` the two slices before.
    private var slices: [PackedSlice]

    /// The position of the code in an entry of ``places``.
    static let codeShift: UInt64 = 56

    init(shape: VolumeShape, voxelSize: VoxelSize, _ convention: SurfaceComparison.Convention) throws(MetricsError) {
        self.convention = convention
        let more = convention == .elements ? 1 : 0
        guard let extent = VolumeShape(z: shape.z + more, y: shape.y + more, x: shape.x + more),
            extent.count < 1 << Self.codeShift
        else {
            throw MetricsError(.invalidSize, "surfaces in a volume of \(shape) voxels cannot be numbered; split it")
        }
        self.extent = extent
        tree = VoxelTree(shape: extent, voxelSize: voxelSize)
        slices = Array(repeating: PackedSlice(height: shape.y, width: shape.x), count: convention == .elements ? 1 : 2)
    }

    /// Adds slice z. After the last slice of the volume one slice of background must be added.
    mutating func add(_ slice: PackedSlice, z: Int) {
        slices.append(slice)
        switch convention {
        case .elements: addElements(between: slices[0], slice, z: z)
        case .voxels where z > 0: addVoxels(of: slices[1], between: slices[0], slice, z: z - 1)
        case .voxels: break
        }
        slices.removeFirst()
    }

    /// Ends the volume: adds the slice of background after the last one.
    mutating func finish(depth: Int) {
        guard let last = slices.last else { return }
        add(PackedSlice(height: last.height, width: last.width), z: depth)
        slices.removeAll()
    }

    /// Appends the neighbourhoods between two slices that have both foreground and background, 64 at a time.
    private mutating func addElements(between lower: PackedSlice, _ upper: PackedSlice, z: Int) {
        let words = lower.rowWords
        for y in 0...lower.height {
            // The rows y − 1 and y of both slices; a packed slice has one row of border before row 0.
            let rows = (y * words, (y + 1) * words)
            for word in 0..<words {
                func four(_ word: Int) -> (UInt64, UInt64, UInt64, UInt64) {
                    (
                        lower.words[rows.0 + word], lower.words[rows.1 + word], upper.words[rows.0 + word],
                        upper.words[rows.1 + word]
                    )
                }
                let here = four(word)
                let next = word + 1 < words ? four(word + 1) : (0, 0, 0, 0)
                let (any, all) = (here.0 | here.1 | here.2 | here.3, here.0 & here.1 & here.2 & here.3)
                let (anyNext, allNext) = (next.0 | next.1 | next.2 | next.3, next.0 & next.1 & next.2 & next.3)
                // Each bit combines its voxel and the next one along x.
                let someForeground = any | any &>> 1 | anyNext &<< 63
                let noBackground = all & (all &>> 1 | allNext &<< 63)
                var open = someForeground & ~noBackground
                while open != 0 {
                    let bit = open.trailingZeroBitCount
                    open &= open &- 1
                    func two(_ here: UInt64, _ next: UInt64) -> UInt64 {
                        (here &>> UInt64(bit) | (bit == 63 ? next &<< 1 : 0)) & 3
                    }
                    let code =
                        two(here.0, next.0) | two(here.1, next.1) &<< 2 | two(here.2, next.2) &<< 4 | two(here.3, next.3) &<< 6
                    append(x: word &* 64 &+ bit, y: y, z: z, code: code)
                }
            }
        }
    }

    /// Appends the foreground voxels of a slice with a background neighbour, 64 at a time.
    private mutating func addVoxels(of slice: PackedSlice, between lower: PackedSlice, _ upper: PackedSlice, z: Int) {
        let words = slice.rowWords
        for y in 0..<slice.height {
            let row = (y + 1) * words
            for word in 0..<words {
                let index = row + word
                let here = slice.words[index]
                guard here != 0 else { continue }
                let left = here &<< 1 | (word > 0 ? slice.words[index - 1] &>> 63 : 0)
                let right = here &>> 1 | (word + 1 < words ? slice.words[index + 1] &<< 63 : 0)
                let beside = slice.words[index - words] & slice.words[index + words]
                var open = here & ~(left & right & beside & lower.words[index] & upper.words[index])
                while open != 0 {
                    append(x: word &* 64 &+ open.trailingZeroBitCount &- 1, y: y, z: z, code: 0)
                    open &= open &- 1
                }
            }
        }
    }

    private mutating func append(x: Int, y: Int, z: Int, code: UInt64) {
        places.append(code &<< Self.codeShift | UInt64((z &* extent.y &+ y) &* extent.x &+ x))
        tree.insert(x: x, y: y, z: z)
    }
}

/// The area of the marching-cubes surface in each of the 256 neighbourhoods of 2 × 2 × 2 voxels.
///
/// The voxel centres are the corners of a cube. The surface crosses the middle of each edge between a foreground and a
/// background corner. Of foreground and background, the corners of the smaller number are divided into edge-connected groups.
/// The middles of the edges that leave a group form a polygon. A polygon that is not flat is divided into the fan of triangles
/// that has the largest area for cubic voxels, which is the one made of flat parts. It is the convention of
/// google-deepmind/surface-distance (S. Nikolov et al., *Clinically applicable segmentation of head and neck anatomy for
/// radiotherapy*, JMIR 23 (2021)).
struct MarchingCubesAreas {
    /// The areas in Å². Bit `dz · 4 + dy · 2 + dx` of the index is set where the voxel (dx, dy, dz) is foreground.
    let values: [Double]

    /// - Parameter edges: the voxel size along x, y and z in Å.
    init(_ edges: SIMD3<Double>) {
        values = (0..<256).map { code in
            let fewer = code.nonzeroBitCount <= 4 ? code : 255 - code
            return Self.groups(of: (0..<8).filter { fewer >> $0 & 1 != 0 }).reduce(0) { area, group in
                area + Self.area(of: Self.fan(Self.polygon(around: group)), edges)
            }
        }
    }

    private typealias Triangle = (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)

    /// The position (x, y, z) of a corner of the unit cube.
    private static func place(_ corner: Int) -> SIMD3<Double> {
        SIMD3(Double(corner & 1), Double(corner >> 1 & 1), Double(corner >> 2))
    }

    /// The edge-connected groups of some corners.
    private static func groups(of corners: [Int]) -> [[Int]] {
        var (groups, rest) = ([[Int]](), corners)
        while let first = rest.popLast() {
            var group = [first]
            var index = 0
            while index < group.count {
                let near = rest.filter { ($0 ^ group[index]).nonzeroBitCount == 1 }
                group += near
                rest.removeAll { near.contains($0) }
                index += 1
            }
            groups.append(group)
        }
        return groups
    }

    /// The middles of the edges that leave a group of corners, in order around it: neighbours lie on one face of the cube.
    private static func polygon(around group: [Int]) -> [SIMD3<Double>] {
        var middles: [SIMD3<Double>] = []
        for corner in group {
            for axis in 0..<3 where !group.contains(corner ^ 1 << axis) {
                middles.append((place(corner) + place(corner ^ 1 << axis)) / 2)
            }
        }
        func shareFace(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Bool {
            (0..<3).contains { a[$0] == b[$0] && a[$0] != 0.5 }
        }
        var polygon = [middles.removeLast()]
        while let last = polygon.last, let next = middles.firstIndex(where: { shareFace($0, last) }) {
            polygon.append(middles.remove(at: next))
        }
        return polygon
    }

    /// The division of a polygon into a fan of triangles that has the largest area for cubic voxels.
    private static func fan(_ polygon: [SIMD3<Double>]) -> [Triangle] {
        let fans = polygon.indices.map { apex in
            (1..<polygon.count - 1).map { step in
                (polygon[apex], polygon[(apex + step) % polygon.count], polygon[(apex + step + 1) % polygon.count])
            }
        }
        return fans.max { area(of: $0, SIMD3(1, 1, 1)) < area(of: $1, SIMD3(1, 1, 1)) } ?? []
    }

    /// The area of triangles of the unit cube, scaled by the voxel size.
    private static func area(of triangles: [Triangle], _ edges: SIMD3<Double>) -> Double {
        triangles.reduce(0) { area, triangle in
            let (a, b) = ((triangle.1 - triangle.0) * edges, (triangle.2 - triangle.0) * edges)
            let normal = a.cross(b)
            return area + (normal * normal).sum().squareRoot() / 2
        }
    }
}
