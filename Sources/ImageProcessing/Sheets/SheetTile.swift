import Basics
import Foundation
import Tensors
import Volumes

/// Which tile of a search: its index along each axis.
struct SheetTilePlace: Sendable {
    let (z, y, x): (Int, Int, Int)
}

extension SheetFilters {
    /// Reads a tile, and gives its spectrum on the grid of the search.
    ///
    /// - Parameter read: gives the densities of a box of the tomogram `[z][y][x]`, structures bright, no NaN among them.
    /// - Returns: the spectrum, and the mean square of the weights of the tile's groups; nil where all densities are the same.
    /// - Complexity: reads the voxels of the tile once; memory is two tiles of groups.
    func spectrum(
        of place: SheetTilePlace, _ window: (z: [Float], y: [Float], x: [Float]), read: (Box) throws -> [Float]
    ) throws -> (volume: FourierVolume, part: Double)? {
        var tile = FourierVolume(x: x.transform, y: y.transform, z: z.transform)
        let (zs, ys, xs) = (z.present(in: place.z), y.present(in: place.y), x.present(in: place.x))
        let stride = tile.rowStride
        let columns = (0..<x.length).map { x.mirrored(x.origin(of: place.x) + $0, in: xs) - xs.lowerBound }
        for group in zs {
            let slice = try Self.means(z.voxels(of: group..<group + 1), (y, ys), (x, xs), read: read)
            for (index, row) in ys.enumerated() {
                let target = ((group - z.origin(of: place.z)) * y.length + row - y.origin(of: place.y)) * stride
                let source = index * xs.count
                for column in 0..<x.length { tile.values[target + column] = slice[source + columns[column]] }
            }
        }
        // Rows and slices beyond the tomogram.
        func copy(fromRow source: Int, toRow target: Int) {
            for column in 0..<x.length { tile.values[target * stride + column] = tile.values[source * stride + column] }
        }
        let (firstZ, firstY) = (z.origin(of: place.z), y.origin(of: place.y))
        for group in zs {
            let slice = (group - firstZ) * y.length
            for row in 0..<y.length where !ys.contains(firstY + row) {
                copy(fromRow: slice + y.mirrored(firstY + row, in: ys) - firstY, toRow: slice + row)
            }
        }
        for slice in 0..<z.length where !zs.contains(firstZ + slice) {
            let source = z.mirrored(firstZ + slice, in: zs) - firstZ
            for row in 0..<y.length { copy(fromRow: source * y.length + row, toRow: slice * y.length + row) }
        }
        guard let part = weigh(&tile, window) else { return nil }
        tile.forward()
        return (cropped(tile), part)
    }

    /// Subtracts the mean and multiplies by the weights.
    ///
    /// - Returns: the mean square of the weights; nil where all voxels are the same.
    private func weigh(_ tile: inout FourierVolume, _ window: (z: [Float], y: [Float], x: [Float])) -> Double? {
        let (stride, rows, columns) = (tile.rowStride, y.length, x.length)
        var (sum, least, greatest) = (0.0, Float.infinity, -Float.infinity)
        for line in 0..<z.length * rows {
            for column in 0..<columns {
                let value = tile.values[line * stride + column]
                sum += Double(value)
                least = min(least, value)
                greatest = max(greatest, value)
            }
        }
        guard least < greatest, sum.isFinite else { return nil }
        let mean = Float(sum / Double(z.length * rows * columns))
        for line in 0..<z.length * rows {
            let weight = window.z[line / rows] * window.y[line % rows]
            for column in 0..<columns {
                let index = line * stride + column
                tile.values[index] = (tile.values[index] - mean) * weight * window.x[column]
            }
        }
        func meanSquare(_ weights: [Float]) -> Double {
            weights.reduce(0) { $0 + Double($1) * Double($1) } / Double(weights.count)
        }
        return meanSquare(window.z) * meanSquare(window.y) * meanSquare(window.x)
    }

    /// Keeps the frequencies that the grid of the search has.
    private func cropped(_ tile: FourierVolume) -> FourierVolume {
        guard z.length > z.searched || y.length > y.searched || x.length > x.searched else { return tile }
        var result = FourierVolume(x: x.searchTransform, y: y.searchTransform, z: z.searchTransform)
        let scale = Float(1 / (z.ratio * y.ratio * x.ratio))
        for slice in 0..<z.searched where 2 * slice != z.searched {
            let fromSlice = 2 * slice > z.searched ? z.length - z.searched + slice : slice
            for row in 0..<y.searched where 2 * row != y.searched {
                let fromRow = 2 * row > y.searched ? y.length - y.searched + row : row
                let source = (fromSlice * y.length + fromRow) * tile.rowStride
                let target = (slice * y.searched + row) * result.rowStride
                for k in 0...(x.searched - 1) / 2 {
                    result.values[target + k] = scale * tile.values[source + k]
                    result.values[target + result.rowHalf + k] = scale * tile.values[source + tile.rowHalf + k]
                }
            }
        }
        return result
    }

