public import Basics
import Foundation
public import Volumes

/// Finds the surfaces of the sample in a volume that is added slice by slice, from the first slice to the last.
///
/// ```swift
/// var finder = try SampleExtentFinder(shape: shape)
/// for z in 0..<shape.z { try finder.add(density(z)) }
/// print(finder.extent().thickness ?? "not found")
/// ```
///
/// Inside the sample there are structures, outside there is noise alone. So the power of densities is higher inside:
///
/// 1. Each slice is band-passed in its plane: a Gaussian of σ 1.5 less one of σ 6 voxels. Noise is strongest at higher
///    frequencies, and z stays sharp.
/// 2. In columns of 32 × 32 voxels the profile s(z) is the logarithm of the mean square, smoothed over three slices. Squares are
///    cut off at nine times the variance of the slice, so that a bead of gold does not outweigh all else.
/// 3. Steps are fitted to each profile: outside, inside, outside (`StepProfile`). An edge counts where its step is higher than
///    3 standard errors; either one may be missing.
/// 4. A robust plane is put through the edges of each surface. Its confidence is the part of the columns in which the edge counts
///    and lies within 4 slices of the plane (or a twentieth of the depth, if that is more).
/// 5. Where too few columns agree on a surface, the same is done for blocks of 2 × 2 columns, each with the median of their
///    profiles, then of 3 × 3, 5 × 5 and 8 × 8, as long as there are two blocks along x and y. Where they never agree, there is
///    no surface.
///
/// Each block has voxels of its own, so that edges in noise agree by chance only. A surface within 4 slices of an end of the
/// volume is not seen. Neither is one in a field less than two columns wide, or in fewer than 12 slices.
///
/// Memory is four bytes for each column and slice, and four slices.
public struct SampleExtentFinder: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape

    private let fine: GaussianKernel
    private let coarse: GaussianKernel
    /// The rows of voxels of each row of columns, and the same along x.
    private let rows: [Range<Int>]
    private let columns: [Range<Int>]
    /// The mean squares of the slices that were added, `[z][row][column]`.
    private var powers: [Float] = []
    private var depth = 0

    /// The sides of blocks, in columns.
    private static let blockSides = [1, 2, 3, 5, 8]
    /// Where squares are cut off, in variances of their slice.
    private static let cutoff = 9.0
    /// The median of the square of a standard normal number.
    private static let medianSquare = 0.4549
    /// The least power of a column in a slice, as a part of its largest: less is padding.
    private static let leastPower: Float = 1e-6

    /// - Parameters:
    ///   - shape: the shape of the volume.
    ///   - side: the side of a column in voxels, 8 to 1024. Columns are so much larger that they fill the slice.
    /// - Throws: ``ImageError`` where the side is out of range.
    public init(shape: VolumeShape, column side: Int = 32) throws(ImageError) {
        guard (8...1024).contains(side) else { throw .parameter("the side of a column", side, mustBe: "8 to 1024 voxels") }
        self.shape = shape
        fine = try GaussianKernel(sigma: 1.5)
        coarse = try GaussianKernel(sigma: 6)
        rows = Self.parts(max(1, shape.y / side), of: shape.y)
        columns = Self.parts(max(1, shape.x / side), of: shape.x)
    }

    /// Adds the next slice. Densities that are not finite count as the mean of the others.
    ///
    /// - Parameter density: the densities `[y][x]`.
    /// - Throws: ``ImageError`` where the slice has another size, or the volume is full.
    /// - Complexity: some 60 multiplications for each pixel.
    public mutating func add(_ density: Image<Float>) throws(ImageError) {
        guard density.height == shape.y, density.width == shape.x, depth < shape.z else {
            throw ImageError(
                .invalidSize,
                "slice \(depth) of \(density.width) × \(density.height) pixels does not fit a volume of \(shape) voxels")
        }
        let centred = Self.centred(density)
        let (sharp, ground) = (centred.blurred(by: fine), centred.blurred(by: coarse))
        sharp.values.withUnsafeBufferPointer { sharp in
            ground.values.withUnsafeBufferPointer { ground in
                func square(_ index: Int) -> Double {
                    let difference = Double(sharp[index] - ground[index])
                    return difference * difference
                }
                // Some thousand pixels, never the same one of each row, know the median well enough.
                let sample = stride(from: 0, to: sharp.count, by: sharp.count / 4096 | 1).map(square)
                let variance = (Quantile.median(of: sample) ?? 0) / Self.medianSquare
                let limit = variance > 0 ? Self.cutoff * variance : .infinity
                for y in rows {
                    for x in columns {
                        var sum = 0.0
                        for row in y { for column in x { sum += min(square(row * shape.x + column), limit) } }
                        powers.append(Float(sum / Double(y.count * x.count)))
                    }
                }
            }
        }
        depth += 1
    }

    /// The surfaces in the slices that were added.
    ///
    /// - Parameter confidence: the least part of the columns that must agree on a surface, 0 … 1.
    /// - Complexity: for each column quadratic in the number of slices.
    public func extent(confidence: Double = 0.5) -> SampleExtent {
        let logarithms = self.logarithms()
        let middle = SIMD2(Double(shape.x - 1) / 2, Double(shape.y - 1) / 2)
        var lower: SurfacePlane?
        var upper: SurfacePlane?
        for side in Self.blockSides where min(rows.count, columns.count) / side >= 2 && (lower == nil || upper == nil) {
            let blocks = blocks(of: side, logarithms)
            let edges = StepProfile.edges(of: blocks.map(\.profile))
            func plane(_ edge: KeyPath<StepProfile.Edges, Double?>) -> SurfacePlane? {
                let points = zip(blocks, edges).compactMap { block, edges in
                    edges[keyPath: edge].map { SIMD3(block.x, block.y, Double(block.first) + $0) }
                }
                return SurfacePlane.fitting(
                    points, of: blocks.count, middle: middle, tolerance: max(4, Double(depth) / 20), confidence: confidence)
            }
            lower = lower ?? plane(\.lower)
            upper = upper ?? plane(\.upper)
        }
        // Found in blocks of two sizes, they may contradict one another.
        if let below = lower, let above = upper, below.z >= above.z {
            if below.confidence < above.confidence { lower = nil } else { upper = nil }
        }
        let extent = SampleExtent(lower: lower, upper: upper)
        // One of two planes that are far from parallel is wrong, and nobody knows which.
        return extent.isNearlyParallel ? extent : SampleExtent(lower: nil, upper: nil)
    }

    /// A square of columns with one profile.
    private struct Block {
        /// Its middle, in voxels.
        let x: Double
        let y: Double
        /// The first slice of the profile.
        let first: Int
        let profile: StepProfile
    }

    /// Blocks of columns that fill the slice, without those that have too few slices with data.
    private func blocks(of side: Int, _ logarithms: [Float]) -> [Block] {
        let across = Self.parts(columns.count / side, of: columns.count)
        return Self.parts(rows.count / side, of: rows.count).flatMap { down in
            across.compactMap { across -> Block? in
                let members = down.flatMap { row in across.map { row * columns.count + $0 } }
                let medians = (0..<depth).map { z -> Double? in
                    let values = members.map { logarithms[z * rows.count * columns.count + $0] }.filter { !$0.isNaN }
                    return 2 * values.count >= members.count ? Quantile.median(of: values.map(Double.init)) : nil
                }
                guard let first = medians.firstIndex(where: { $0 != nil }), let last = medians.lastIndex(where: { $0 != nil }),
                    last - first + 1 >= StepProfile.leastCount
                else { return nil }
                return Block(
                    x: Self.middle(columns[across.lowerBound], columns[across.upperBound - 1]),
                    y: Self.middle(rows[down.lowerBound], rows[down.upperBound - 1]), first: first,
                    profile: StepProfile(Self.smoothed(medians[first...last])))
            }
        }
    }

    /// The natural logarithms of the powers, `[z][row][column]`; NaN where a column is padding or has no number.
    private func logarithms() -> [Float] {
        let count = rows.count * columns.count
        var largest = [Float](repeating: 0, count: count)
        for (index, power) in powers.enumerated() where power.isFinite {
            largest[index % count] = max(largest[index % count], power)
        }
        return powers.enumerated().map { index, power in
            power.isFinite && power > Self.leastPower * largest[index % count] ? log(power) : .nan
        }
    }

    /// Means of three slices, of two at the ends. A slice without data has the value of the one before it.
    private static func smoothed(_ profile: ArraySlice<Double?>) -> [Double] {
        var filled: [Double] = []
        for value in profile { filled.append(value ?? filled.last ?? 0) }
        return filled.indices.map { index in
            let near = filled[max(0, index - 1)...min(filled.count - 1, index + 1)]
            return near.reduce(0, +) / Double(near.count)
        }
    }

    /// The slice less the mean of its finite densities; 0 where a density is not finite.
    private static func centred(_ density: Image<Float>) -> Image<Float> {
        var (sum, count) = (0.0, 0)
        density.values.withUnsafeBufferPointer { values in
            for value in values where value.isFinite {
                sum += Double(value)
                count += 1
            }
        }
        let mean = count > 0 ? Float(sum / Double(count)) : 0
        return density.map { $0.isFinite ? $0 - mean : 0 }
    }

    /// Parts of 0 ..< length, as even as can be.
    private static func parts(_ count: Int, of length: Int) -> [Range<Int>] {
        (0..<count).map { $0 * length / count..<($0 + 1) * length / count }
    }

    /// The middle of the voxels from one range to another.
    private static func middle(_ first: Range<Int>, _ last: Range<Int>) -> Double {
        Double(first.lowerBound + last.upperBound - 1) / 2
    }
}
