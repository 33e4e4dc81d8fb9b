/// The look-up tables of CLAHE: one of 256 values for each tile of the grid.
struct TileTables {
    let tileHeight: Int
    let tileWidth: Int
    private let columns: Int
    /// 256 values for each tile, tiles `[row][column]`.
    private var values: [UInt8]

    init(of image: Image<UInt8>, method: CLAHE) {
        let divides = image.height.isMultiple(of: method.rows) && image.width.isMultiple(of: method.columns)
        // Where one side does not divide, OpenCV pads both, also the one that does, by a whole row of pixels of the grid.
        func padded(_ side: Int, _ count: Int) -> Int { divides ? side : side + count - side % count }
        let height = padded(image.height, method.rows)
        let width = padded(image.width, method.columns)
        tileHeight = height / method.rows
        tileWidth = width / method.columns
        columns = method.columns

        let mirroredRows = Self.mirrored(height, inside: image.height)
        let mirroredColumns = Self.mirrored(width, inside: image.width)
        let area = tileHeight * tileWidth
        let limit = Self.limit(method.clipLimit, area: area)
        let scale = 255 / Float(area)

        values = []
        values.reserveCapacity(256 * method.rows * method.columns)
        var histogram = Histogram256()
        for row in 0..<method.rows {
            for column in 0..<method.columns {
                histogram.reset()
                let tileColumns = column * tileWidth..<(column + 1) * tileWidth
                image.values.withUnsafeBufferPointer { pixels in
                    for y in row * tileHeight..<(row + 1) * tileHeight {
                        let first = mirroredRows[y] * image.width
                        let line = UnsafeBufferPointer(rebasing: pixels[first..<first + image.width])
                        let inside = tileColumns.clamped(to: 0..<image.width)
                        histogram.add(UnsafeBufferPointer(rebasing: line[inside]))
                        for x in max(tileColumns.lowerBound, image.width)..<max(tileColumns.upperBound, image.width) {
                            histogram.add(line[mirroredColumns[x]])
                        }
                    }
                }
                values.append(contentsOf: Self.table(of: histogram.counts, limit: limit, scale: scale))
            }
        }
    }

    /// The table of a tile.
    func table(row: Int, column: Int) -> ArraySlice<UInt8> {
        let first = 256 * (row * columns + column)
        return values[first..<first + 256]
    }

    /// The most pixels that a bin may hold, or nil where bins are not clipped.
    private static func limit(_ clipLimit: Double, area: Int) -> Int? {
        guard clipLimit > 0 else { return nil }
        return max(1, Int(min(clipLimit * Double(area) / 256, Double(area))))
    }

    private static func table(of histogram: [Int], limit: Int?, scale: Float) -> [UInt8] {
        var counts = histogram
        if let limit {
            var excess = 0
            for bin in counts.indices where counts[bin] > limit {
                excess += counts[bin] - limit
                counts[bin] = limit
            }
            let (share, remainder) = excess.quotientAndRemainder(dividingBy: 256)
            for bin in counts.indices { counts[bin] += share }
            if remainder > 0 {
                // One more for `remainder` bins; the step divides 256 only roughly, so the last bins may get none.
                for bin in stride(from: 0, to: 256, by: max(256 / remainder, 1)).prefix(remainder) { counts[bin] += 1 }
            }
        }
        var sum = 0
        return counts.map { count in
            sum += count
            return UInt8(min((Float(sum) * scale).rounded(.toNearestOrEven), 255))
        }
    }

    /// For each index of a padded side the index inside that it mirrors, without repeating the last (reflect-101).
    private static func mirrored(_ padded: Int, inside side: Int) -> [Int] {
        let period = max(2 * (side - 1), 1)
        return (0..<padded).map { index in
            let phase = index % period
            return side == 1 ? 0 : min(phase, period - phase)
        }
    }
}

/// Counts bytes. Four sets of bins take turns, so that equal neighbours do not wait for one another's increment.
private struct Histogram256 {
    private var bins = [UInt32](repeating: 0, count: 4 * 256)

    /// The number of times that each of the 256 bytes was added.
    var counts: [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for (index, count) in bins.enumerated() { counts[index % 256] += Int(count) }
        return counts
    }

    mutating func reset() {
        bins.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    mutating func add(_ value: UInt8) {
        bins[Int(value)] &+= 1
    }

    mutating func add(_ values: UnsafeBufferPointer<UInt8>) {
        bins.withUnsafeMutableBufferPointer { bins in
            let vectorized = values.count & ~3
            for index in stride(from: 0, to: vectorized, by: 4) {
                bins[Int(values[index])] &+= 1
                bins[256 + Int(values[index + 1])] &+= 1
                bins[512 + Int(values[index + 2])] &+= 1
                bins[768 + Int(values[index + 3])] &+= 1
            }
            for index in vectorized..<values.count { bins[Int(values[index])] &+= 1 }
        }
    }
}
