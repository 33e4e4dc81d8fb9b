extension BitVolume {
    /// The skeleton of the foreground, by thinning: voxels are removed from the surface layer by layer, as long as no
    /// component, hole or cavity appears or vanishes.
    ///
    /// Source: T.-C. Lee, R. L. Kashyap, C.-N. Chu, *Building skeleton models via 3-D medial surface/axis thinning
    /// algorithms*, CVGIP 56 (1994). Each round processes the six directions in turn: it finds the voxels that are removable
    /// from this direction, then removes them one by one, each only if it is still removable.
    ///
    /// * ``SkeletonKind/curve`` keeps the ends of lines, which are voxels with one neighbour. The result equals scikit-image's
    ///   `skeletonize`, except for bodies that `skeletonize` removes completely.
    /// * ``SkeletonKind/surface`` keeps every voxel that has once separated the background around it into two parts, a 2-D
    ///   isthmus (G. Bertrand, M. Couprie, *Isthmus based parallel and symmetric 3D thinning algorithms*, Graphical Models 80
    ///   (2015)).
    ///
    /// - Complexity: about 50 ns for each voxel of a layer and direction. A voxel that was not removed is tested again only
    ///   after a neighbour was removed. Memory is two bit volumes, for surfaces three.
    public func thinned(to kind: SkeletonKind) -> BitVolume {
        var result = self
        Neighborhood.Tables.with { tables in
            var thinning = Thinning(self, kind)
            result.words.withUnsafeMutableBufferPointer { thinning.run(on: $0, tables) }
        }
        return result
    }
}

/// The kind of skeleton that thinning produces.
public enum SkeletonKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// Curves: the centre line of a filament. An open sheet also shrinks from its rim, to a line or a point.
    case curve
    /// Surfaces: the middle surface of a membrane, one voxel thick, and curves where the body is a filament.
    case surface
}

/// The state of a thinning. Voxels are tested only where something may have changed.
private struct Thinning {
    private let kind: SkeletonKind
    private let rowWords: Int
    private let sliceWords: Int
    /// The first word of each row with voxels to test, in raster order.
    private var activeRows: [Int]
    /// Voxels that could not be removed and whose neighbours have not changed since; they need no test.
    private var settled: [UInt64]
    /// Voxels of surfaces, which are never removed; empty for curves.
    private var kept: [UInt64]
    /// Whether a row is in ``awakeRows``.
    private var isAwake: [Bool]
    /// The rows that may have voxels to test in the next direction.
    private var awakeRows: [Int] = []

    init(_ volume: BitVolume, _ kind: SkeletonKind) {
        self.kind = kind
        rowWords = volume.rowWords
        sliceWords = volume.sliceWords
        settled = [UInt64](repeating: 0, count: volume.words.count)
        kept = kind == .surface ? settled : []
        isAwake = [Bool](repeating: false, count: volume.words.count / rowWords)
        activeRows = []
        for row in isAwake.indices where volume.words[row * rowWords..<(row + 1) * rowWords].contains(where: { $0 != 0 }) {
            activeRows.append(row * rowWords)
        }
    }

    /// The directions of a round, in scikit-image's order: −y, +y, +x, −x, +z, −z.
    private enum Direction: CaseIterable {
        case below, above, right, left, behind, before
    }

