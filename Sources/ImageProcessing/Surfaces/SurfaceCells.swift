/// How a surface crosses a cell: the cube between eight neighbouring voxels.
///
/// Corners of a cell have the number `x + 2 y + 4 z`, each coordinate 0 or 1, and the code of a cell has the bit of each corner
/// that lies inside the object. Edges are 0 to 3 along x (`y + 2 z` of their corners), 4 to 7 along y (`4 + x + 2 z`), 8 to 11
/// along z (`8 + x + 2 y`). Faces are x low, x high, y low, y high, z low, z high.
///
/// The edges that are crossed form loops around the cell, and each loop gets a vertex of its own. With one vertex for a cell, as
/// in the original method, surfaces that pass through one cell would be glued together.
///
/// On a face whose corners alternate, inside is joined across the diagonal, so that thin sheets do not fall apart. There is one
/// exception: where the loops of both cells at the face pass it twice, two edges of the mesh would join the same two vertices.
/// There inside is parted. Then no edge is shared by more than two faces of the mesh, and the faces around a vertex form one
/// ring: it is a 2-manifold.
///
/// Source: G. M. Nielson, *Dual marching cubes* (2004), for loops; R. Wenger, *Isosurfaces: geometry, topology, and algorithms*
/// (2013), for faces that are passed twice.
struct SurfaceCells {
    /// The loops of a cell.
    struct Loops {
        /// The loop of each of the 12 edges, from 0; ``none`` for an edge that is not crossed.
        let loopOfEdge: [UInt8]
        /// The number of loops.
        let count: Int
        static let none: UInt8 = 255
    }

    /// The two corners of each edge; the first one is nearer to the origin.
    static let corners: [(first: Int, second: Int)] = (0..<12).map { edge in
        let (low, high) = (edge & 1, edge >> 1 & 1)
        return switch edge >> 2 {
        case 0: (2 * low + 4 * high, 2 * low + 4 * high + 1)
        case 1: (low + 4 * high, low + 4 * high + 2)
        default: (low + 2 * high, low + 2 * high + 4)
        }
    }

    /// The corners of each face, in a ring.
    private static let faces = [
        [0, 2, 6, 4], [1, 3, 7, 5], [0, 1, 5, 4], [2, 3, 7, 6], [0, 1, 3, 2], [4, 5, 7, 6],
    ]

    /// The loops of each of the 256 codes.
    let joined: [Loops]
    /// The same with inside parted at ``doubleFaces``.
    let parted: [Loops]
    /// The face of each code that a loop passes twice; nil where there is none. No code has two.
    let doubleFaces: [Int?]

    /// The tables, which are made once.
    static let standard = SurfaceCells()

    private init() {
        var (joined, parted, doubleFaces): ([Loops], [Loops], [Int?]) = ([], [], [])
        for code in 0..<256 {
            let loops = Self.loops(code, partedAt: nil)
            let face = Self.faces.indices.first { face in
                let segments = Self.segments(code, face, isParted: false)
                return segments.count == 2 && loops.loopOfEdge[segments[0].0] == loops.loopOfEdge[segments[1].0]
            }
            joined.append(loops)
            parted.append(face.map { Self.loops(code, partedAt: $0) } ?? loops)
            doubleFaces.append(face)
        }
        (self.joined, self.parted, self.doubleFaces) = (joined, parted, doubleFaces)
    }

    private static func isInside(_ corner: Int, _ code: Int) -> Bool { code >> corner & 1 == 1 }

    private static func edge(_ a: Int, _ b: Int) -> Int {
        corners.firstIndex { ($0.first, $0.second) == (min(a, b), max(a, b)) } ?? 0
    }

    /// The pairs of edges that the surface connects on a face: none, one, or two where its corners alternate.
    private static func segments(_ code: Int, _ face: Int, isParted: Bool) -> [(Int, Int)] {
        let ring = faces[face]
        let edges = (0..<4).map { edge(ring[$0], ring[($0 + 1) % 4]) }
        let crossed = (0..<4).filter { isInside(ring[$0], code) != isInside(ring[($0 + 1) % 4], code) }
        guard crossed.count == 4 else { return crossed.isEmpty ? [] : [(edges[crossed[0]], edges[crossed[1]])] }
        // The corners that are cut off by a segment each: those outside, or those inside.
        return (0..<4).filter { isInside(ring[$0], code) == isParted }.map { (edges[$0], edges[($0 + 3) % 4]) }
    }

    private static func loops(_ code: Int, partedAt parted: Int?) -> Loops {
        // Each edge points to an edge of its loop, at last to the lowest one.
        var lowest = Array(0..<12)
        func root(_ edge: Int) -> Int { lowest[edge] == edge ? edge : root(lowest[edge]) }
        for face in faces.indices {
            for (a, b) in segments(code, face, isParted: face == parted) {
                let (first, second) = (root(a), root(b))
                lowest[max(first, second)] = min(first, second)
            }
        }
        var (numbers, loopOfEdge, count) = ([Int: UInt8](), [UInt8](repeating: Loops.none, count: 12), 0)
        for edge in 0..<12 where isInside(corners[edge].first, code) != isInside(corners[edge].second, code) {
            let loop = root(edge)
            if numbers[loop] == nil {
                numbers[loop] = UInt8(count)
                count += 1
            }
            loopOfEdge[edge] = numbers[loop] ?? 0
        }
        return Loops(loopOfEdge: loopOfEdge, count: count)
    }
}
