/// The runs of a mask: stretches of foreground along its rows, in raster order.
struct RunTable {
    let height: Int
    let width: Int
    /// For each run where it begins, then where it ends: the pixel after its last.
    private(set) var edges: [Int32] = []
    /// For each row the index of its first run, and at last the number of runs.
    private(set) var rowStarts: [Int] = [0]

    /// The runs of the foreground, or those of the background.
    init(of mask: Mask, foreground: Bool = true) {
        // Half of the pixels may be runs of their own, and 32 bits must number them.
        precondition(
            mask.values.count <= Int(UInt32.max) - mask.height, "the components of an image of 2³² pixels are not numbered")
        height = mask.height
        width = mask.width
        rowStarts.reserveCapacity(height + 1)
        mask.withBytes { bytes in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: width + 1) { found in
                for y in 0..<height {
                    let row = UnsafeBufferPointer(rebasing: bytes[y * width..<(y + 1) * width])
                    let count = Self.findEdges(in: row, inverted: !foreground, into: found)
                    edges.append(contentsOf: found[..<count])
                    rowStarts.append(edges.count / 2)
                }
            }
        }
    }

    /// Where the runs of a row of bytes of 0 and 1 begin and end; returns how many edges there are: at most one more
    /// than pixels.
    private static func findEdges(
        in row: UnsafeBufferPointer<UInt8>, inverted: Bool, into edges: UnsafeMutableBufferPointer<Int32>
    ) -> Int {
        let bytes = UnsafeRawBufferPointer(row)
        let width = row.count
        var edgeCount = 0
        var carry: UInt64 = 0
        for first in stride(from: 0, to: width, by: 64) {
            let count = min(64, width - first)
            var bits = bytes.packedBits(at: first, count: count)
            if inverted { bits = ~bits }
            if count < 64 { bits &= (1 &<< UInt64(count)) &- 1 }
            // A bit wherever a pixel differs from the one before it: a run begins there, or has ended.
            var places = bits ^ ((bits &<< 1) | carry)
            carry = bits &>> 63
            while places != 0 {
                edges[edgeCount] = Int32(truncatingIfNeeded: first &+ places.trailingZeroBitCount)
                edgeCount &+= 1
                places &= places &- 1
            }
        }
        if edgeCount % 2 == 1 {
            edges[edgeCount] = Int32(truncatingIfNeeded: width)
            edgeCount &+= 1
        }
        return edgeCount
    }

    /// The pixels of a run.
    func pixels(of run: Int) -> Range<Int> { Int(edges[2 * run])..<Int(edges[2 * run + 1]) }

    /// The component of each run: 0 for that of the first, and so on in the order of their first runs.
    func components(_ connectivity: Connectivity) -> (ofMember: [Int32], count: Int) {
        let reach: Int32 = connectivity == .eight ? 1 : 0
        var forest = DisjointSets(count: edges.count / 2)
        edges.withUnsafeBufferPointer { edges in
            forest.join { join in
                for y in 1..<max(height, 1) {
                    var above = rowStarts[y - 1]
                    let lastAbove = rowStarts[y]
                    for run in rowStarts[y]..<rowStarts[y + 1] {
                        let (start, end) = (edges[2 &* run] &- reach, edges[2 &* run &+ 1] &+ reach)
                        while above < lastAbove, edges[2 &* above &+ 1] <= start { above &+= 1 }
                        while above < lastAbove, edges[2 &* above] < end {
                            join(run, above)
                            // What ends behind this run may reach the next, too.
                            guard edges[2 &* above &+ 1] < end else { break }
                            above &+= 1
                        }
                    }
                }
            }
        }
        return forest.numbered()
    }
}
