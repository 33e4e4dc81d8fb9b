/// A change of size by a whole factor, up or down, so that every pixel of a slice is treated alike.
enum PixelScaling: Hashable {
    /// Each pixel becomes a square of pixels.
    case enlarge(Int)
    /// Each square of pixels becomes a pixel; at the lower and right border the square may be cut.
    case reduce(Int)

    /// The change that makes the longer side at least `minimum` and at most `maximum`; the maximum wins.
    init(height: Int, width: Int, minimum: Int, maximum: Int?) {
        let longer = max(height, width)
        let enlarged = max(1, (minimum + longer - 1) / longer)
        guard let maximum else {
            self = .enlarge(enlarged)
            return
        }
        self = longer > maximum ? .reduce((longer + maximum - 1) / maximum) : .enlarge(min(enlarged, maximum / longer))
    }

    /// How many times as long as before a side becomes.
    var factor: Double {
        switch self {
        case .enlarge(let factor): Double(factor)
        case .reduce(let factor): 1 / Double(factor)
        }
    }

    func length(of side: Int) -> Int {
        switch self {
        case .enlarge(let factor): side * factor
        case .reduce(let factor): (side + factor - 1) / factor
        }
    }

    /// The pixels `[y][x]` of a slice in the new size; `summary` makes one value of the pixels of a square.
    func apply<Pixel>(to pixels: [Pixel], height: Int, width: Int, summary: ([Pixel]) -> Pixel) -> [Pixel] {
        var result: [Pixel] = []
        result.reserveCapacity(length(of: height) * length(of: width))
        switch self {
        case .enlarge(let factor):
            for y in 0..<height {
                let row = pixels[y * width..<(y + 1) * width].flatMap { repeatElement($0, count: factor) }
                for _ in 0..<factor { result += row }
            }
        case .reduce(let factor):
            var square: [Pixel] = []
            for top in stride(from: 0, to: height, by: factor) {
                for left in stride(from: 0, to: width, by: factor) {
                    square.removeAll(keepingCapacity: true)
                    for y in top..<min(top + factor, height) {
                        square += pixels[y * width + left..<y * width + min(left + factor, width)]
                    }
                    result.append(summary(square))
                }
            }
        }
        return result
    }

    /// The mean, rounded to the nearest.
    static func mean(_ pixels: [UInt8]) -> UInt8 {
        let sum = pixels.reduce(0) { $0 + Int($1) }
        return UInt8(truncatingIfNeeded: (2 * sum + pixels.count) / max(2 * pixels.count, 1))
    }

    /// The most frequent label other than background, so that thin membranes stay whole; the smaller of two as frequent.
    static func label(_ labels: [UInt32]) -> UInt32 {
        var best: (label: UInt32, count: Int) = (0, 0)
        let sorted = labels.filter { $0 != 0 }.sorted()
        var first = 0
        while first < sorted.count {
            let end = sorted[first...].firstIndex { $0 != sorted[first] } ?? sorted.count
            if end - first > best.count { best = (sorted[first], end - first) }
            first = end
        }
        return best.label
    }
}
