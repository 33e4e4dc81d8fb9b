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
/// 2. In columns of 32 × 32 voxels the level of a slice is the logarithm of the mean square. Squares are cut off at nine times the variance of the
///    slice, so that a bead of gold does not outweigh all else.
/// 3. Two planes part the levels of all columns at once: outside they are those of noise, which are alike everywhere, and inside they are higher
///    (``SurfaceSearch``). Where a plane has left the volume, nothing is asked of a column.
/// 4. A plane is a surface where at least an eighth of the columns cross it, power rises inwards in most of them (its confidence is the part in which it
///    rises less the part in which it falls), and the median step is higher than 1.4 standard deviations of the outside: less may be what one part
///    of a sample differs from another. Where the outside is as even as noise is, 0.7 are enough. Otherwise there is no surface.
///
/// A surface within 3 slices of an end of the volume is not seen. Neither is one in a field less than two columns wide, or in fewer than 12 slices.
///
/// Memory is four bytes for each column and slice, four slices, and some 20 MB for each thousand slices.
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

    /// The least number of slices.
    private static let leastSlices = 12
    /// The most columns along x and along y that surfaces are looked for in.
    private static let mostColumns = 32
    /// The least number of columns that a surface crosses.
    private static let leastColumns = 4
    /// The least median step at a surface, in standard deviations of the outside; the second one where the outside is noise for sure.
    private static let (leastStep, leastStepOverNoise) = (1.4, 0.7)
    /// The unevenness of the outside up to which it is noise for sure.
    private static let mostUneven = 4.0
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
                "slice \(depth) of \(density.width) × \(density.height) pixels does not fit a volume of \(shape) voxels; "
                    + "give \(shape.z) slices of \(shape.x) × \(shape.y)")
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
    /// - Parameter confidence: the least ``SurfacePlane/confidence`` of a surface, 0 … 1.
    /// - Complexity: some tenths of a second for 64 columns of 64 slices, and at most some seconds.
    public func extent(confidence: Double = 0.5) -> SampleExtent {
        let none = SampleExtent(lower: nil, upper: nil)
        guard min(rows.count, columns.count) >= 2, depth >= Self.leastSlices else { return none }
        let (field, coarse) = fields()
        guard let fit = field.best(coarse: coarse) else { return none }
        let isEven = field.unevenness(of: fit) <= Self.mostUneven
        func surface(_ plane: SurfaceSearch.Plane, isUpper: Bool) -> SurfacePlane? {
            let evidence = field.evidence(for: fit, isUpper: isUpper)
            guard evidence.columns >= max(Self.leastColumns, field.places.count / 8), evidence.agreement >= confidence,
                evidence.contrast >= (isEven ? Self.leastStepOverNoise : Self.leastStep)
            else { return nil }
            return SurfacePlane(
                middleX: Double(shape.x - 1) / 2, middleY: Double(shape.y - 1) / 2, z: plane.height - 0.5, slopeX: plane.slopeX,
                slopeY: plane.slopeY, confidence: evidence.agreement)
        }
        let extent = SampleExtent(lower: surface(fit.lower, isUpper: false), upper: surface(fit.upper, isUpper: true))
        // One of two planes that are far from parallel is wrong, and nobody knows which.
        return extent.isNearlyParallel ? extent : none
    }

    /// The columns in which surfaces are looked for, and the same field in at most 8 × 8 blocks of them.
    private func fields() -> (field: SurfaceSearch, coarse: SurfaceSearch) {
        let logarithms = self.logarithms()
        let middle = SIMD2(Double(shape.x - 1) / 2, Double(shape.y - 1) / 2)
        func place(_ row: Int, _ column: Int) -> SIMD2<Double> {
            SIMD2(Self.middle(columns[column], columns[column]), Self.middle(rows[row], rows[row])) - middle
        }
        // More columns than these say nothing new: every second, third, … one is taken.
        let thinning = (max(rows.count, columns.count) + Self.mostColumns - 1) / Self.mostColumns
        func kept(_ count: Int) -> [Int] { Array(stride(from: min(thinning / 2, count - 1), to: count, by: thinning)) }
        let (keptRows, keptColumns) = (kept(rows.count), kept(columns.count))
        func search(_ blocks: [[(row: Int, column: Int)]]) -> SurfaceSearch {
            var (places, levels): ([SIMD2<Double>], [Double]) = ([], [])
            for block in blocks {
                places.append(block.reduce(SIMD2.zero) { $0 + place($1.row, $1.column) } / Double(block.count))
                for z in 0..<depth {
                    var (sum, count) = (0.0, 0.0)
                    for member in block {
                        let level = logarithms[(z * rows.count + member.row) * columns.count + member.column]
                        if !level.isNaN { (sum, count) = (sum + Double(level), count + 1) }
                    }
                    levels.append(count > 0 ? sum / count : .nan)
                }
            }
            return SurfaceSearch(places: places, levels: levels, depth: depth)
        }
        let single = keptRows.flatMap { row in keptColumns.map { [(row, $0)] } }
        let blocks = Self.parts(min(8, keptRows.count), of: keptRows.count).flatMap { down in
            Self.parts(min(8, keptColumns.count), of: keptColumns.count).map { across in
                down.flatMap { row in across.map { (keptRows[row], keptColumns[$0]) } }
            }
        }
        return (search(single), search(blocks))
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
