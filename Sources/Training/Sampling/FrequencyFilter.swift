import Basics
import Foundation
import Tensors
import Volumes

/// A random filter of a patch: the product of a Gaussian blur, a smooth radial profile and a missing wedge, as a gain for each spatial
/// frequency.
struct FrequencyFilter {
    /// The variance of the blur, in voxels².
    private var blur = 0.0
    /// The logarithm of the gain at equal distances of the radial frequency from 0 to half of √3 cycles per voxel; empty for 0 everywhere.
    private var profile: [Double] = []
    /// The tilt axis' angle to x, and the largest tilt, in radians.
    private var wedges: [(axis: Double, tilt: Double)] = []

    /// The number of values of a profile.
    private static let knots = 9
    /// The voxels by which a patch is continued at each end, mirrored, so that its ends do not mix.
    private static let margin = 6
    /// The number of gains that are computed of blur and profile.
    private static let cells = 128 * (knots - 1)

    var isEmpty: Bool { blur == 0 && profile.isEmpty && wedges.isEmpty }

    /// Multiplies the filter by one of a kind.
    mutating func add(_ kind: Augmentation.Kind, _ number: Double, _ random: inout RandomStream) {
        switch kind {
        case .blur: blur += number * number
        case .spectrum:
            let drawn = (0..<Self.knots).map { _ in number * random.normal() }
            profile = profile.isEmpty ? drawn : zip(profile, drawn).map { $0 + $1 }
        case .wedge: wedges.append((random.unit() * .pi, number * .pi / 180))
        default: break
        }
    }

    /// The gain of blur and profile at radial frequencies from 0 to half of √3 cycles per voxel, at equal distances, and once more at the
    /// end. Between two of them it is linear to 10⁻⁵: the table has a multiple of the profile's knots.
    private var radialGains: [Float] {
        (0...Self.cells + 1).map { cell in
            let place = min(Double(cell) / Double(Self.cells), 1)
            var exponent = -2 * Double.pi * Double.pi * blur * 0.75 * place * place
            if !profile.isEmpty {
                let knot = min(Int(place * Double(profile.count - 1)), profile.count - 2)
                let part = place * Double(profile.count - 1) - Double(knot)
                exponent += profile[knot] + part * (profile[knot + 1] - profile[knot])
            }
            return Float(exp(exponent))
        }
    }

    /// Multiplies the frequencies of a row along x, which differ in their x only, by their gains.
    ///
    /// - Parameters:
    ///   - kz, ky: of the row, in cycles per voxel.
    ///   - step: between two frequencies along x.
    ///   - real, imaginary: the parts of the row's values.
    private func apply(
        _ gains: UnsafeBufferPointer<Float>, kz: Float, ky: Float, step: Float, real: UnsafeMutableBufferPointer<Float>,
        imaginary: UnsafeMutableBufferPointer<Float>
    ) {
        if !isFlat {
            let (scale, base) = (Float(Self.cells) / Float(0.75).squareRoot(), kz * kz + ky * ky)
            for index in real.indices {
                let kx = Float(index) * step
                let place = min((base + kx * kx).squareRoot() * scale, Float(Self.cells))
                let cell = Int(place)
                let gain = gains[cell] + (place - Float(cell)) * (gains[cell + 1] - gains[cell])
                real[index] *= gain
                imaginary[index] *= gain
            }
        }
        for wedge in wedges {
            // Tilts about an axis in the plane sample what lies within the largest tilt of the plane, seen along the axis.
            let (along, across) = (Float(sin(wedge.axis)), ky * Float(cos(wedge.axis)))
            let least = abs(kz) * Float(cos(wedge.tilt) / sin(wedge.tilt))
            for index in real.indices {
                let gain: Float = abs(across - Float(index) * step * along) < least ? 0 : 1
                real[index] *= gain
                imaginary[index] *= gain
            }
        }
    }

    /// Whether blur and profile leave all as it is.
    private var isFlat: Bool { blur == 0 && profile.isEmpty }

    /// The filtered densities, with the mean and standard deviation that they had.
    ///
    /// - Parameter densities: `[z][y][x]`
    /// - Complexity: two Fourier transforms of the patch and its margins.
    func filtered(_ densities: [Float], shape: VolumeShape) -> [Float] {
        func transform(_ length: Int) -> FourierTransform {
            FourierTransform(lengthAtLeast: length == 1 ? 1 : length + 2 * Self.margin)
        }
        var volume = FourierVolume(x: transform(shape.x), y: transform(shape.y), z: transform(shape.z))
        let before = (z: (volume.z - shape.z) / 2, y: (volume.y - shape.y) / 2, x: (volume.x - shape.x) / 2)
        let columns = (0..<volume.x).map { Self.mirrored($0 - before.x, shape.x) }
        for z in 0..<volume.z {
            for y in 0..<volume.y {
                let line = Self.mirrored(z - before.z, shape.z) * shape.y + Self.mirrored(y - before.y, shape.y)
                let target = (z * volume.y + y) * volume.rowStride
                for x in 0..<volume.x { volume.values[target + x] = densities[line * shape.x + columns[x]] }
            }
        }
        volume.forward()
        func frequency(_ index: Int, _ count: Int) -> Double { Double(2 * index > count ? index - count : index) / Double(count) }
        let (depth, height, width, stride, half) = (volume.z, volume.y, volume.frequencyCount, volume.rowStride, volume.rowHalf)
        let step = 1 / Float(volume.x)
        let gains = radialGains
        volume.values.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let values = buffer
            Threads.perform(depth * height) { line in
                let (real, imaginary) = (line * stride, line * stride + half)
                gains.withUnsafeBufferPointer { gains in
                    apply(
                        gains, kz: Float(frequency(line / height, depth)), ky: Float(frequency(line % height, height)),
                        step: step,
                        real: UnsafeMutableBufferPointer(rebasing: values[real..<real + width]),
                        imaginary: UnsafeMutableBufferPointer(rebasing: values[imaginary..<imaginary + width]))
                }
            }
        }
        volume.inverse()
        var result = [Float]()
        result.reserveCapacity(densities.count)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let first = ((z + before.z) * height + y + before.y) * stride + before.x
                result += volume.values[first..<first + shape.x]
            }
        }
        let moments = Moments(result)
        // What a filter empties, such as a patch of one value in a wedge, has no contrast that could be restored.
        let original = Moments(densities)
        guard moments.deviation > 1e-3 * original.deviation else { return densities }
        moments.restore(original, in: &result)
        return result
    }

    /// An index of an axis, mirrored at its first and last voxel as often as necessary.
    private static func mirrored(_ index: Int, _ length: Int) -> Int {
        guard length > 1 else { return 0 }
        let period = 2 * (length - 1)
        let place = ((index % period) + period) % period
        return place < length ? place : period - place
    }
}