    /// The mean densities of groups of voxels `[y][x]`, of one group of slices.
    private static func means(
        _ slices: Range<Int>, _ rows: (axis: SheetAxis, groups: Range<Int>), _ columns: (axis: SheetAxis, groups: Range<Int>),
        read: (Box) throws -> [Float]
    ) throws -> [Float] {
        let (ys, xs) = (rows.axis.voxels(of: rows.groups), columns.axis.voxels(of: columns.groups))
        let width = columns.groups.count
        var sums = [Float](repeating: 0, count: rows.groups.count * width)
        // At most 4 million voxels at a time, in whole rows of groups.
        let strip = max(1, 4_194_304 / xs.count / rows.axis.bin) * rows.axis.bin
        for z in slices {
            for first in Swift.stride(from: ys.lowerBound, to: ys.upperBound, by: strip) {
                let part = first..<min(first + strip, ys.upperBound)
                guard let box = Box(z: z..<z + 1, y: part, x: xs) else { continue }
                let values = try read(box)
                guard values.count == box.shape.count else {
                    throw ImageError(
                        .invalidSize, "a box of \(box.shape) voxels was read as \(values.count); return one density for each")
                }
                for y in part {
                    let target = (y / rows.axis.bin - rows.groups.lowerBound) * width
                    let source = (y - part.lowerBound) * xs.count
                    for x in 0..<xs.count { sums[target + x / columns.axis.bin] += values[source + x] }
                }
            }
        }
        guard rows.axis.bin > 1 || columns.axis.bin > 1 || slices.count > 1 else { return sums }
        for (index, y) in rows.groups.enumerated() {
            let height = rows.axis.voxels(of: y..<y + 1).count * slices.count
            for (column, x) in columns.groups.enumerated() {
                sums[index * width + column] /= Float(height * columns.axis.voxels(of: x..<x + 1).count)
            }
        }
        return sums
    }

    /// The responses of all filters in a tile, each in units of its own deviation.
    ///
    /// - Complexity: an inverse Fourier transform for each filter, on all cores; memory is five floats for each voxel of the search.
    func responses(_ spectrum: FourierVolume, _ deviations: [Double], _ isotropy: Float) -> SheetResponses {
        var result = SheetResponses(z: z.searched, y: y.searched, x: x.searched)
        var response = spectrum
        var used: Float = 0
        for (plate, deviation) in zip(plates, deviations) where deviation > 0 {
            apply(plate, factor: Float(1 / deviation), to: spectrum, into: &response)
            response.inverse(skippingZeros: true)
            result.add(response, normal: UInt8(plate.normal))
            used += 1
        }
        result.subtractMean(isotropy / max(used, 1))
        return result
    }
}

/// The strongest response of plates in each voxel of a tile of the search, `[z][y][x]`.
struct SheetResponses: Sendable {
    let (z, y, x): (Int, Int, Int)
    /// The greatest response over all normals, in standard deviations.
    private(set) var best: [Float]
    /// The index of its normal.
    private(set) var normals: [UInt8]
    /// By how much it exceeds the mean of all normals, times a factor.
    private(set) var excess: [Float]

    init(z: Int, y: Int, x: Int) {
        (self.z, self.y, self.x) = (z, y, x)
        best = [Float](repeating: -.greatestFiniteMagnitude, count: z * y * x)
        normals = [UInt8](repeating: 0, count: z * y * x)
        excess = [Float](repeating: 0, count: z * y * x)
    }

    /// Takes the response of one filter into account.
    mutating func add(_ response: FourierVolume, normal: UInt8) {
        let (rows, columns, stride) = (y, x, response.rowStride)
        response.values.withUnsafeBufferPointer { values in
            best.withUnsafeMutableBufferPointer { best in
                normals.withUnsafeMutableBufferPointer { normals in
                    excess.withUnsafeMutableBufferPointer { sum in
                        Threads.perform(z) { slice in
                            for row in slice * rows..<(slice + 1) * rows {
                                let (source, target) = (row &* stride, row &* columns)
                                for column in 0..<columns {
                                    let (value, index) = (values[source &+ column], target &+ column)
                                    if value > best[index] { (best[index], normals[index]) = (value, normal) }
                                    sum[index] += value > 0 ? value : 0
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Makes ``excess`` of the sum of the positive responses.
    mutating func subtractMean(_ factor: Float) {
        for index in excess.indices { excess[index] = best[index] - factor * excess[index] }
    }
}
