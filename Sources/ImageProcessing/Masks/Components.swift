/// The connected components of a mask.
///
/// They are numbered from 1 in the order of their first pixels in raster order, as in SciPy and scikit-image. Images of
/// 2³² pixels and more are not supported, since labels have 32 bits.
public struct Components: Sendable {
    /// The number of each pixel's component, `[y][x]`; 0 for background.
    public let labels: Image<Int32>
    /// The number of pixels of each component: that of component `label` is at `label - 1`.
    public let areas: [Int]

    /// The number of components.
    public var count: Int { areas.count }

    /// The mask of the components for which `keep` is true.
    ///
    /// - Complexity: one pass over the pixels.
    public func mask(where keep: (_ label: Int) -> Bool) -> Mask {
        let isKept = [false] + (1...max(count, 1)).map { $0 <= count && keep($0) }
        return labels.map { isKept[Int($0)] }
    }

    fileprivate init(of mask: Mask, _ connectivity: Connectivity) {
        let runs = RunTable(of: mask)
        let (components, count) = runs.components(connectivity)
        var areas = [Int](repeating: 0, count: count)
        labels = Image(sizeOf: mask) { labels in
            labels.initialize(repeating: 0)
            for y in 0..<mask.height {
                for run in runs.rowStarts[y]..<runs.rowStarts[y + 1] {
                    let pixels = runs.pixels(of: run)
                    let label = components[run] &+ 1
                    areas[Int(components[run])] += pixels.count
                    for x in pixels { labels[y &* mask.width &+ x] = label }
                }
            }
        }
        self.areas = areas
    }
}

extension Image<Bool> {
    /// The connected components of the foreground.
    ///
    /// - Complexity: two passes over the pixels. Memory is four bytes for each pixel and twelve for each run of foreground
    ///   along a row.
    public func components(_ connectivity: Connectivity = .eight) -> Components { Components(of: self, connectivity) }

    /// The number of contours of the mask, as OpenCV's `findContours` lists them: its 8-connected components plus their
    /// 4-connected holes.
    ///
    /// - Complexity: as for ``components(_:)``, but without labels.
    public func contourCount() -> Int {
        let background = RunTable(of: self, foreground: false)
        let (components, count) = background.components(.four)
        let outside = background.componentsAtBorder(components, count: count)
        return RunTable(of: self).components(.eight).count + outside.count { !$0 }
    }

    /// The mask with its holes filled: background that is not connected to the border becomes foreground.
    ///
    /// - Parameter connectivity: that of the foreground; the background has the complement. With ``Connectivity/eight``, as
    ///   in SciPy's `binary_fill_holes`, foreground pixels that touch at a corner separate the background; with
    ///   ``Connectivity/four`` they do not.
    /// - Complexity: as for ``components(_:)``, but without labels.
    public func holesFilled(_ connectivity: Connectivity = .eight) -> Mask {
        let background = RunTable(of: self, foreground: false)
        let (components, count) = background.components(connectivity.complement)
        let isOutside = background.componentsAtBorder(components, count: count)
        return Mask(sizeOf: self) { result in
            result.initialize(repeating: true)
            for y in 0..<height {
                for run in background.rowStarts[y]..<background.rowStarts[y + 1] where isOutside[Int(components[run])] {
                    for x in background.pixels(of: run) { result[y * width + x] = false }
                }
            }
        }
    }
}

extension Image<Bool> {
    /// The mask with its small holes filled: 4-connected components of the background of at most `area` pixels that do not
    /// touch the border.
    ///
    /// - Complexity: as for ``components(_:)``.
    public func holesFilled(upTo area: Int) -> Mask {
        let background = map { !$0 }.components(.four)
        var isFilled = [false] + background.areas.map { $0 <= area }
        func keepOpen(_ index: Int) { isFilled[Int(background.labels.values[index])] = false }
        for x in 0..<width {
            keepOpen(x)
            keepOpen((height - 1) * width + x)
        }
        for y in 0..<height {
            keepOpen(y * width)
            keepOpen(y * width + width - 1)
        }
        // Foreground has the label 0.
        isFilled[0] = true
        return background.labels.map { isFilled[Int($0)] }
    }
}

/// Which pixels are neighbours. Everywhere in the program the components of a slice are 8-connected, and holes are
/// 4-connected.
public enum Connectivity: Int, Codable, CaseIterable, Hashable, Sendable {
    /// Pixels that share a side.
    case four = 4
    /// Pixels that share a side or a corner.
    case eight = 8

    /// The connectivity of the background for foreground of this one. With it, a closed line separates inside from outside.
    public var complement: Connectivity { self == .four ? .eight : .four }
}

/// The runs of a mask: maximal sequences of foreground pixels along its rows, in raster order.
private struct RunTable {
    let height: Int
    let width: Int
    /// For each run two entries: its first pixel, and the pixel after its last.
    private(set) var edges: [Int32] = []
    /// For each row the index of its first run; the last entry is the number of runs.
    private(set) var rowStarts: [Int] = [0]

    /// The runs of the foreground, or those of the background.
    init(of mask: Mask, foreground: Bool = true) {
        // Up to half of the pixels are runs, and their numbers must fit 32 bits.
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

    /// Writes the beginnings and ends of the runs of a row of bytes of 0 and 1. Returns the number of edges, which is at most
    /// one more than the number of pixels.
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
            // Bits are 1 where a pixel differs from the one before it: a run begins there, or has ended.
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

    /// The component of each run, and their number. Components are numbered from 0 in the order of their first runs.
    ///
    /// Runs of consecutive rows that touch are joined: two lists in order of x are compared in one pass.
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
                            // A run above that ends after this run may also touch the next one.
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

extension RunTable {
    /// Whether each component has a pixel at the border of the image.
    fileprivate func componentsAtBorder(_ components: [Int32], count: Int) -> [Bool] {
        var touches = [Bool](repeating: false, count: count)
        for y in 0..<height {
            for run in rowStarts[y]..<rowStarts[y + 1] {
                let pixels = pixels(of: run)
                if y == 0 || y == height - 1 || pixels.lowerBound == 0 || pixels.upperBound == width {
                    touches[Int(components[run])] = true
                }
            }
        }
        return touches
    }
}
