/// The area of the surface within each of the 256 neighbourhoods of 2 × 2 × 2 voxels, as marching cubes draw it.
///
/// The surface passes through the middle of each edge between the centres of a foreground and of a background voxel. Those
/// middles that belong to the corners of one edge-connected group form a polygon; of foreground and background the phase with
/// fewer voxels is grouped. A polygon that is not flat is cut as the fan that has the largest area for cubic voxels, which is
/// the one made of flat parts. It is the convention of google-deepmind/surface-distance (S. Nikolov et al., *Clinically
/// applicable segmentation of head and neck anatomy for radiotherapy*, JMIR 23 (2021)).
struct SurfaceAreas {
    /// Å², at the code whose bit `dz · 4 + dy · 2 + dx` is that of the voxel (dx, dy, dz).
    let values: [Double]

    /// - Parameter edges: those of a voxel along x, y and z, in Å.
    init(_ edges: SIMD3<Double>) {
        values = (0..<256).map { code in
            let fewer = code.nonzeroBitCount <= 4 ? code : 255 - code
            return Self.groups(of: (0..<8).filter { fewer >> $0 & 1 != 0 }).reduce(0) { area, group in
                area + Self.area(of: Self.fan(Self.polygon(around: group)), edges)
            }
        }
    }

    private typealias Triangle = (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)

    private static func place(_ corner: Int) -> SIMD3<Double> {
        SIMD3(Double(corner & 1), Double(corner >> 1 & 1), Double(corner >> 2))
    }

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

    private static func fan(_ polygon: [SIMD3<Double>]) -> [Triangle] {
        let fans = polygon.indices.map { apex in
            (1..<polygon.count - 1).map { step in
                (polygon[apex], polygon[(apex + step) % polygon.count], polygon[(apex + step + 1) % polygon.count])
            }
        }
        return fans.max { area(of: $0, SIMD3(1, 1, 1)) < area(of: $1, SIMD3(1, 1, 1)) } ?? []
    }

    private static func area(of triangles: [Triangle], _ edges: SIMD3<Double>) -> Double {
        triangles.reduce(0) { area, triangle in
            let (a, b) = ((triangle.1 - triangle.0) * edges, (triangle.2 - triangle.0) * edges)
            let normal = SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
            return area + (normal * normal).sum().squareRoot() / 2
        }
    }
}
