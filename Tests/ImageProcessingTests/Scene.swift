import ImageProcessing

/// Balls, rods and sheets drawn into the masks of a slab.
struct Scene {
    var slices: [Mask]

    init?(side: Int, slices: Int) {
        guard let empty = Mask(height: side, width: side, repeating: false) else { return nil }
        self.slices = Array(repeating: empty, count: slices)
    }

    mutating func draw(where isInside: (_ x: Double, _ y: Double, _ z: Double) -> Bool) {
        for z in slices.indices {
            for y in 0..<slices[z].height {
                for x in 0..<slices[z].width where isInside(Double(x), Double(y), Double(z)) { slices[z][y: y, x: x] = true }
            }
        }
    }

    mutating func drawBall(x: Double, y: Double, z: Double, radius: Double) {
        draw { (u, v, w) in (u - x) * (u - x) + (v - y) * (v - y) + (w - z) * (w - z) <= radius * radius }
    }

    mutating func drawDisc(x: Double, y: Double, radius: Double) {
        draw { (u, v, _) in (u - x) * (u - x) + (v - y) * (v - y) <= radius * radius }
    }

    mutating func drawBand(x: ClosedRange<Double>, y: ClosedRange<Double>) {
        draw { (u, v, _) in x.contains(u) && y.contains(v) }
    }
}