    /// Thins the volume in place, until a round removes nothing.
    mutating func run(on words: UnsafeMutableBufferPointer<UInt64>, _ tables: Neighborhood.Tables) {
        var candidates: [Int] = []
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for direction in Direction.allCases {
                candidates.removeAll(keepingCapacity: true)
                for row in activeRows { findCandidates(in: row, from: direction, words, tables, &candidates) }
                for bit in candidates where isRemovable(bit, words, tables) {
                    words[bit / 64] &= ~(1 &<< UInt64(bit % 64))
                    wakeNeighbors(of: bit)
                    hasChanged = true
                }
                findActiveRows(words)
            }
        }
    }

    /// Collects the rows for the next direction: those with voxels that are not settled, which include the neighbours of
    /// removed voxels.
    private mutating func findActiveRows(_ words: UnsafeMutableBufferPointer<UInt64>) {
        for row in activeRows { wakeRow(of: row) }
        activeRows.removeAll(keepingCapacity: true)
        awakeRows.sort()
        for index in awakeRows {
            isAwake[index] = false
            let row = index * rowWords
            if (row..<row + rowWords).contains(where: { words[$0] & ~settled[$0] != 0 }) { activeRows.append(row) }
        }
        awakeRows.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    private mutating func wakeRow(of word: Int) {
        let row = word / rowWords
        guard !isAwake[row] else { return }
        isAwake[row] = true
        awakeRows.append(row)
    }

    /// Appends the voxels of a row that have background in a direction and are removable. Those that are not removable become
    /// settled.
    private mutating func findCandidates(
        in row: Int, from direction: Direction, _ words: UnsafeMutableBufferPointer<UInt64>, _ tables: Neighborhood.Tables,
        _ candidates: inout [Int]
    ) {
        for index in row..<row + rowWords {
            let unsettled = words[index] & ~settled[index]
            guard unsettled != 0 else { continue }
            let beside =
                switch direction {
                case .below: words[index &- rowWords]
                case .above: words[index &+ rowWords]
                case .right: words[index] &>> 1 | (index &+ 1 < row &+ rowWords ? words[index &+ 1] &<< 63 : 0)
                case .left: words[index] &<< 1 | (index > row ? words[index &- 1] &>> 63 : 0)
                case .behind: words[index &+ sliceWords]
                case .before: words[index &- sliceWords]
                }
            var open = unsettled & ~beside
            while open != 0 {
                let bit = index &* 64 &+ open.trailingZeroBitCount
                open &= open &- 1
                let neighborhood = neighborhood(of: bit, words)
                let stays: Bool
                switch kind {
                case .curve:
                    stays = neighborhood.neighbors.nonzeroBitCount == 1
                case .surface:
                    stays = neighborhood.partsBackground(tables)
                    if stays { kept[index] |= 1 &<< UInt64(bit % 64) }
                }
                if stays || !neighborhood.isSimple(tables) {
                    settled[index] |= 1 &<< UInt64(bit % 64)
                } else {
                    candidates.append(bit)
                }
            }
        }
    }

    /// Whether a candidate is still removable after the removal of earlier candidates.
    @inline(__always)
    private func isRemovable(_ bit: Int, _ words: UnsafeMutableBufferPointer<UInt64>, _ tables: Neighborhood.Tables) -> Bool {
        let neighborhood = neighborhood(of: bit, words)
        return kind == .curve ? neighborhood.isConnected(tables) : neighborhood.isSimple(tables)
    }

    @inline(__always)
    private func neighborhood(of bit: Int, _ words: UnsafeMutableBufferPointer<UInt64>) -> Neighborhood {
        // The border of background keeps foreground away from the first and last bits, so that no index is out of range.
        var (bits, place): (UInt32, UInt32) = (0, 0)
        for slice in -1...1 {
            for row in -1...1 {
                let first = bit &- 1 &+ (slice &* sliceWords &+ row &* rowWords) &* 64
                let (word, offset) = (first &>> 6, UInt64(first & 63))
                var three = words[word] &>> offset
                if offset > 61 { three |= words[word &+ 1] &<< (64 &- offset) }
                bits |= UInt32(truncatingIfNeeded: three & 7) &<< place
                place &+= 3
            }
        }
        return Neighborhood(bits: bits)
    }

    /// Marks the neighbours of a removed voxel to be tested again, unless they are kept.
    private mutating func wakeNeighbors(of bit: Int) {
        for slice in -1...1 {
            for row in -1...1 {
                let first = bit &- 1 &+ (slice &* sliceWords &+ row &* rowWords) &* 64
                let (word, offset) = (first &>> 6, UInt64(first & 63))
                wake(word, 7 &<< offset)
                if offset > 61 { wake(word &+ 1, 7 &>> (64 &- offset)) }
            }
        }
    }

    @inline(__always)
    private mutating func wake(_ word: Int, _ bits: UInt64) {
        settled[word] &= kind == .surface ? ~bits | kept[word] : ~bits
        wakeRow(of: word)
    }
}

/// The 3 × 3 × 3 neighbourhood of a voxel, as bits: offset (dx, dy, dz) is bit (dz + 1) · 9 + (dy + 1) · 3 + (dx + 1). The
/// voxel itself is in the middle.
private struct Neighborhood {
    var bits: UInt32

