extension BitVolume {
    /// The skeleton of the foreground: what is left when voxels are removed from its faces, layer by layer, as long as no
    /// component, hole or cavity appears or vanishes.
    ///
    /// Source: T.-C. Lee, R. L. Kashyap, C.-N. Chu, *Building skeleton models via 3-D medial surface/axis thinning
    /// algorithms*, CVGIP 56 (1994): each round takes the six directions in turn, finds the voxels that can be removed from
    /// there, and removes them one by one where they still can be. Of ``SkeletonKind/curve`` the ends of lines stay, voxels of
    /// one neighbour, and the result is that of scikit-image's `skeletonize`, but for bodies that it removes altogether. Of
    /// ``SkeletonKind/surface`` voxels stay that have once parted the background around them (the 2-D isthmuses of
    /// G. Bertrand, M. Couprie, *Isthmus based parallel and symmetric 3D thinning algorithms*, Graphical Models 80 (2015)).
    ///
    /// - Complexity: some 50 ns for each voxel of a layer and direction; voxels that stay are looked at again only where a
    ///   neighbour was removed. Memory is two bit volumes, for surfaces three.
    public func thinned(to kind: SkeletonKind) -> BitVolume {
        var result = self
        Neighborhood.Tables.with { tables in
            var thinning = Thinning(self, kind)
            result.words.withUnsafeMutableBufferPointer { thinning.run(on: $0, tables) }
        }
        return result
    }
}

/// What is left of a body that is thinned.
public enum SkeletonKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// Lines: a filament's centre line. An open sheet is thinned from its rim inwards, too, to a line or a point.
    case curve
    /// Surfaces: a membrane's middle, one voxel thick, and lines where the body is a filament.
    case surface
}

/// The rounds of a thinning.
private struct Thinning {
    private let kind: SkeletonKind
    private let rowWords: Int
    private let sliceWords: Int
    /// The first words of the rows in which there is something to look at, in raster order.
    private var activeRows: [Int]
    /// Voxels that could not be removed, and whose neighbours did not change since.
    private var settled: [UInt64]
    /// Voxels of surfaces, which stay.
    private var kept: [UInt64]
    /// For each row whether a voxel of it has to be looked at again.
    private var isAwake: [Bool]
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

    /// The directions from which a round removes, in scikit-image's order: −y, +y, +x, −x, +z, −z.
    private enum Direction: CaseIterable {
        case below, above, right, left, behind, before
    }

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

    /// Rows that have voxels which are not settled; neighbours of what was removed are among them, for the next direction to see.
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

    /// Adds the voxels of a row that are open to a direction and can be removed; those that cannot are settled.
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

    /// Whether a candidate can still be removed after those before it were.
    @inline(__always)
    private func isRemovable(_ bit: Int, _ words: UnsafeMutableBufferPointer<UInt64>, _ tables: Neighborhood.Tables) -> Bool {
        let neighborhood = neighborhood(of: bit, words)
        return kind == .curve ? neighborhood.isConnected(tables) : neighborhood.isSimple(tables)
    }

    @inline(__always)
    private func neighborhood(of bit: Int, _ words: UnsafeMutableBufferPointer<UInt64>) -> Neighborhood {
        // The frame is background, so that no foreground is at the first or last bit of the volume.
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

    /// The neighbours of what was removed have to be looked at again, unless they are kept.
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

/// The 3 × 3 × 3 voxels around a voxel, as bits: `bits[(dz + 1) · 9 + (dy + 1) · 3 + (dx + 1)]`, itself in the middle.
private struct Neighborhood {
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
