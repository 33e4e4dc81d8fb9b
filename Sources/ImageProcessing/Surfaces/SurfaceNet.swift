/// The surface of an object on a grid of values, slice by slice: inside are the values of at least one half.
///
/// It is a net of surface: each cell between eight voxels that the surface crosses gets a vertex, in the mean of the points where
/// the edges of the cell are crossed, and each crossed edge of the grid gets a quadrangle between the four cells around it, which
/// the shorter diagonal cuts into two triangles. Cells with several pieces of surface get several vertices (``SurfaceCells``).
///
/// The values outside of the grid count as 0, so that the surface is always closed: an object that is cut off by the border is
/// closed there, by a plane half a voxel beyond the last one. It is a 2-manifold for any values.
///
/// ```swift
/// var net = SurfaceNet(height: 64, width: 64, triangleLimit: 100_000)
/// for slice in slices { net.add(slice) }
/// net.finish()
/// ```
///
/// Source: S. F. F. Gibson, *Constrained elastic surface nets* (1998), without its relaxation: values are smoothed before.
///
/// - Complexity: one pass over the values. Memory is that of about seven slices of float32, and the surface.
struct SurfaceNet {
    /// The value at which the surface lies.
    static let level: Float = 0.5
    /// The least part of an edge between a crossing and its ends: what keeps triangles from having no area where a value is the
    /// level.
    private static let margin: Float = 0.02

    /// The vertices x, y, z in voxels of the grid.
    private(set) var positions: [SIMD3<Float>] = []
    /// Counter-clockwise, seen from outside.
    private(set) var triangles: [SIMD3<UInt32>] = []
    /// Whether there were more triangles than the limit. Then the surface is not complete, and nothing more is added.
    private(set) var isOverfull = false

    private let height: Int
    private let width: Int
    private let triangleLimit: Int
    /// Lengths of a voxel along x, y, z, to compare diagonals.
    private let scale: SIMD3<Float>
    private let cells = SurfaceCells.standard

    /// The columns of cells, and of values: one more than voxels, with one value of 0 before the first one.
    private let columns: Int
    /// The last three slices of values, each with a border of zeros; the last is the newest.
    private var values: [[Float]]
    /// Of the last four slices, for each cell the four corners in the slice that are inside, as bits.
    private var corners: [[UInt8]]
    /// Of the last two layers of cells, the first vertex of each cell, and which loops it has: its code, plus 256 where it is
    /// parted.
    private var vertices: [[UInt32]]
    private var kinds: [[UInt16]]
    private var crossedCells: [Int] = []
    /// The number of slices that were added, with the zeros before the first one.
    private var slices = 0

    /// - Parameters:
    ///   - scale: the lengths of a voxel along x, y, z in any unit.
    ///   - triangleLimit: the most triangles.
    /// - Precondition: height and width are positive.
    init(height: Int, width: Int, scale: SIMD3<Float> = .one, triangleLimit: Int) {
        precondition(height > 0 && width > 0, "a slice has at least one voxel")
        (self.height, self.width, self.scale, self.triangleLimit) = (height, width, scale, triangleLimit)
        columns = width + 2
        let count = columns * (height + 2)
        values = Array(repeating: [Float](repeating: 0, count: count), count: 3)
        corners = Array(repeating: [UInt8](repeating: 0, count: count), count: 4)
        vertices = Array(repeating: [UInt32](repeating: 0, count: count), count: 2)
        kinds = Array(repeating: [UInt16](repeating: 0, count: count), count: 2)
        push(nil)
    }

    /// Adds the next slice.
    ///
    /// - Parameter slice: the values `[y][x]`; values that are not a number count as 0.
    /// - Precondition: it has the size of the grid.
    mutating func add(_ slice: [Float]) {
        precondition(slice.count == height * width, "a slice has the size of the grid")
        push(slice)
    }

