import ImageProcessing

/// The runs of a slice of labels: maximal sequences of pixels of one class along its rows, in raster order.
struct LabelRuns: Sendable {
    /// Consecutive pixels of one class in a row.
    struct Run: Sendable {
        /// The first pixel.
        var start: Int32
        /// The pixel after the last one.
        var end: Int32
        /// The class, from 1.
        var classIndex: UInt8
        /// The provisional object of the run; −1 before it has one.
        var object: Int32 = -1

        @inline(__always) var pixels: Range<Int> { Int(start)..<Int(end) }
    }

    private(set) var runs: [Run] = []
    /// For each row the index of its first run; the last entry is the number of runs.
    private(set) var rowStarts: [Int] = [0]

    /// A slice without runs.
    init(height: Int) { rowStarts = [Int](repeating: 0, count: height + 1) }

    /// The runs of a slice `[y][x]`.
    ///
    /// - Parameter classOfLabel: for each of the 256 labels its class from 1, or 0 for none.
    /// - Complexity: one pass over the pixels, eight at a time in background.
    init(of labels: Image<UInt8>, classOfLabel: [UInt8]) {
        let width = labels.width
        rowStarts.reserveCapacity(labels.height + 1)
        labels.values.withUnsafeBufferPointer { values in
            classOfLabel.withUnsafeBufferPointer { classOfLabel in
                let bytes = UnsafeRawBufferPointer(values)
                let isGround = classOfLabel[0] == 0
                for y in 0..<labels.height {
                    let row = y &* width
                    var x = 0
                    while x < width {
                        // Most of a volume is background, which is skipped eight pixels at a time.
                        if isGround {
                            while x &+ 8 <= width, bytes.loadUnaligned(fromByteOffset: row &+ x, as: UInt64.self) == 0 { x &+= 8 }
                            guard x < width else { break }
                        }
                        let classIndex = classOfLabel[Int(values[row &+ x])]
                        let start = x
                        x &+= 1
                        guard classIndex != 0 else { continue }
                        while x < width, classOfLabel[Int(values[row &+ x])] == classIndex { x &+= 1 }
                        runs.append(Run(start: Int32(start), end: Int32(x), classIndex: classIndex))
                    }
                    rowStarts.append(runs.count)
                }
            }
        }
    }

    func runs(ofRow y: Int) -> Range<Int> { rowStarts[y]..<rowStarts[y + 1] }

    subscript(index: Int) -> Run { runs[index] }

    /// Assigns to each run of row `y` the object of a run of the same class that it touches in another row. Where it touches
    /// several objects, it appends pairs of them to `joins`.
    ///
    /// - Parameters:
    ///   - row: the other row.
    ///   - other: the slice of the other row; nil for this slice.
    ///   - reach: the greatest distance along x at which runs touch: 1 if diagonal neighbours count.
    ///   - joins: pairs of objects that are the same.
    mutating func connect(
        row y: Int, toRow row: Int, of other: LabelRuns?, reach: Int, _ joins: inout [(Int32, Int32)]
    ) {
        guard row >= 0, row + 1 < rowStarts.count else { return }
        let theirs = other?.runs(ofRow: row) ?? runs(ofRow: row)
        guard !theirs.isEmpty else { return }
        var first = theirs.lowerBound
        for index in runs(ofRow: y) {
            let run = runs[index]
            let (start, end) = (run.start - Int32(reach), run.end + Int32(reach))
            func neighbor(_ index: Int) -> Run { other?.runs[index] ?? runs[index] }
            while first < theirs.upperBound, neighbor(first).end <= start { first += 1 }
            var candidate = first
            while candidate < theirs.upperBound {
                let near = neighbor(candidate)
                guard near.start < end else { break }
                if near.classIndex == run.classIndex {
                    if runs[index].object < 0 {
                        runs[index].object = near.object
                    } else if runs[index].object != near.object {
                        joins.append((runs[index].object, near.object))
                    }
                }
                candidate += 1
            }
        }
    }

    /// Gives each run of a row that has no object a new one, numbered from `next`.
    mutating func startObjects(inRow y: Int, _ next: inout Int32) {
        for index in runs(ofRow: y) where runs[index].object < 0 {
            runs[index].object = next
            next += 1
        }
    }
}
