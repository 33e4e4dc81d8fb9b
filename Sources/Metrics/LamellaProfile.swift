public import Basics
import Foundation
public import ImageProcessing
public import Volumes

/// Estimates the thickness of a lamella from the standard deviation of the densities in each slice.
///
/// The lamella contains structures, while there is only noise beyond its faces: the standard deviation of slices rises where
/// the lamella begins, and falls where it ends. The logarithm of this profile, after a median filter of five slices, is fitted
/// by two steps with three levels: one inside of the lamella, and one on either side. A face lies where the profile crosses
/// the mean of the two levels, interpolated between slices.
///
/// ```swift
/// var profile = LamellaProfile(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try profile.add(density(z)) }
/// print(profile.lamella()?.thicknessInAngstroms ?? "no edges to be seen")
/// ```
///
/// A lamella that is tilted by more than its thickness over the field of view has no steps in its profile.
public struct LamellaProfile: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The size of a voxel along z, y and x.
    public let voxelSize: VoxelSize
    /// The standard deviation of the densities of each slice that was added.
    public private(set) var deviations: [Double] = []

    /// The least number of slices on each side of a step.
    private static let leastSlices = 4
    /// The least fraction of the profile's variance that the steps must explain.
    private static let leastExplained = 0.6
    /// The least height of a step, in standard deviations of the profile around the levels.
    private static let leastContrast = 4.0
    /// The least height of a step in the natural logarithm: 0.01 is 1 %.
    private static let leastStep = 0.01

    /// Begins the profile of a volume.
    public init(shape: VolumeShape, voxelSize: VoxelSize) {
        self.shape = shape
        self.voxelSize = voxelSize
    }

    /// Adds the next slice.
    ///
    /// - Parameter density: the densities `[y][x]`.
    /// - Throws: ``MetricsError`` where the slice has another size, the volume is full, or a density is not finite.
    /// - Complexity: one pass over the pixels.
    public mutating func add(_ density: Image<Float>) throws(MetricsError) {
        try density.requireSlice(deviations.count, of: shape)
        let count = density.values.count
        let (sum, squares) = density.values.withUnsafeBufferPointer { values -> (Double, Double) in
            // Densities are taken relative to one of them, so that the variance does not suffer from cancellation.
            let origin = Double(values[0])
            var (sums, squares) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
            let whole = count & ~7
            for first in stride(from: 0, to: whole, by: 8) {
                var eight = SIMD8<Float>.zero
                for lane in 0..<8 { eight[lane] = values[first &+ lane] }
                let offsets = SIMD8<Double>(eight) - origin
                sums += offsets
                squares += offsets * offsets
            }
            var (sum, square) = (sums.sum(), squares.sum())
            for index in whole..<count {
                let offset = Double(values[index]) - origin
                sum += offset
                square += offset * offset
            }
            return (sum, square)
        }
        guard sum.isFinite, squares.isFinite else {
            throw MetricsError(
                .invalidInput,
                "slice \(deviations.count) has densities that are not finite; mend the tomogram, or leave its lamella out")
        }
        let mean = sum / Double(count)
        deviations.append(max(squares / Double(count) - mean * mean, 0).squareRoot())
    }

    /// The lamella in the slices that were added; nil where no two steps stand out from the noise, because the lamella fills the
    /// volume or extends beyond it, or because there are fewer than 12 slices without padding.
    ///
    /// - Complexity: quadratic in the number of slices.
    public func lamella() -> Lamella? {
        let least = Self.leastSlices
        // Constant slices at the ends of a volume are padding, not the space outside of a lamella.
        guard let first = deviations.firstIndex(where: { $0 > 0 }), let last = deviations.lastIndex(where: { $0 > 0 }),
            last - first + 1 >= 3 * least
        else { return nil }
        let floor = (deviations.max() ?? 0) * 1e-6
        let profile = Self.medians(deviations[first...last].map { log(max($0, floor)) })
        let sums = profile.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + $1) }
        let count = profile.count
        // The best two steps maximize the sum of squares that the three levels explain.
        func explained(_ range: Range<Int>) -> Double {
            let sum = sums[range.upperBound] - sums[range.lowerBound]
            return sum * sum / Double(range.count)
        }
        var best: (value: Double, begin: Int, end: Int)?
        for begin in least...count - 2 * least {
            for end in begin + least...count - least {
                let value = explained(0..<begin) + explained(begin..<end) + explained(end..<count)
                if value > best?.value ?? -.infinity { best = (value, begin, end) }
            }
        }
        guard let best else { return nil }
        func level(_ range: Range<Int>) -> Double { (sums[range.upperBound] - sums[range.lowerBound]) / Double(range.count) }
        let (below, inside, above) = (level(0..<best.begin), level(best.begin..<best.end), level(best.end..<count))
        let step = min(inside - below, inside - above)
        let squares = profile.reduce(0) { $0 + $1 * $1 }
        let whole = squares - sums[count] * sums[count] / Double(count)
        let rest = max(squares - best.value, 0)
        let noise = (rest / Double(count)).squareRoot()
        guard step >= Self.leastStep, step >= Self.leastContrast * noise, rest <= (1 - Self.leastExplained) * whole else {
            return nil
        }
        // The faces: the profile crosses the middle of a step between two slices.
        let lower = Self.crossing(profile, from: best.begin, by: -1, level: (below + inside) / 2)
        let upper = Self.crossing(profile, from: best.end - 1, by: 1, level: (above + inside) / 2)
        let edge = voxelSize.zInAngstroms
        return Lamella(
            lowerInAngstroms: (Double(first) + lower) * edge, upperInAngstroms: (Double(first) + upper) * edge,
            contrast: exp(step) - 1)
    }

    /// The median of each value and two on either side; fewer at the ends.
    private static func medians(_ values: [Double]) -> [Double] {
        values.indices.map { index in
            let reach = min(2, index, values.count - 1 - index)
            return Quantile.median(of: Array(values[index - reach...index + reach])) ?? values[index]
        }
    }

    /// The position at which the profile falls below a level, searched from the slice `inside` in the direction `step`, and
    /// interpolated linearly. Where the profile ends or does not fall, it is half a slice beyond the slice where the search ends.
    private static func crossing(_ profile: [Double], from inside: Int, by step: Int, level: Double) -> Double {
        var index = inside
        // The first slice inside may already be below the level, and the one outside still above it.
        while profile.indices.contains(index - step), profile[index] < level { index -= step }
        while profile.indices.contains(index + step), profile[index + step] >= level { index += step }
        guard profile.indices.contains(index + step), profile[index] > profile[index + step] else {
            return Double(index) + Double(step) / 2
        }
        return Double(index) + Double(step) * (profile[index] - level) / (profile[index] - profile[index + step])
    }
}

/// The part of a tomogram that contains the specimen.
public struct Lamella: Hashable, Codable, Sendable {
    /// The z of the lower face, in Å from the centre of the first slice.
    public let lowerInAngstroms: Double
    /// The z of the upper face, in Å from the centre of the first slice.
    public let upperInAngstroms: Double
    /// The ratio of the standard deviations inside and outside, minus 1: 0.2 where it is 1.2 times as large inside. Of the two
    /// sides the one with the smaller contrast counts.
    public let contrast: Double

    /// The distance of the faces in Å.
    public var thicknessInAngstroms: Double { upperInAngstroms - lowerInAngstroms }
}
