internal import ImageProcessing

/// How many points ended in each pixel, with a border in which none did, so that no neighbourhood leaves it.
struct EndPointHistogram {
    /// As far as a sink reaches from its seed.
    private static let border = 5

    private let stride: Int
    private var counts: [Int32]

    init(of points: EndPoints) {
        stride = points.foreground.width + 2 * Self.border
        counts = Array(repeating: 0, count: (points.foreground.height + 2 * Self.border) * stride)
        for position in points.positions { counts[place(of: position)] += 1 }
    }

    /// The place of the pixel that a point ended in: its position, rounded down.
    func place(of position: SIMD2<Float>) -> Int {
        (Int(position.x) + Self.border) * stride + Int(position.y) + Self.border
    }

    /// For each place the number of its sink, the last of several, or 0; and how many sinks there are.
    func labelledSinks() -> (labels: [Int32], count: Int) {
        let seeds = counts.indices.filter(isSeed).sorted { (counts[$0], $0) < (counts[$1], $1) }
        var labels = [Int32](repeating: 0, count: counts.count)
        for (index, seed) in seeds.enumerated() {
            for place in sink(of: seed) { labels[place] = Int32(index + 1) }
        }
        return (labels, seeds.count)
    }

    private func isSeed(_ place: Int) -> Bool {
        let count = counts[place]
        guard count > 10 else { return false }
        for y in -2...2 {
            for x in -2...2 where counts[place + y * stride + x] > count { return false }
        }
        return true
    }

    /// What can be reached from the seed in as many steps as the border is wide.
    private func sink(of seed: Int) -> [Int] {
        var places = [seed]
        var ring = 0..<1
        for _ in 0..<Self.border {
            for index in ring {
                for offset in [-stride - 1, -stride, 1 - stride, -1, 1, stride - 1, stride, stride + 1] {
                    let place = places[index] + offset
                    if counts[place] > 2, !places.contains(place) { places.append(place) }
                }
            }
            ring = ring.upperBound..<places.count
        }
        return places
    }
}
