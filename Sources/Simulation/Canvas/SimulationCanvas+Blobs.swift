import Foundation

/// Blobs that belong together, and the voxels that get their label: those within a distance of one of some points.
struct PlacedBlobs: Sendable {
    let blobs: [GaussianBlob]
    let label: SimulationClass
    /// In Å.
    let labelDistance: Double
    let labelPoints: [Point]
    /// The z, in Å, that blobs and label reach.
    let lowest: Double
    let highest: Double

    init(_ blobs: [GaussianBlob], label: SimulationClass, within labelDistance: Double, of labelPoints: [Point]) {
        self.blobs = blobs
        self.label = label
        self.labelDistance = labelDistance
        self.labelPoints = labelPoints
        var lowest = Double.infinity
        var highest = -Double.infinity
        for blob in blobs {
            lowest = min(lowest, blob.center.z - blob.reach)
            highest = max(highest, blob.center.z + blob.reach)
        }
        for point in labelPoints {
            lowest = min(lowest, point.z - labelDistance)
            highest = max(highest, point.z + labelDistance)
        }
        self.lowest = lowest
        self.highest = highest
    }
}

extension SimulationCanvas {
    /// Adds blobs to the density and labels their voxels.
    ///
    /// - Complexity: the voxels of each blob, and of the balls about each point.
    mutating func draw(_ groups: [PlacedBlobs]) {
        drawInBands { band in
            let lowest = band.grid.position(x: 0, y: 0, z: band.slices.lowerBound).z
            let highest = band.grid.position(x: 0, y: 0, z: band.slices.upperBound - 1).z
            for group in groups where group.lowest <= highest && group.highest >= lowest {
                for blob in group.blobs { band.add(blob) }
                for point in group.labelPoints { band.label(group.label, within: group.labelDistance, of: point) }
            }
        }
    }
}

extension SimulationCanvas.Band {
    /// Adds a blob to the density. A Gaussian is a product: one exponential for each slice, row and column.
    func add(_ blob: GaussianBlob) {
        let center = grid.index(of: blob.center)
        let reach = blob.reach / grid.voxelSize
        guard let xs = SimulationGrid.indices(center.x - reach, center.x + reach, in: 0..<grid.x),
            let ys = SimulationGrid.indices(center.y - reach, center.y + reach, in: 0..<grid.y),
            let zs = SimulationGrid.indices(center.z - reach, center.z + reach, in: slices)
        else { return }
        let scale = 0.5 * (grid.voxelSize / blob.sigma) * (grid.voxelSize / blob.sigma)
        func factor(_ index: Int, _ center: Double) -> Double {
            let offset = Double(index) - center
            return exp(-scale * offset * offset)
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: xs.count) { alongX in
            for x in xs { alongX[x - xs.lowerBound] = Float(factor(x, center.x)) }
            for z in zs {
                let alongZ = blob.peak * factor(z, center.z)
                for y in ys {
                    let weight = Float(alongZ * factor(y, center.y))
                    let first = densityRow(z, y) + xs.lowerBound
                    for offset in alongX.indices { density[first + offset] += weight * alongX[offset] }
                }
            }
        }
    }

    fileprivate func label(_ label: SimulationClass, within radius: Double, of point: Point) {
        grid.forEachVoxel(within: radius, of: point, slices: slices) { z, y, x in
            labels[row(z, y) + x] = label.rawValue
            return true
        }
    }
}