    static let center: UInt32 = 1 << 13

    /// The neighbours, without the voxel itself.
    var neighbors: UInt32 { bits & ~Self.center }

    /// Whether the voxel is simple: its removal creates or deletes no component, hole or cavity. This holds where its
    /// foreground neighbours are one 26-connected component, and the Euler number of the union of closed voxels does not change.
    @inline(__always)
    func isSimple(_ tables: Tables) -> Bool { isConnected(tables) && keepsEulerNumber(tables) }

    /// Whether the foreground neighbours are exactly one 26-connected component.
    @inline(__always)
    func isConnected(_ tables: Tables) -> Bool {
        let object = neighbors
        guard object != 0 else { return false }
        return Self.component(of: object & (~object &+ 1), in: object, tables.touching) == object
    }

    /// Whether removal of the voxel keeps the Euler number (vertices − edges + faces − cubes) of the union of closed voxels.
    /// The removal deletes the cube and those of its vertices, edges and faces that no foreground neighbour shares.
    @inline(__always)
    func keepsEulerNumber(_ tables: Tables) -> Bool {
        let object = neighbors
        var change = -1
        for mask in tables.vertices where object & mask == 0 { change &+= 1 }
        for mask in tables.edges where object & mask == 0 { change &-= 1 }
        for mask in tables.faces where object & mask == 0 { change &+= 1 }
        return change == 0
    }

    /// Whether the voxel is a 2-D isthmus, part of a surface: at least two 6-connected components of the background, taken
    /// within the 18 nearest neighbours, share a face with it.
    @inline(__always)
    func partsBackground(_ tables: Tables) -> Bool {
        let background = ~bits & tables.eighteen
        let faces = background & tables.six
        guard faces != 0 else { return false }
        return faces & ~Self.component(of: faces & (~faces &+ 1), in: background, tables.sharingFace) != 0
    }

    /// The voxels of `set` that are connected to the voxel `seed`.
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

    /// Masks of the neighbourhood that do not depend on its content.
    struct Tables {
        /// For each of the 27 positions those of its 26 neighbours that lie in the neighbourhood, without the middle.
        let touching: UnsafePointer<UInt32>
        /// For each of the 27 positions those of its 6 neighbours that lie in the neighbourhood, without the middle.
        let sharingFace: UnsafePointer<UInt32>
        /// For each vertex of the middle voxel the neighbours that share it.
        let vertices: UnsafeBufferPointer<UInt32>
        /// For each edge of the middle voxel the neighbours that share it.
        let edges: UnsafeBufferPointer<UInt32>
        /// For each face of the middle voxel the neighbour that shares it.
        let faces: UnsafeBufferPointer<UInt32>
        /// The 6 neighbours that share a face with the middle voxel.
        let six: UInt32
        /// The 18 neighbours that share a face or an edge with the middle voxel.
        let eighteen: UInt32

        private static let offsets: [SIMD3<Int>] = (0..<27).map { SIMD3($0 % 3 - 1, $0 / 3 % 3 - 1, $0 / 9 - 1) }
        private static func steps(_ offset: SIMD3<Int>) -> Int { abs(offset.x) + abs(offset.y) + abs(offset.z) }

        private static func adjacency(_ isNeighbor: (SIMD3<Int>) -> Bool) -> [UInt32] {
            offsets.map { one in
                offsets.indices.reduce(0) { set, index in
                    // Neighbours are not connected through the middle voxel.
                    let other = offsets[index]
                    return steps(other) > 0 && steps(one) > 0 && isNeighbor(other &- one) ? set | 1 << UInt32(index) : set
                }
            }
        }

        /// For each vertex (3 axes), edge (2) or face (1) of the middle voxel the neighbours that share it.
        private static func sharers(axes: Int) -> [UInt32] {
            offsets.filter { steps($0) == axes }.map { part in
                offsets.indices.reduce(0) { set, index in
                    let other = offsets[index]
                    let shares = (0..<3).allSatisfy { other[$0] == 0 || other[$0] == part[$0] }
                    return shares && steps(other) > 0 ? set | 1 << UInt32(index) : set
                }
            }
        }

        /// Calls `body` with the tables, which are valid only within the closure.
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
