import ImageProcessing

/// The flood of the free voxels from high to low distances to the membrane: the component tree of the distances, in which two
/// basins that meet are joined unless ``MeetingRule/separates(meeting:peak:)`` keeps them apart.
///
/// Source: L. Najman, M. Couprie, *Building the component tree in quasi-linear time*, IEEE Transactions on Image Processing 15
/// (2006).
struct BasinFlood {
    /// Two basins that stay two: their numbers, the one with the higher peak first.
    struct Pair: Hashable {
        let high: Int32
        let low: Int32
    }

    /// The number of steps in which voxels of different distances are put in order.
    private static let steps = 1 << 16

    /// The basins, numbered from 0 in the order in which the flood found them, so that peaks descend. Basins of one region are
    /// joined.
    private(set) var sets = DisjointSets(count: 0)
    /// The squared distance at which each basin begins, in Å².
    private(set) var peaks: [Float] = []
    /// The squared distance at which regions that stay two meet first, in Å², by the basins that were their least then.
    private(set) var meetings: [Pair: Float] = [:]

    /// Floods a grid. On return the label of each free voxel is its basin's number + 1.
    ///
    /// A voxel belongs to the basin of the neighbour with the greatest distance. Regions are 6-connected, so that a membrane that
    /// is 26-connected (`VolumeConnectivity`) and one voxel thick divides them.
    ///
    /// - Complexity: a sort by counting, and some accesses to memory for each voxel. Memory is four bytes for each free voxel,
    ///   and some for each basin.
    init(_ grid: inout CompartmentGrid, _ rule: MeetingRule, check: () throws -> Void) throws {
        if !grid.hasMembrane { grid.squares.withUnsafeMutableBufferPointer { $0.update(repeating: 1) } }
        let order = try Self.order(of: grid, check: check)
        let offsets = grid.faceNeighbours
        try grid.labels.withUnsafeMutableBufferPointer { labels in
            try grid.squares.withUnsafeBufferPointer { squares in
                var start = 0
                while start < order.count {
                    try check()
                    let end = min(start + 1 << 20, order.count)
                    flood(order[start..<end], offsets, labels, squares, rule)
                    start = end
                }
            }
        }
    }

    /// The free voxels, the greatest distance first, by at least ``steps`` of distance. Of equal ones the first comes first.
    private static func order(of grid: CompartmentGrid, check: () throws -> Void) rethrows -> [Int32] {
        let (labels, squares) = (grid.labels, grid.squares)
        var greatest: Float = 0
        var count = 0
        for index in labels.indices where labels[index] == 0 {
            greatest = max(greatest, squares[index])
            count &+= 1
        }
        let scale = Float(steps - 1) / max(greatest, .leastNormalMagnitude).squareRoot()
        func step(_ square: Float) -> Int { max(0, steps &- 1 &- Int(square.squareRoot() * scale)) }
        var places = [Int](repeating: 0, count: steps + 1)
        try check()
        for index in labels.indices where labels[index] == 0 { places[step(squares[index]) &+ 1] &+= 1 }
        for index in 1...steps { places[index] += places[index - 1] }
        try check()
        return [Int32](unsafeUninitializedCapacity: count) { order, initialized in
            places.withUnsafeMutableBufferPointer { places in
                for index in labels.indices where labels[index] == 0 {
                    let step = step(squares[index])
                    order[places[step]] = Int32(truncatingIfNeeded: index)
                    places[step] &+= 1
                }
            }
            initialized = count
        }
    }

    /// Floods some voxels of the order.
    private mutating func flood(
        _ voxels: ArraySlice<Int32>, _ offsets: [Int], _ labels: UnsafeMutableBufferPointer<Int32>,
        _ squares: UnsafeBufferPointer<Float>, _ rule: MeetingRule
    ) {
        for voxel in voxels {
            let voxel = Int(voxel)
            var (best, highest): (Int32, Float) = (0, -1)
            var isMeeting = false
            for offset in offsets {
                let label = labels[voxel &+ offset]
                guard label > 0 else { continue }
                isMeeting = isMeeting || best > 0 && label != best
                if squares[voxel &+ offset] > highest { (best, highest) = (label, squares[voxel &+ offset]) }
            }
            guard best > 0 else {
                peaks.append(squares[voxel])
                sets.grow(by: 1)
                labels[voxel] = Int32(truncatingIfNeeded: peaks.count)
                continue
            }
            labels[voxel] = best
            guard isMeeting else { continue }
            for offset in offsets {
                let label = labels[voxel &+ offset]
                if label > 0, label != best { meet(Int(label) &- 1, Int(best) &- 1, at: squares[voxel], rule) }
            }
        }
    }

    /// Joins the regions of two basins, or notes that they meet.
    private mutating func meet(_ a: Int, _ b: Int, at square: Float, _ rule: MeetingRule) {
        let (a, b) = (sets.root(of: a), sets.root(of: b))
        guard a != b else { return }
        let pair = Pair(high: Int32(truncatingIfNeeded: min(a, b)), low: Int32(truncatingIfNeeded: max(a, b)))
        if rule.separates(meeting: square, peak: peaks[max(a, b)]) {
            if meetings[pair] == nil { meetings[pair] = square }
        } else {
            sets.join(a, b)
        }
    }

    /// The region of each basin, numbered from 0 so that peaks descend, and the number of regions.
    func regions() -> (ofMember: [Int32], count: Int) { sets.numbered() }
}