    /// Closes the surface after the last slice.
    mutating func finish() {
        push(nil)
        push(nil)
    }

    /// Adds a slice, or zeros; then the layer of cells below the last one has all its neighbours.
    private mutating func push(_ slice: [Float]?) {
        guard !isOverfull else { return }
        // The arrays of the oldest slice are used again.
        var (newest, bits) = (values.removeFirst(), corners.removeFirst())
        fill(&newest, with: slice)
        Self.collect(newest, into: &bits, columns: columns, rows: height + 2)
        values.append(newest)
        corners.append(bits)
        slices += 1
        if slices >= 3 { resolve(layer: slices - 3) }
    }

    private func fill(_ padded: inout [Float], with slice: [Float]?) {
        let (height, width, columns) = (height, width, columns)
        padded.withUnsafeMutableBufferPointer { padded in
            guard let slice else { return padded.update(repeating: 0) }
            slice.withUnsafeBufferPointer { slice in
                for y in 0..<height {
                    let (target, source) = ((y + 1) * columns + 1, y * width)
                    for x in 0..<width {
                        let value = slice[source + x]
                        // Also where it is not a number.
                        padded[target + x] = value > 0 ? min(value, 1) : 0
                    }
                }
            }
        }
    }

    /// Which corners of each cell are inside, of those that lie in a slice. Cells of the last row and column have none.
    private static func collect(_ values: [Float], into bits: inout [UInt8], columns: Int, rows: Int) {
        values.withUnsafeBufferPointer { values in
            bits.withUnsafeMutableBufferPointer { bits in
                for y in 0..<rows - 1 {
                    let row = y * columns
                    for x in row..<row + columns - 1 {
                        let first: UInt8 = (values[x] >= level ? 1 : 0) | (values[x + 1] >= level ? 2 : 0)
                        let second: UInt8 = (values[x + columns] >= level ? 4 : 0) | (values[x + columns + 1] >= level ? 8 : 0)
                        bits[x] = first | second
                    }
                }
            }
        }
    }

    // MARK: A layer of cells

    /// The code of a cell; `layer` is −1 for the layer below the one that is resolved, 0 for this one, 1 for the one above.
    private func code(_ cell: Int, _ layer: Int) -> Int { Int(corners[layer + 1][cell]) | Int(corners[layer + 2][cell]) << 4 }

    /// Makes the vertices of a layer, and the triangles of edges whose four cells are known by then.
    private mutating func resolve(layer: Int) {
        vertices.swapAt(0, 1)
        kinds.swapAt(0, 1)
        findCrossedCells()
        for cell in crossedCells {
            let code = code(cell, 0)
            let isParted = isParted(cell, code)
            vertices[1][cell] = UInt32(positions.count)
            kinds[1][cell] = UInt16(code + (isParted ? 256 : 0))
            let (y, x) = cell.quotientAndRemainder(dividingBy: columns)
            addVertices(isParted ? cells.parted[code] : cells.joined[code], cell, SIMD3(x, y, layer))
            addTriangles(cell, code)
            guard !isOverfull else { return }
        }
    }

    /// The cells of the layer that the surface crosses, in order: where not all corners, or none, are inside.
    private mutating func findCrossedCells() {
        crossedCells.removeAll(keepingCapacity: true)
        corners[1].withUnsafeBufferPointer { low in
            corners[2].withUnsafeBufferPointer { high in
                for y in 0...height {
                    for cell in y * columns...y * columns + width {
                        let code = low[cell] | high[cell] << 4
                        if code != 0, code != 255 { crossedCells.append(cell) }
                    }
                }
            }
        }
    }

    /// Whether the loops of a cell and of its neighbour both pass the face between them twice.
    private func isParted(_ cell: Int, _ code: Int) -> Bool {
        guard let face = cells.doubleFaces[code] else { return false }
        let sign = face & 1 == 0 ? -1 : 1
        let neighbour =
            switch face >> 1 {
            case 0: self.code(cell + sign, 0)
            case 1: self.code(cell + sign * columns, 0)
            default: self.code(cell, sign)
            }
        return cells.doubleFaces[neighbour] == face ^ 1
    }

