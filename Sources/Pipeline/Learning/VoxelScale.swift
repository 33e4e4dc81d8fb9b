import Foundation
import Training
import Volumes

/// How a tomogram is scaled so that its voxels have the size that a network learned with: the grid that the network sees, and the ways there
/// and back.
///
/// Voxel i of the scaled grid has its middle at the place (i + ½) / ratio − ½ of the tomogram's grid. Densities are weighted means over
/// a triangle as wide as the larger of the two voxels on each side: linear interpolation where voxels become smaller, and a blur without
/// which noise would be taken for structure where they become larger. What the network says is interpolated linearly.
struct VoxelScale: Sendable {
    /// The tomogram's voxel divided by the network's, along z, y and x.
    let ratios: [Double]
    /// The shape of the tomogram.
    let shape: VolumeShape
    /// The shape of the grid that the network sees.
    let scaledShape: VolumeShape

    /// - Parameters:
    ///   - size: the voxel size of the tomogram.
    ///   - learned: the side of a voxel in training, in Å.
    ///   - tolerance: the part by which a side may differ and nothing is scaled.
    ///   - most: the largest ratio of the two sizes, either way; 1 where nothing may be scaled.
    ///   - magnification: how much larger the network is to see everything than it learned it.
    /// - Throws: ``PipelineError`` where the sizes differ by more.
    init(
        _ size: VoxelSize, of shape: VolumeShape, learned: Double, tolerance: Double, most: Double, magnification: Double = 1,
        tomogram: String
    ) throws(PipelineError) {
        let sides = [size.zInAngstroms, size.yInAngstroms, size.xInAngstroms]
        let ratios = sides.map { abs($0 - learned) <= tolerance * learned ? 1 : $0 / learned }
        guard ratios.allSatisfy({ $0 <= most && $0 >= 1 / most }) else {
            let (low, high) = (Self.text(learned / most), Self.text(learned * most))
            throw PipelineError(
                most > 1
                    ? "\(tomogram) has a voxel size of \(size), and the network works from \(low) to \(high) Å: bin or rescale the tomogram, "
                        + "or leave it out with --where"
                    : "\(tomogram) has a voxel size of \(size), and the training set of \(Self.text(learned)) Å: rescale it, leave it out with "
                        + "--where, or raise voxel_size_tolerance (scale_limit, where a network is applied)")
        }
        func length(_ count: Int, _ ratio: Double) -> Int { max(1, Int((Double(count) * ratio).rounded())) }
        self.shape = shape
        self.ratios = ratios.map { $0 * magnification }
        let lengths = zip([shape.z, shape.y, shape.x], self.ratios).map { length($0, $1) }
        scaledShape = VolumeShape(z: lengths[0], y: lengths[1], x: lengths[2]) ?? shape
    }

    /// Whether the network sees the tomogram's own voxels.
    var isIdentity: Bool { ratios.allSatisfy { $0 == 1 } }

    private static func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

