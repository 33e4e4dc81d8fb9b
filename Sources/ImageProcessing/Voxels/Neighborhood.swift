/// The 3 × 3 × 3 voxels around a voxel, as bits: `bits[(dz + 1) · 9 + (dy + 1) · 3 + (dx + 1)]`, itself in the middle.
struct Neighborhood {
    var bits: UInt32

    static let center: UInt32 = 1 << 13

    /// The neighbours, without the voxel itself.
    var neighbors: UInt32 { bits & ~Self.center }

    /// Whether the voxel can be removed, and no component, hole or cavity appears or vanishes: its neighbours are one
    /// 26-connected component, and the Euler number of the union of closed voxels stays what it was.
    @inline(__always)
    func isSimple(_ tables: Tables) -> Bool { isConnected(tables) && keepsEulerNumber(tables) }

    /// Whether the neighbours that are foreground are one 26-connected component.
    @inline(__always)
    func isConnected(_ tables: Tables) -> Bool {
        let object = neighbors
        guard object != 0 else { return false }
        return Self.component(of: object & (~object &+ 1), in: object, tables.touching) == object
    }

    /// Whether removing the voxel removes as many vertices and faces as edges and cubes of the union of closed voxels: those
    /// that no neighbour shares.
    @inline(__always)
    func keepsEulerNumber(_ tables: Tables) -> Bool {
        let object = neighbors
        var change = -1
        for mask in tables.vertices where object & mask == 0 { change &+= 1 }
        for mask in tables.edges where object & mask == 0 { change &-= 1 }
        for mask in tables.faces where object & mask == 0 { change &+= 1 }
        return change == 0
    }

    /// Whether the voxel parts the background around it: two or more 6-connected components of the background, within the 18
    /// nearest neighbours, touch it with a face. It is then part of a surface (a "2-D isthmus").
    @inline(__always)
    func partsBackground(_ tables: Tables) -> Bool {
        let background = ~bits & tables.eighteen
        let faces = background & tables.six
        guard faces != 0 else { return false }
        return faces & ~Self.component(of: faces & (~faces &+ 1), in: background, tables.sharingFace) != 0
    }

    @inline(__always)
    private static func component(of seed: UInt32, in set: UInt32, _ adjacency: UnsafePointer<UInt32>) -> UInt32 {
        var (component, fresh) = (seed, seed)
        while fresh != 0 {
            let reached = adjacency[fresh.trailingZeroBitCount] & set & ~component
            component |= reached
            fresh = (fresh & (fresh &- 1)) | reached
        }
        return component
    }

    /// Which voxels of a neighbourhood are neighbours of one another, and which share the parts of the middle one.
    struct Tables {
        let touching: UnsafePointer<UInt32>
        let sharingFace: UnsafePointer<UInt32>
        let vertices: UnsafeBufferPointer<UInt32>
        let edges: UnsafeBufferPointer<UInt32>
        let faces: UnsafeBufferPointer<UInt32>
        let six: UInt32
        let eighteen: UInt32

        private static let offsets: [SIMD3<Int>] = (0..<27).map { SIMD3($0 % 3 - 1, $0 / 3 % 3 - 1, $0 / 9 - 1) }
        private static func steps(_ offset: SIMD3<Int>) -> Int { abs(offset.x) + abs(offset.y) + abs(offset.z) }

        private static func adjacency(_ isNeighbor: (SIMD3<Int>) -> Bool) -> [UInt32] {
            offsets.map { one in
                offsets.indices.reduce(0) { set, index in
                    // The middle is no way from one neighbour to another.
                    let other = offsets[index]
                    return steps(other) > 0 && steps(one) > 0 && isNeighbor(other &- one) ? set | 1 << UInt32(index) : set
                }
            }
        }

        /// For each part of the middle voxel of so many dimensions less than three, those who share it.
        private static func sharers(axes: Int) -> [UInt32] {
            offsets.filter { steps($0) == axes }.map { part in
                offsets.indices.reduce(0) { set, index in
                    let other = offsets[index]
                    let shares = (0..<3).allSatisfy { other[$0] == 0 || other[$0] == part[$0] }
                    return shares && steps(other) > 0 ? set | 1 << UInt32(index) : set
                }
            }
        }

        /// Hands out the tables, which end with the closure.
        static func with<Result>(_ body: (Tables) -> Result) -> Result {
            let touching = adjacency { $0 != .zero && max(abs($0.x), abs($0.y), abs($0.z)) == 1 }
            let sharingFace = adjacency { steps($0) == 1 }
            func set(upTo most: Int) -> UInt32 {
                offsets.indices.reduce(0) { (1...most).contains(steps(offsets[$1])) ? $0 | 1 << UInt32($1) : $0 }
            }
            let parts = (sharers(axes: 3), sharers(axes: 2), sharers(axes: 1))
            return (touching + sharingFace).withUnsafeBufferPointer { tables in
                parts.0.withUnsafeBufferPointer { vertices in
                    parts.1.withUnsafeBufferPointer { edges in
                        parts.2.withUnsafeBufferPointer { faces in
                            let base = tables.baseAddress.unsafelyUnwrapped
                            return body(
                                Tables(
                                    touching: base, sharingFace: base + 27, vertices: vertices, edges: edges, faces: faces,
                                    six: set(upTo: 1), eighteen: set(upTo: 2)))
                        }
                    }
                }
            }
        }
    }
}