    /// Adds the vertex of each loop of a cell.
    ///
    /// - Parameter place: of the cell, x, y, z; the first voxel of the grid is the far corner of the cell 0, 0, 0.
    private mutating func addVertices(_ loops: SurfaceCells.Loops, _ cell: Int, _ place: SIMD3<Int>) {
        let origin = SIMD3<Float>(place) - SIMD3(repeating: 1)
        for loop in 0..<loops.count {
            var (sum, count): (SIMD3<Float>, Float) = (.zero, 0)
            for edge in 0..<12 where loops.loopOfEdge[edge] == UInt8(loop) {
                let ends = SurfaceCells.corners[edge]
                let (first, second) = (value(cell, ends.first), value(cell, ends.second))
                let part = min(max((Self.level - first) / (second - first), Self.margin), 1 - Self.margin)
                var point = SIMD3<Float>(Float(ends.first & 1), Float(ends.first >> 1 & 1), Float(ends.first >> 2))
                point[edge >> 2] += part
                sum += point
                count += 1
            }
            positions.append(origin + sum / count)
        }
    }

    /// The value at a corner of a cell of the layer that is resolved.
    private func value(_ cell: Int, _ corner: Int) -> Float {
        values[corner >> 2][cell + (corner & 1) + (corner >> 1 & 1) * columns]
    }

    // MARK: Triangles

    /// Adds the triangles of the three edges at the corner of a cell that is nearest to the origin. Their other cells come before
    /// this one.
    private mutating func addTriangles(_ cell: Int, _ code: Int) {
        let isInside = code & 1 == 1
        if (code >> 1 & 1 == 1) != isInside {
            addQuadrangle(
                isInside, vertex(0, cell - columns, 3), vertex(0, cell, 2), vertex(1, cell, 0), vertex(1, cell - columns, 1))
        }
        if (code >> 2 & 1 == 1) != isInside {
            addQuadrangle(isInside, vertex(0, cell - 1, 7), vertex(1, cell - 1, 5), vertex(1, cell, 4), vertex(0, cell, 6))
        }
        if (code >> 4 & 1 == 1) != isInside {
            addQuadrangle(
                isInside, vertex(1, cell - columns - 1, 11), vertex(1, cell - columns, 10), vertex(1, cell, 8),
                vertex(1, cell - 1, 9))
        }
    }

    /// The vertex of the loop that an edge of a cell belongs to; `layer` is 1 for the layer that is resolved, and 0 for the one
    /// below.
    private func vertex(_ layer: Int, _ cell: Int, _ edge: Int) -> UInt32 {
        let kind = Int(kinds[layer][cell])
        let loops = kind >= 256 ? cells.parted[kind - 256] : cells.joined[kind]
        return vertices[layer][cell] + UInt32(loops.loopOfEdge[edge])
    }

    /// Adds a quadrangle whose corners go around the direction of its edge, which leads out of the object or into it.
    private mutating func addQuadrangle(_ isOutward: Bool, _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) {
        guard triangles.count + 2 <= triangleLimit else {
            isOverfull = true
            return
        }
        let (second, fourth) = isOutward ? (b, d) : (d, b)
        if squaredLength(a, c) <= squaredLength(second, fourth) {
            triangles.append(SIMD3(a, second, c))
            triangles.append(SIMD3(a, c, fourth))
        } else {
            triangles.append(SIMD3(a, second, fourth))
            triangles.append(SIMD3(second, c, fourth))
        }
    }

    private func squaredLength(_ a: UInt32, _ b: UInt32) -> Float {
        let difference = (positions[Int(a)] - positions[Int(b)]) * scale
        return (difference * difference).sum()
    }
}
