import Basics
import Dispatch
import Foundation
import Tensors
import Volumes

/// The images of a tilt series about the y axis: their angles and the columns of pixels that the tomogram needs.
///
/// A voxel (x, z) lies in column u = x cos θ + z sin θ of the image at tilt θ, all from the middle of the tomogram; y stays. An
/// image is `[u][y]`, y fastest: for one voxel (x, z) and one tilt, the columns and the weights are the same for all y, so that
/// projection and back-projection are sums of weighted rows.
struct TiltGeometry: Sendable {
    /// One image.
    struct View: Sendable {
        let cosine: Double
        let sine: Double
        /// The columns u that the tomogram needs, and a margin for the contrast transfer; the others are empty.
        let columns: Range<Int>
    }

    let grid: SimulationGrid
    let views: [View]
    /// The transform along u, whose length is the number of columns.
    let alongColumns: FourierTransform
    /// The column of the middle of the tomogram.
    let middle: Double
    /// The middle of the tomogram on the grid.
    private let middleX: Double
    private let middleZ: Double

    /// - Parameter tilts: the tilt angles, in radians, none at a right angle.
    init(grid: SimulationGrid, tilts: [Double]) {
        self.grid = grid
        middleX = Double(grid.marginX) + Double(grid.shape.x - 1) / 2
        middleZ = Double(grid.marginZ) + Double(grid.shape.z - 1) / 2
        let margin = Double(grid.marginX)
        let (halfX, halfZ) = (Double(grid.shape.x) / 2, Double(grid.shape.z) / 2)
        let widest = (halfX * halfX + halfZ * halfZ).squareRoot() + margin + 2
        alongColumns = FourierTransform(lengthAtLeast: 2 * Int(widest.rounded(.up)))
        let middle = Double(alongColumns.length / 2)
        self.middle = middle
        views = tilts.map { tilt in
            let half = halfX * cos(tilt) + halfZ * abs(sin(tilt)) + margin
            return View(
                cosine: cos(tilt), sine: sin(tilt),
                columns: Int((middle - half).rounded(.down))..<Int((middle + half).rounded(.up)) + 1)
        }
    }

    /// The number of columns u of an image.
    var columnCount: Int { alongColumns.length }

    /// The pixels of all images.
    var pixelCount: Int { views.count * columnCount * grid.y }

    /// An image of zeros, `[u][y]`: a volume of one slice, whose rows are the columns u.
    func emptyImage() -> FourierVolume {
        FourierVolume(
            x: FourierTransform(lengthAtLeast: grid.y), y: alongColumns, z: FourierTransform(lengthAtLeast: 1))
    }

    /// The fractional column of a voxel (x, z) of the grid; x may lie outside of the grid.
    func column(x: Int, z: Int, in view: View) -> Double {
        (Double(x) - middleX) * view.cosine + (Double(z) - middleZ) * view.sine + middle
    }

    /// The voxels x, from outside of the grid too, that the columns of a view see in one slice z.
    func span(z: Int, in view: View) -> ClosedRange<Int> {
        let offset = (Double(z) - middleZ) * view.sine
        let first = (Double(view.columns.lowerBound) - 1 - middle - offset) / view.cosine + middleX
        let last = (Double(view.columns.upperBound) - middle - offset) / view.cosine + middleX
        return Int(first.rounded(.down))...Int(last.rounded(.up))
    }
}

/// The values of a volume that differ from the vacuum, as rows along y: `[z][x][y]`. Beyond its sides in x the volume goes on as
/// its mirror image, as the lamella goes on beyond the field that tilted images see.
struct ProjectedVolume: Sendable {
    private let geometry: TiltGeometry
    private let values: [Float]
    /// Whether a row (z, x) has a value that is not zero.
    private let isFilled: [Bool]

    /// - Complexity: four bytes for each voxel.
    init(_ volume: FourierVolume, vacuum: Double, _ geometry: TiltGeometry) {
        self.geometry = geometry
        let vacuum = Float(vacuum)
        let (xs, ys) = (volume.x, volume.y)
        var isFilled = [Bool](repeating: false, count: xs * volume.z)
        values = [Float](unsafeUninitializedCapacity: xs * ys * volume.z) { values, count in
            volume.values.withUnsafeBufferPointer { source in
                for z in 0..<volume.z {
                    // Blocks of 16 columns, so that the lines of memory that are written stay in the cache.
                    for block in stride(from: 0, to: xs, by: 16) {
                        for y in 0..<ys {
                            let row = (z * ys + y) * volume.rowStride
                            for x in block..<min(block + 16, xs) {
                                let value = source[row + x] - vacuum
                                values[(z * xs + x) * ys + y] = value
                                if value != 0 { isFilled[z * xs + x] = true }
                            }
                        }
                    }
                }
            }
            count = xs * ys * volume.z
        }
        self.isFilled = isFilled
    }

    /// The index of a voxel x in the mirrored volume.
    private func mirrored(_ x: Int) -> Int {
        let count = geometry.grid.x
        let rest = ((x % (2 * count)) + 2 * count) % (2 * count)
        return rest < count ? rest : 2 * count - 1 - rest
    }

