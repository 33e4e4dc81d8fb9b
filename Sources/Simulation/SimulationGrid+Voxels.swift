extension SimulationGrid {
    /// Calls the closure with each voxel whose centre lies in a ball until it returns false.
    @inline(__always)
    func forEachVoxel(
        within radius: Double, of point: Point, slices: Range<Int>,
        _ body: (_ z: Int, _ y: Int, _ x: Int) -> Bool
    ) {
        let center = index(of: point)
        let reach = radius / voxelSize
        guard let zs = Self.indices(center.z - reach, center.z + reach, in: slices) else { return }
        for z in zs {
            let dz = Double(z) - center.z
            let inSlice = max(0, reach * reach - dz * dz).squareRoot()
            guard let ys = Self.indices(center.y - inSlice, center.y + inSlice, in: 0..<self.y) else { continue }
            for y in ys {
                let dy = Double(y) - center.y
                let inRow = max(0, reach * reach - dz * dz - dy * dy).squareRoot()
                guard let xs = Self.indices(center.x - inRow, center.x + inRow, in: 0..<self.x) else { continue }
                for x in xs {
                    guard body(z, y, x) else { return }
                }
            }
        }
    }

    /// The whole numbers from `lower` to `upper` that lie in the range, or nil if there is none.
    static func indices(_ lower: Double, _ upper: Double, in range: Range<Int>) -> Range<Int>? {
        let first = max(Double(range.lowerBound), lower.rounded(.up))
        let last = min(Double(range.upperBound - 1), upper.rounded(.down))
        return first <= last ? Int(first)..<Int(last) + 1 : nil
    }
}
