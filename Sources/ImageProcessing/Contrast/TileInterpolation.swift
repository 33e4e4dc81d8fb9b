/// How the pixels along one side lie between the centres of the tiles: for each pixel two tiles and the weight of the
/// second.
struct TileInterpolation {
    /// Consecutive pixels that lie between the same two tiles.
    struct Span {
        var range: Range<Int>
        /// The tile before and the tile after; the same tile twice at the border.
        let tiles: (Int, Int)
    }

    let spans: [Span]
    /// The weight of the tile after, for each pixel.
    let weights: [Float]

    init(side: Int, tile: Int, tileCount: Int) {
        // OpenCV multiplies by the rounded reciprocal, and takes the weight before it clamps the tile.
        let reciprocal = 1 / Float(tile)
        var spans: [Span] = []
        var weights: [Float] = []
        weights.reserveCapacity(side)
        var last = Int.min
        for index in 0..<side {
            let position = Float(index) * reciprocal - 0.5
            let floor = position.rounded(.down)
            weights.append(position - floor)
            let before = Int(floor)
            if before == last {
                spans[spans.count - 1].range = spans[spans.count - 1].range.lowerBound..<index + 1
            } else {
                spans.append(Span(range: index..<index + 1, tiles: (max(before, 0), min(before + 1, tileCount - 1))))
                last = before
            }
        }
        self.spans = spans
        self.weights = weights
    }
}