    /// The voxels of an axis that a scaled voxel is made of, with their weights, which add up to 1.
    private static func taps(_ index: Int, _ ratio: Double, _ length: Int) -> (first: Int, weights: [Float]) {
        guard ratio != 1 else { return (index, [1]) }
        let place = (Double(index) + 0.5) / ratio - 0.5
        let reach = max(1, 1 / ratio)
        let (low, high) = (Int((place - reach).rounded(.up)), Int((place + reach).rounded(.down)))
        // Beyond the tomogram, its outermost voxel.
        let range = min(max(low, 0), length - 1)...max(min(high, length - 1), min(max(low, 0), length - 1))
        var weights = [Double](repeating: 0, count: range.count)
        for voxel in low...max(low, high) {
            let inside = min(max(voxel, range.lowerBound), range.upperBound) - range.lowerBound
            weights[inside] += max(0, 1 - abs(Double(voxel) - place) / reach)
        }
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return (range.lowerBound, weights.indices.map { $0 == 0 ? 1 : 0 }) }
        return (range.lowerBound, weights.map { Float($0 / sum) })
    }

    /// The densities of a box of the scaled grid, `[z][y][x]`.
    ///
    /// - Parameter read: gives the densities of a box of the tomogram.
    /// - Complexity: reads the box of the tomogram that holds it once; some operations for each of its voxels along each axis.
    func scaled(_ box: Box, read: (Box) throws -> [Float]) throws -> [Float] {
        let taps = [(box.z, 0, shape.z), (box.y, 1, shape.y), (box.x, 2, shape.x)].map { range, axis, length in
            range.map { Self.taps($0, ratios[axis], length) }
        }
        let sources = taps.map { list in
            let first = list.map(\.first).min() ?? 0
            return first..<(list.map { $0.first + $0.weights.count }.max() ?? first + 1)
        }
        guard let source = Box(z: sources[0], y: sources[1], x: sources[2]) else { return [] }
        var values = try read(source)
        guard values.count == source.shape.count else {
            throw PipelineError("\(values.count) densities of \(source.shape) voxels were read; run again")
        }
        // Along x, then y, then z: as [outer][axis][inner].
        var lengths = [source.shape.z, source.shape.y, source.shape.x]
        for axis in [2, 1, 0] {
            let outer = lengths[..<axis].reduce(1, *)
            let inner = lengths[(axis + 1)...].reduce(1, *)
            let old = lengths[axis]
            lengths[axis] = taps[axis].count
            var next = [Float](repeating: 0, count: outer * lengths[axis] * inner)
            next.withUnsafeMutableBufferPointer { next in
                values.withUnsafeBufferPointer { values in
                    for block in 0..<outer {
                        for (index, tap) in taps[axis].enumerated() {
                            let to = (block * taps[axis].count + index) * inner
                            for (offset, weight) in tap.weights.enumerated() {
                                let from = (block * old + tap.first - sources[axis].lowerBound + offset) * inner
                                for place in 0..<inner { next[to + place] += weight * values[from + place] }
                            }
                        }
                    }
                }
            }
            values = next
        }
        return values
    }

    /// Takes slices of the scaled grid, `[y][x][value]`, in ascending z, and gives those of the tomogram.
    struct Restoring {
        private let scale: VoxelScale
        private let values: Int
        private var last: (z: Int, slice: [Float])?
        private(set) var next: Int
        private let end: Int

        /// - Parameters:
        ///   - values: the number of values of each voxel.
        ///   - first: the first slice of the tomogram that is wanted.
        ///   - end: the slice after the last one that is wanted; nil for all.
        init(_ scale: VoxelScale, values: Int, first: Int, end: Int? = nil) {
            (self.scale, self.values, next, self.end) = (scale, values, first, min(end ?? scale.shape.z, scale.shape.z))
        }

        /// The first slice of the scaled grid that the next slice of the tomogram is made of.
        var firstNeeded: Int { next < end ? Int(place(next)) : scale.scaledShape.z }

        /// The last slice of the scaled grid that a wanted slice of the tomogram is made of.
        var lastNeeded: Int { Int(place(end - 1).rounded(.up)) }

        /// The place of a slice of the tomogram among those of the scaled grid.
        private func place(_ z: Int) -> Double {
            min(max((Double(z) + 0.5) * scale.ratios[0] - 0.5, 0), Double(scale.scaledShape.z - 1))
        }

        /// Takes a slice, and calls a closure with each slice of the tomogram that lies at or before it.
        mutating func append(_ z: Int, _ slice: [Float], emit: ([Float]) throws -> Void) throws {
            while next < end, place(next) <= Double(z) {
                let part = Float(Double(z) - place(next))
                var mixed = slice
                if part > 0, let last, last.z == z - 1 {
                    for index in mixed.indices { mixed[index] += min(part, 1) * (last.slice[index] - mixed[index]) }
                }
                try emit(enlarged(mixed))
                next += 1
            }
            last = (z, slice)
        }

        /// A slice with the tomogram's rows and columns.
        private func enlarged(_ slice: [Float]) -> [Float] {
            if scale.isIdentity { return slice }
            func places(_ count: Int, _ ratio: Double, _ length: Int) -> [(index: Int, part: Float)] {
                (0..<count).map { voxel in
                    let place = min(max((Double(voxel) + 0.5) * ratio - 0.5, 0), Double(length - 1))
                    let index = min(Int(place), max(length - 2, 0))
                    return (index, Float(place - Double(index)))
                }
            }
            let (height, width) = (scale.scaledShape.y, scale.scaledShape.x)
            let rows = places(scale.shape.y, scale.ratios[1], height)
            let columns = places(scale.shape.x, scale.ratios[2], width)
            var result = [Float](repeating: 0, count: scale.shape.voxelsPerSlice * values)
            var to = 0
            for row in rows {
                let (near, far) = (row.index * width, min(row.index + 1, height - 1) * width)
                for column in columns {
                    let right = min(column.index + 1, width - 1)
                    for value in 0..<values {
                        func at(_ line: Int, _ x: Int) -> Float { slice[(line + x) * values + value] }
                        let upper = at(near, column.index) + column.part * (at(near, right) - at(near, column.index))
                        let lower = at(far, column.index) + column.part * (at(far, right) - at(far, column.index))
                        result[to] = upper + row.part * (lower - upper)
                        to += 1
                    }
                }
            }
            return result
        }
    }
}
