/// Where each class is, in the slices around one, a bit for each voxel.
///
/// Beyond the volume's border is what lies at it, so that a surface goes on straight there. The slices are kept in a ring.
///
/// ```
/// words[slice mod 13][class − 1][y][word]: voxel x is bit x + 6 of its row
/// ```
struct ClassWindow: Sendable {
    /// How many slices there must be on either side.
    static let reach = 6
    private static let slices = 2 * reach + 1

    let height: Int
    let width: Int
    let classes: Int
    private let rowWords: Int
    private var words: [UInt64]
    /// The number of slices that were added.
    private(set) var depth = 0

    init(height: Int, width: Int, classes: Int) {
        self.height = height
        self.width = width
        self.classes = classes
        // A word more, so that bits can be read from two at any place.
        rowWords = (width + 2 * Self.reach + 63) / 64 + 1
        words = [UInt64](repeating: 0, count: Self.slices * classes * height * rowWords)
    }

    mutating func add(_ slice: LabelRuns) {
        let first = depth % Self.slices * classes * height * rowWords
        let (height, width, rowWords) = (height, width, rowWords)
        words.withUnsafeMutableBufferPointer { words in
            words[first..<first + classes * height * rowWords].update(repeating: 0)
            for y in 0..<height {
                for index in slice.runs(ofRow: y) {
                    let run = slice[index]
                    let row = first + ((Int(run.classIndex) - 1) * height + y) * rowWords
                    let start = run.start == 0 ? 0 : Int(run.start) + Self.reach
                    let end = Int(run.end) + (run.end == width ? 2 : 1) * Self.reach
                    var bit = start
                    while bit < end {
                        let offset = bit % 64
                        let count = min(64 - offset, end - bit)
                        words[row + bit / 64] |= (count == 64 ? ~0 : (1 &<< UInt64(count)) &- 1) &<< UInt64(offset)
                        bit += count
                    }
                }
            }
        }
        depth += 1
    }

    /// Hands out what reads the bits.
    func withBits<Result>(_ body: (Bits) -> Result) -> Result {
        words.withUnsafeBufferPointer { body(Bits(words: $0, window: self)) }
    }

    /// Reads the bits; valid as long as the closure it was handed to.
    struct Bits: @unchecked Sendable {
        private let words: UnsafeBufferPointer<UInt64>
        private let height: Int
        private let classes: Int
        private let rowWords: Int
        private let depth: Int

        init(words: UnsafeBufferPointer<UInt64>, window: ClassWindow) {
            self.words = words
            (height, classes, rowWords, depth) = (window.height, window.classes, window.rowWords, window.depth)
        }

        /// The first word of a row, that of the border for rows and slices beyond it.
        @inline(__always)
        func row(z: Int, y: Int, classIndex: UInt8) -> Int {
            let (z, y) = (min(max(z, 0), depth - 1), min(max(y, 0), height - 1))
            return ((z % ClassWindow.slices &* classes &+ Int(classIndex) &- 1) &* height &+ y) &* rowWords
        }

        /// The bits of a row from that of voxel `x`, which may lie up to 6 voxels beyond the border, on; at least 12 are right.
        @inline(__always)
        func bits(row: Int, from x: Int) -> UInt64 {
            let bit = x &+ ClassWindow.reach
            let (word, offset) = (row &+ bit &>> 6, UInt64(bit & 63))
            // Shifted twice, since 64 places at once are none.
            return words[word] &>> offset | (words[word &+ 1] &<< 1) &<< (63 &- offset)
        }
    }
}