    /// The projection along the direction of a view. Each voxel's square shadow falls exactly on the two or three columns below
    /// it, so that an even volume has an even image: interpolation between two columns leaves a ripple, the worst at 45°.
    ///
    /// - Complexity: three multiplications for each voxel that the view sees.
    func image(_ view: TiltGeometry.View) -> FourierVolume {
        let shadow = VoxelShadow(view)
        var image = geometry.emptyImage()
        let grid = geometry.grid
        let stride = image.rowStride
        image.values.withUnsafeMutableBufferPointer { image in
            values.withUnsafeBufferPointer { values in
                for z in 0..<grid.z {
                    for position in geometry.span(z: z, in: view) {
                        let x = mirrored(position)
                        guard isFilled[z * grid.x + x] else { continue }
                        let exact = geometry.column(x: position, z: z, in: view)
                        let source = (z * grid.x + x) * grid.y
                        let columns = Int((exact - shadow.reach).rounded())...Int((exact + shadow.reach).rounded())
                        for column in columns.clamped(to: view.columns.lowerBound...view.columns.upperBound - 1) {
                            let share = Float(shadow.share(of: Double(column) - exact))
                            let target = column * stride
                            for y in 0..<grid.y { image[target + y] += share * values[source + y] }
                        }
                    }
                }
            }
        }
        image.settle(view.columns)
        return image
    }
}

/// The projection of a square voxel: a trapezium, the convolution of two boxes of the widths cos θ and |sin θ|.
private struct VoxelShadow {
    private let a: Double
    private let b: Double

    init(_ view: TiltGeometry.View) {
        a = view.cosine
        // A box of no width has no finite height.
        b = max(abs(view.sine), 1e-3)
    }

    /// Half of its width, in pixels.
    var reach: Double { (a + b) / 2 }

    /// The part of it that falls on a pixel whose centre is at this distance from the voxel's centre.
    func share(of distance: Double) -> Double { integral(to: distance + 0.5) - integral(to: distance - 0.5) }

    private func integral(to t: Double) -> Double {
        func square(_ t: Double) -> Double { t > 0 ? t * t : 0 }
        return (square(t + (a + b) / 2) - square(t + (a - b) / 2) - square(t - (a - b) / 2) + square(t - (a + b) / 2))
            / (2 * a * b)
    }
}

extension FourierVolume {
    /// Subtracts the mean of some columns of an image from them, and lets them end smoothly, so that the ends of the image do
    /// not ring.
    fileprivate mutating func settle(_ columns: Range<Int>) {
        let count = Double(columns.count * x)
        var sum = 0.0
        for column in columns {
            for row in 0..<x { sum += Double(values[column * rowStride + row]) }
        }
        let mean = Float(sum / count)
        let ramp = max(1, min(8, columns.count / 8))
        for column in columns {
            let inwards = min(column - columns.lowerBound, columns.upperBound - 1 - column)
            let weight = Float(inwards < ramp ? 0.5 - 0.5 * cos(Double.pi * (Double(inwards) + 0.5) / Double(ramp)) : 1)
            for row in 0..<x { values[column * rowStride + row] = weight * (values[column * rowStride + row] - mean) }
        }
    }
}

/// The images of a tilt series, filtered for back-projection: `[view][u][y]`, y fastest.
struct ImageStack: Sendable {
    private let geometry: TiltGeometry
    private let values: [Float]

    /// Makes all images, on several threads at once.
    ///
    /// - Parameter image: makes the image of one view.
    init(_ geometry: TiltGeometry, _ image: @Sendable (_ view: Int) -> FourierVolume) {
        self.geometry = geometry
        let (columns, rows) = (geometry.columnCount, geometry.grid.y)
        let count = columns * rows
        values = [Float](unsafeUninitializedCapacity: count * geometry.views.count) { values, total in
            nonisolated(unsafe) let values = values
            DispatchQueue.concurrentPerform(iterations: geometry.views.count) { view in
                let image = image(view)
                for column in 0..<columns {
                    for row in 0..<rows {
                        values[view * count + column * rows + row] = image.values[column * image.rowStride + row]
                    }
                }
            }
            total = count * geometry.views.count
        }
    }

    /// The back-projection: each voxel of the tomogram is the sum over all images of the value at its column, interpolated
    /// linearly. The margins are zero.
    ///
    /// - Complexity: two multiplications for each voxel and image, on all cores.
    func backProjection() -> FourierVolume {
        let grid = geometry.grid
        let ys = grid.marginY..<grid.marginY + grid.shape.y
        var volume = grid.emptyVolume()
        let stride = volume.rowStride
        let size = geometry.columnCount * grid.y
        volume.values.withUnsafeMutableBufferPointer { volume in
            nonisolated(unsafe) let volume = volume
            DispatchQueue.concurrentPerform(iterations: grid.shape.z) { slice in
                let z = grid.marginZ + slice
                values.withUnsafeBufferPointer { values in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: ys.count) { sums in
                        for x in grid.marginX..<grid.marginX + grid.shape.x {
                            sums.update(repeating: 0)
                            for (index, view) in geometry.views.enumerated() {
                                let exact = geometry.column(x: x, z: z, in: view)
                                let column = min(max(Int(exact.rounded(.down)), 0), geometry.columnCount - 2)
                                let second = Float(exact - Double(column))
                                let first = 1 - second
                                let source = index * size + column * grid.y + ys.lowerBound
                                for y in 0..<ys.count {
                                    sums[y] += first * values[source + y] + second * values[source + grid.y + y]
                                }
                            }
                            for y in 0..<ys.count { volume[(z * grid.y + ys.lowerBound + y) * stride + x] = sums[y] }
                        }
                    }
                }
            }
        }
        return volume
    }
}
