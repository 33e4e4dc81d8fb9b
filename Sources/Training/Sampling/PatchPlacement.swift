import Foundation
import Tensors
import Volumes

/// How a patch lies in the tomogram: turned about z and enlarged, about the patch's middle.
struct PatchPlacement: Hashable, Sendable {
    /// In radians, from x to y.
    var angle = 0.0
    /// The number of voxels of the patch along an axis for each voxel of the tomogram.
    var zoom = 1.0

    /// As it is in the tomogram.
    static let upright = PatchPlacement()

    /// The voxels of the tomogram that a patch shows.
    ///
    /// - Parameter upright: the box of the patch as if it were upright.
    /// - Returns: the smallest box that holds them and, along each axis, one more where a voxel lies between two.
    func source(of upright: PaddedBox) -> PaddedBox {
        func range(_ first: Int, _ length: Int, _ reach: Double) -> (first: Int, length: Int) {
            let middle = Double(first) + Double(length - 1) / 2
            let (low, high) = (Int((middle - reach).rounded(.down)), Int((middle + reach).rounded(.up)))
            return (low, high - low + 1)
        }
        let (height, width) = (Double(upright.height - 1) / 2, Double(upright.width - 1) / 2)
        let (c, s) = (abs(cos(angle)), abs(sin(angle)))
        let z = range(upright.z, upright.depth, Double(upright.depth - 1) / 2 / zoom)
        let y = range(upright.y, upright.height, (c * height + s * width) / zoom)
        let x = range(upright.x, upright.width, (s * height + c * width) / zoom)
        return PaddedBox(origin: (z.first, y.first, x.first), size: (z.length, y.length, x.length))
    }

    /// Calls a closure with the place of each voxel of a patch in its ``source(of:)``: the index `[z][y][x]` of the voxel at or before it
    /// along each axis, and the fractions to the next one. Rows are divided among the threads of the pool.
    private func forEachVoxel(
        of upright: PaddedBox, in source: PaddedBox, _ body: (_ index: Int, _ z: Double, _ y: Double, _ x: Double) -> Void
    ) {
        let middle = (
            z: Double(upright.z - source.z) + Double(upright.depth - 1) / 2,
            y: Double(upright.y - source.y) + Double(upright.height - 1) / 2,
            x: Double(upright.x - source.x) + Double(upright.width - 1) / 2
        )
        let (c, s) = (cos(angle) / zoom, sin(angle) / zoom)
        // Rounding must not lead beyond the source's voxels.
        func inside(_ value: Double, _ length: Int) -> Double { min(max(value, 0), Double(length - 1)) }
        Threads.perform(upright.depth * upright.height) { line in
            let (slice, row) = (line / upright.height, line % upright.height)
            let z = inside(middle.z + (Double(slice) - Double(upright.depth - 1) / 2) / zoom, source.depth)
            let dy = Double(row) - Double(upright.height - 1) / 2
            for column in 0..<upright.width {
                let dx = Double(column) - Double(upright.width - 1) / 2
                body(
                    line * upright.width + column, z, inside(middle.y + c * dy - s * dx, source.height),
                    inside(middle.x + s * dy + c * dx, source.width))
            }
        }
    }

    /// The densities of a patch by linear interpolation, `[z][y][x]`.
    ///
    /// - Parameters:
    ///   - values: one for each voxel of ``source(of:)``.
    /// - Complexity: eight reads for each voxel of the patch.
    func interpolated(_ values: [Float], of upright: PaddedBox) -> [Float] {
        let source = source(of: upright)
        precondition(values.count == source.count, "\(values.count) values do not fill their box")
        let (rowStride, sliceStride) = (source.width, source.width * source.height)
        return [Float](unsafeUninitializedCapacity: upright.count) { buffer, count in
            nonisolated(unsafe) let target = buffer
            values.withUnsafeBufferPointer { values in
                nonisolated(unsafe) let values = values
                forEachVoxel(of: upright, in: source) { index, z, y, x in
                    let (z0, y0, x0) = (Int(z), Int(y), Int(x))
                    let (fz, fy, fx) = (Float(z - Double(z0)), Float(y - Double(y0)), Float(x - Double(x0)))
                    let first = z0 * sliceStride + y0 * rowStride + x0
                    // The next voxel, or the same one at the end of an axis, where the fraction is 0.
                    let dx = x0 + 1 < source.width ? 1 : 0
                    let dy = y0 + 1 < source.height ? rowStride : 0
                    let dz = z0 + 1 < source.depth ? sliceStride : 0
                    func row(_ at: Int) -> Float { values[at] + fx * (values[at + dx] - values[at]) }
                    func slice(_ at: Int) -> Float {
                        let near = row(at)
                        return fy == 0 ? near : near + fy * (row(at + dy) - near)
                    }
                    let near = slice(first)
                    target[index] = fz == 0 ? near : near + fz * (slice(first + dz) - near)
                }
            }
            count = upright.count
        }
    }

    /// The labels of a patch, each that of the nearest voxel, `[z][y][x]`.
    ///
    /// - Parameters:
    ///   - values: one for each voxel of ``source(of:)``.
    func nearest(_ values: [UInt8], of upright: PaddedBox) -> [UInt8] {
        let source = source(of: upright)
        precondition(values.count == source.count, "\(values.count) values do not fill their box")
        return [UInt8](unsafeUninitializedCapacity: upright.count) { buffer, count in
            nonisolated(unsafe) let target = buffer
            values.withUnsafeBufferPointer { values in
                nonisolated(unsafe) let values = values
                forEachVoxel(of: upright, in: source) { index, z, y, x in
                    let row = Int(z.rounded()) * source.height + Int(y.rounded())
                    target[index] = values[row * source.width + Int(x.rounded())]
                }
            }
            count = upright.count
        }
    }
}
