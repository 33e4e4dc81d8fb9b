import ImageProcessing

/// The runs of a slice of labels: stretches of one class along its rows, in raster order.
struct LabelRuns: Sendable {
    struct Run: Sendable {
        var start: Int32
        /// The pixel after the last.
        var end: Int32
        /// The class, from 1.
        var classIndex: UInt8
        /// The provisional object that the run is part of.
        var object: Int32 = -1

        @inline(__always) var pixels: Range<Int> { Int(start)..<Int(end) }
    }

    private(set) var runs: [Run] = []
    /// For each row the index of its first run, and at last the number of runs.
    private(set) var rowStarts: [Int] = [0]

    /// No runs, of a slice that is not there.
    init(height: Int) { rowStarts = [Int](repeating: 0, count: height + 1) }

    /// - Parameter classOfLabel: for each of the 256 labels its class, from 1; 0 for what has none.
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
                        // Most of a volume is background.
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

    /// Gives the runs of a row the objects of those that they touch in another, and notes which objects are one.
    ///
    /// - Parameters:
    ///   - other: the row of another slice, or of this one for nil.
    ///   - reach: how far apart runs may be.
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

    /// Numbers the objects that begin in a row.
    mutating func startObjects(inRow y: Int, _ next: inout Int32) {
        for index in runs(ofRow: y) where runs[index].object < 0 {
            runs[index].object = next
            next += 1
        }
    }
}
