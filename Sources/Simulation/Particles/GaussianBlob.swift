import Basics
import Foundation

/// A spherical Gaussian of density; particles are sums of these.
struct GaussianBlob: Sendable {
    /// The centre, in Å.
    var center: Point
    /// The standard deviation, in Å.
    var sigma: Double
    /// The density at the centre, in the units of ``Density``.
    var peak: Double

    /// The distance in Å beyond which the density is taken as zero.
    var reach: Double { 3.2 * sigma }

    /// The blob averaged over cubic voxels of edge v: its width is √(σ² + v²/12), its mass the same.
    func averaged(overVoxelSize v: Double) -> GaussianBlob {
        let wide = (sigma * sigma + v * v / 12).squareRoot()
        let ratio = sigma / wide
        return GaussianBlob(center: center, sigma: wide, peak: peak * ratio * ratio * ratio)
    }
}

/// The blobs of one particle or filament, and its label: voxels within a distance of one of the label points get it.
struct PlacedBlobs: Sendable {
    let blobs: [GaussianBlob]
    let label: SimulationClass
    /// The distance from a label point within which voxels get the label, in Å.
    let labelDistance: Double
    let labelPoints: [Point]
    /// The lowest and the highest z, in Å, of blobs and labelled voxels.
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
    /// - Complexity: the voxels of each blob, and of the ball about each label point; on all cores.
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
    /// Adds a blob to the density. A Gaussian is the product of its values along the axes, which needs one exponential for each
    /// slice, row and column instead of one for each voxel.
    func add(_ blob: GaussianBlob) {
        let center = grid.index(of: blob.center)
        let reach = blob.reach / grid.voxelSize
        guard let xs = (0..<grid.x).part(from: center.x - reach, through: center.x + reach),
            let ys = (0..<grid.y).part(from: center.y - reach, through: center.y + reach),
            let zs = slices.part(from: center.z - reach, through: center.z + reach)
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

    /// Labels the voxels within `radius` Å of a point.
    fileprivate func label(_ label: SimulationClass, within radius: Double, of point: Point) {
        grid.forEachVoxel(within: radius, of: point, slices: slices) { z, y, x in
            labels[row(z, y) + x] = label.rawValue
            return true
        }
    }
}
