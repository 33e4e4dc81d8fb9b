import Basics
import Dispatch
import Volumes

/// Places of membranes in the order of the cells of a grid, for look-ups of what is near.
struct MembraneGrid: Sendable {
    /// In Å, cell by cell; within a cell by ``ranks``.
    let places: [SIMD3<Float>]
    let pieces: [Int32]
    /// For each place a number that is as good as random: what is at most p · 2³² is a sample of the part p.
    let ranks: [UInt32]
    let voxelSize: VoxelSize
    /// The edges of the voxels of which each has a place: longer where places were left out.
    let edges: SIMD3<Double>

    private let starts: [Int32]
    private let edge: Float
    private let (columns, rows, layers): (Int, Int, Int)

    /// - Complexity: sorts the places; 4 bytes for each cell of 64 or more voxels, of which there are at most 16 million.
    init(_ points: MembranePoints, check: () throws -> Void) throws {
        try check()
        (voxelSize, edges) = (points.voxelSize, points.edges)
        let sides = SIMD3(Double(points.shape.x), Double(points.shape.y), Double(points.shape.z)) * voxelSize.vectorInAngstroms
        var edge = 4 * edges.sum() / 3
        var counts = (1, 1, 1)
        while true {
            let cells = (sides / edge).rounded(.up)
            if cells.x * cells.y * cells.z <= 0x1p24 {
                counts = (max(1, Int(cells.x)), max(1, Int(cells.y)), max(1, Int(cells.z)))
                break
            }
            edge *= 1.25
        }
        let (columns, rows, layers) = counts
        (self.columns, self.rows, self.layers) = (columns, rows, layers)
        self.edge = Float(edge)
        let shift = SIMD3<Float>(voxelSize.vectorInAngstroms / 2)
        let (all, length) = (points.places, Float(edge))
        let cells = all.map { place -> Int32 in
            let cell = (place + shift) / length
            let x = min(max(Int(cell.x), 0), columns - 1)
            let y = min(max(Int(cell.y), 0), rows - 1)
            let z = min(max(Int(cell.z), 0), layers - 1)
            return Int32((z * rows + y) * columns + x)
        }
        // Of places that were left out the ranks were greater.
        let ranks = all.map { MembranePoints.rank($0) << points.halvings }
        try check()
        let order = all.indices.sorted { (cells[$0], ranks[$0], $0) < (cells[$1], ranks[$1], $1) }
        places = order.map { all[$0] }
        pieces = order.map { points.pieces[$0] }
        self.ranks = order.map { ranks[$0] }
        var starts = [Int32](repeating: 0, count: columns * rows * layers + 1)
        for cell in cells { starts[Int(cell) + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        self.starts = starts
    }

    /// Calls `body` for each place within a distance: with its index, the vector to it, and the square of its length.
    ///
    /// - Parameter rank: places with a greater rank are left out.
    @inline(__always)
    func forEach(near place: SIMD3<Float>, within reach: Float, rank: UInt32 = .max, _ body: (Int, SIMD3<Float>, Float) -> Void) {
        let shift = SIMD3<Float>(voxelSize.vectorInAngstroms / 2)
        let low = ((place - reach + shift) / edge).rounded(.down)
        let high = ((place + reach + shift) / edge).rounded(.down)
        let (x0, x1) = (min(max(Int(low.x), 0), columns - 1), min(max(Int(high.x), 0), columns - 1))
        let (y0, y1) = (min(max(Int(low.y), 0), rows - 1), min(max(Int(high.y), 0), rows - 1))
        let (z0, z1) = (min(max(Int(low.z), 0), layers - 1), min(max(Int(high.z), 0), layers - 1))
        let limit = reach * reach
        for z in z0...z1 {
            for y in y0...y1 {
                for x in x0...x1 {
                    let cell = (z &* rows &+ y) &* columns &+ x
                    var index = Int(starts[cell])
                    let end = Int(starts[cell &+ 1])
                    while index < end, ranks[index] <= rank {
                        let vector = places[index] - place
                        let square = (vector * vector).sum()
                        if square <= limit { body(index, vector, square) }
                        index &+= 1
                    }
                }
            }
        }
    }

    /// Calls `body` for parts of 0 ..< count on all cores; between some, `check`.
    static func parts(of count: Int, check: () throws -> Void, _ body: @Sendable (Range<Int>) -> Void) throws {
        let (length, parts) = (1024, 64)
        for start in stride(from: 0, to: count, by: length * parts) {
            try check()
            let end = min(count, start + length * parts)
            DispatchQueue.concurrentPerform(iterations: (end - start + length - 1) / length) { part in
                let first = start + part * length
                body(first..<min(first + length, end))
            }
        }
    }
}
