public import Basics
import Foundation
public import ImageProcessing
public import Volumes

/// Estimates how thick a lamella is, from how much densities vary within each slice.
///
/// In the lamella there are structures, beyond its faces there is noise alone, so that the standard deviation of a slice steps
/// up where it begins and down where it ends. The logarithm of the profile, a median of five slices, is fitted by two steps:
/// one level inside, and one on either side. Where the lamella ends between two slices follows from the level half way.
///
/// ```swift
/// var profile = LamellaProfile(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try profile.add(density(z)) }
/// print(profile.lamella()?.thicknessInAngstroms ?? "no edges to be seen")
/// ```
///
/// A lamella that is tilted by more than its thickness over the field of view has no steps in its profile.
public struct LamellaProfile: Sendable {
    public let shape: VolumeShape
    public let voxelSize: VoxelSize
    /// The standard deviation of each slice so far.
    public private(set) var deviations: [Double] = []

    /// How many slices there must be on each side of an edge.
    static let leastSlices = 4
    /// How much of the profile's variance the steps must explain.
    static let leastExplained = 0.6
    /// How far apart levels must lie, in standard deviations of the profile around them, and as a part.
    static let leastContrast = 4.0
    static let leastStep = 0.01

    public init(shape: VolumeShape, voxelSize: VoxelSize) {
        self.shape = shape
        self.voxelSize = voxelSize
    }

    /// Adds the next slice.
    ///
    /// - Throws: ``MetricsError`` where it has another size, the volume is full, or a density is not finite.
    /// - Complexity: a pass over the pixels.
    public mutating func add(_ density: Image<Float>) throws(MetricsError) {
        try density.requireSlice(deviations.count, of: shape)
        let count = density.values.count
        let (sum, squares) = density.values.withUnsafeBufferPointer { values -> (Double, Double) in
            // Sums of differences to a value of the slice: their squares do not cancel.
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

    /// The lamella in the slices so far; nil where no two edges stand out from the noise: where it fills the volume, lies
    /// beyond it, or the volume has too few slices.
    ///
    /// - Complexity: the square of the number of slices.
    public func lamella() -> Lamella? {
        let least = Self.leastSlices
        // Empty slices at the ends of a volume are padding, not what lies beyond a lamella.
        guard let first = deviations.firstIndex(where: { $0 > 0 }), let last = deviations.lastIndex(where: { $0 > 0 }),
            last - first + 1 >= 3 * least
        else { return nil }
        let floor = (deviations.max() ?? 0) * 1e-6
        let profile = Self.medians(deviations[first...last].map { log(max($0, floor)) })
        let sums = profile.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + $1) }
        let count = profile.count
        // The best two steps: the sum of squares that the three levels explain.
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
        // Where the profile passes half of each step, between the slices on either side.
        let lower = Self.crossing(profile, from: best.begin, by: -1, level: (below + inside) / 2)
        let upper = Self.crossing(profile, from: best.end - 1, by: 1, level: (above + inside) / 2)
        let edge = voxelSize.zInAngstroms
        return Lamella(
            lowerInAngstroms: (Double(first) + lower) * edge, upperInAngstroms: (Double(first) + upper) * edge,
            contrast: exp(step) - 1)
    }

    private static func medians(_ values: [Double]) -> [Double] {
        values.indices.map { index in
            let reach = min(2, index, values.count - 1 - index)
            return values[index - reach...index + reach].sorted()[reach]
        }
    }

    /// The place at which the profile falls below a level, near a slice inside; a half further out than the slice if it does so
    /// at once.
    private static func crossing(_ profile: [Double], from inside: Int, by step: Int, level: Double) -> Double {
        var index = inside
        // The first slice of the step may already be below half of it, or the one before it still above.
        while profile.indices.contains(index - step), profile[index] < level { index -= step }
        while profile.indices.contains(index + step), profile[index + step] >= level { index += step }
        guard profile.indices.contains(index + step), profile[index] > profile[index + step] else {
            return Double(index) + Double(step) / 2
        }
        return Double(index) + Double(step) * (profile[index] - level) / (profile[index] - profile[index + step])
    }
}

/// The part of a tomogram that is specimen.
public struct Lamella: Hashable, Codable, Sendable {
    /// Where it begins and ends, in Å along z from the centre of the first slice.
    public let lowerInAngstroms: Double
    public let upperInAngstroms: Double
    /// By what part densities inside vary more than outside: 0.2 for a standard deviation of 1.2 of that outside.
    public let contrast: Double

    public var thicknessInAngstroms: Double { upperInAngstroms - lowerInAngstroms }
}
