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
