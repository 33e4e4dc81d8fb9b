/// The sums of a, b, a², b² and a b over each window of a row of windows, for two images read row by row.
///
/// Every window is summed afresh: sums that are carried along from window to window, adding what enters and taking away
/// what leaves, gather rounding errors that matter where an image is flat.
struct WindowMoments {
    /// The number of windows that lie in a row wholly.
    let windowCount: Int

    private let width: Int
    private let windowSize: Int
    /// A row of each quantity, one after the other.
    private var row: [Double]
    /// For each of the last rows, the sums along x of each quantity.
    private var lines: [[Double]]

    private static let quantityCount = 5

    init(width: Int, windowSize: Int) {
        self.width = width
        self.windowSize = windowSize
        windowCount = width - windowSize + 1
        row = Array(repeating: 0, count: Self.quantityCount * width)
        lines = Array(repeating: Array(repeating: 0, count: Self.quantityCount * windowCount), count: windowSize)
    }

    /// Takes the next row of both images, from the first to the last.
    mutating func add(_ a: Image<Float>, _ b: Image<Float>, row y: Int) {
        let width = width
        row.withUnsafeMutableBufferPointer { row in
            a.values.withUnsafeBufferPointer { a in
                b.values.withUnsafeBufferPointer { b in
                    let first = y * width
                    for x in 0..<width {
                        let (a, b) = (Double(a[first &+ x]), Double(b[first &+ x]))
                        row[x] = a
                        row[width &+ x] = b
                        row[2 &* width &+ x] = a * a
                        row[3 &* width &+ x] = b * b
                        row[4 &* width &+ x] = a * b
                    }
                }
            }
        }
        let windowCount = windowCount
        row.withUnsafeBufferPointer { row in
            lines[y % windowSize].withUnsafeMutableBufferPointer { line in
                for quantity in 0..<Self.quantityCount {
                    let (source, target) = (quantity * width, quantity * windowCount)
                    for x in 0..<windowCount { line[target &+ x] = row[source &+ x] }
                    for offset in 1..<windowSize {
                        for x in 0..<windowCount { line[target &+ x] += row[source &+ offset &+ x] }
                    }
                }
            }
        }
    }

    /// The sums over the windows that end with the last row: those of a, then those of b, a², b², a b.
    func sums() -> [Double] {
        var sums = lines[0]
        sums.withUnsafeMutableBufferPointer { sums in
            for line in lines.dropFirst() {
                line.withUnsafeBufferPointer { line in
                    for index in sums.indices { sums[index] += line[index] }
                }
            }
        }
        return sums
    }
}
