import Basics
import Foundation
import Tensors

/// The filters for plates of all normals, on the half spectrum of a tile of the search.
///
/// The filter of a normal n is (k·n)² exp(−2π² [σₙ² (k·n)² + σₜ² (|k|² − (k·n)²)]): the second derivative across a plate, averaged along it (a
/// Gaussian derivative, J. J. Koenderink, A. J. van Doorn, Biol. Cybern. 55 (1987)). Its response to the tomogram has a standard deviation that
/// follows from the power spectrum, by Parseval. So responses of all normals and widths are compared in units of their own noise, whatever the
/// missing wedge leaves of them.
struct SheetFilters: Sendable {
    /// One filter: the index of its normal, and its width along the sheet.
    struct Plate: Sendable {
        let normal: Int
        let direction: SIMD3<Double>
        let width: Int
        let acrossInAngstroms: Double
        let alongInAngstroms: Double
    }

    let (z, y, x): (SheetAxis, SheetAxis, SheetAxis)
    let plates: [Plate]

    /// What is smaller than exp(−this) is zero.
    private static let reach = 16.0
    /// Below this part of the median, a standard deviation is taken as this part: in the missing wedge there is nothing to see.
    private static let leastPart = 0.3

    init(z: SheetAxis, y: SheetAxis, x: SheetAxis, _ parameters: SheetParameters) {
        (self.z, self.y, self.x) = (z, y, x)
        // A voxel may be longer than a membrane is thick.
        let spacing = cbrt(z.spacing * y.spacing * x.spacing)
        let across = max(parameters.normalWidth, 0.8 * spacing)
        let directions = parameters.directions
        plates = parameters.tangentialWidths.enumerated().flatMap { width, along in
            stride(from: 0, to: directions.count, by: parameters.step(ofWidth: along)).map { normal in
                Plate(
                    normal: normal, direction: directions[normal], width: width, acrossInAngstroms: across,
                    alongInAngstroms: max(along, across))
            }
        }
    }

    /// Calls the closure with the gains of a filter in one row of the spectrum: from the first frequency along x that has any. Rows without any are
    /// left out.
    @inline(__always)
    private func visit(_ plate: Plate, z slice: Int, y row: Int, _ body: (_ kx: Int, _ gain: Float) -> Void) {
        let (kz, ky) = (z.frequency(slice), y.frequency(row))
        let (n, scale) = (plate.direction, 2 * Double.pi * Double.pi)
        let along = scale * plate.alongInAngstroms * plate.alongInAngstroms
        let difference = scale * plate.acrossInAngstroms * plate.acrossInAngstroms - along
        let offset = n.y * ky + n.z * kz
        // The exponent is a kx² + 2 b kx + c.
        let a = along + difference * n.x * n.x
        let b = difference * n.x * offset
        let c = along * (ky * ky + kz * kz) + difference * offset * offset
        let discriminant = b * b - a * (c - Self.reach)
        guard a > 0, discriminant > 0 else { return }
        let root = discriminant.squareRoot()
        let step = 1 / (Double(x.searched) * x.spacing)
        // The highest frequency of an even length has no phase of its own.
        let last = Double((x.searched - 1) / 2)
        let from = max(0, ((-b - root) / a / step).rounded(.up))
        let to = min(last, ((-b + root) / a / step).rounded(.down))
        guard from <= to, 2 * slice != z.searched, 2 * row != y.searched else { return }
        let (fa, fb, fc) = (Float(a * step * step), Float(2 * b * step), Float(c))
        let (slope, start) = (Float(n.x * step), Float(offset))
        for index in Int(from)...Int(to) {
            let k = Float(index)
            let across = slope * k + start
            body(index, across * across * exp(-((fa * k + fb) * k + fc)))
        }
    }

    /// The standard deviation of each filter's response, by the power of the tomogram.
    ///
    /// - Complexity: one pass over each filter's spectrum, on all cores.
    func deviations(_ power: SheetPower) -> [Double] {
        let voxels = Double(z.searched * y.searched * x.searched)
        var deviations = [Double](repeating: 0, count: plates.count)
        deviations.withUnsafeMutableBufferPointer { deviations in
            Threads.perform(plates.count) { index in
                var sum = 0.0
                for slice in 0..<z.searched {
                    for row in 0..<y.searched {
                        visit(plates[index], z: slice, y: row) { k, gain in
                            let value = Double(gain) * Double(gain) * Double(power[z: slice, y: row, x: k])
                            sum += k == 0 ? value : 2 * value
                        }
                    }
                }
                deviations[index] = (sum / voxels).squareRoot()
            }
        }
        for width in Set(plates.map(\.width)) {
            let own = plates.indices.filter { plates[$0].width == width }
            let sorted = own.map { deviations[$0] }.sorted()
            let least = Self.leastPart * sorted[sorted.count / 2]
            for index in own { deviations[index] = max(deviations[index], least) }
        }
        return deviations
    }

    /// Writes the product of a spectrum and a filter, times a factor.
    ///
    /// - Complexity: one pass over the spectrum, on all cores.
    func apply(_ plate: Plate, factor: Float, to spectrum: FourierVolume, into target: inout FourierVolume) {
        let (stride, half, rows) = (spectrum.rowStride, spectrum.rowHalf, y.searched)
        spectrum.values.withUnsafeBufferPointer { source in
            target.values.withUnsafeMutableBufferPointer { target in
                Threads.perform(z.searched) { slice in
                    for row in 0..<rows {
                        let first = (slice * rows + row) * stride
                        UnsafeMutableBufferPointer(rebasing: target[first..<first + stride]).update(repeating: 0)
                        visit(plate, z: slice, y: row) { k, gain in
                            target[first &+ k] = gain * factor * source[first &+ k]
                            target[first &+ half &+ k] = gain * factor * source[first &+ half &+ k]
                        }
                    }
                }
            }
        }
    }
}

/// The power spectrum of a tomogram by frequency and direction, averaged over sectors: over |k| and, of the direction, over the angle to the plane
/// of the slices and the angle within it, without regard to signs. The missing wedge has sectors of its own, in which there is little.
///
/// It is to be the noise, while a flat membrane has much power in few coefficients of a sector. So fourth roots are averaged, whose mean for noise
/// (exponentially distributed power of mean μ) is Γ(5/4) μ^¼: with the plain mean, a plane is taken for the noise that hides it.
struct SheetPower: Sendable {
    private static let (shells, angles) = (24, 8)
    private let (rows, columns): (Int, Int)
    /// The sector of each coefficient `[z][y][kx]`.
    private let sectors: [UInt16]
    private var sums: [Double]
    private var counts: [Double]
    /// 0 before a tile was added.
    private var means: [Float]

    init(z: SheetAxis, y: SheetAxis, x: SheetAxis) {
        (rows, columns) = (y.searched, x.searched / 2 + 1)
        let (rows, columns) = (rows, columns)
        let highest = 0.5 / min(z.spacing, y.spacing, x.spacing) * 3.0.squareRoot()
        let (shells, angles) = (Self.shells, Self.angles)
        sectors = [UInt16](unsafeUninitializedCapacity: z.searched * rows * columns) { sectors, count in
            count = z.searched * rows * columns
            Threads.perform(z.searched) { slice in
                let kz = abs(z.frequency(slice))
                for row in 0..<rows {
                    let ky = abs(y.frequency(row))
                    for column in 0..<columns {
                        let kx = x.frequency(column)
                        let inPlane = (kx * kx + ky * ky).squareRoot()
                        let length = (inPlane * inPlane + kz * kz).squareRoot()
                        let shell = min(Int(length / highest * Double(shells)), shells - 1)
                        let height = min(Int(atan2(kz, inPlane) / (Double.pi / 2) * Double(angles)), angles - 1)
                        let turn = min(Int(atan2(ky, abs(kx)) / (Double.pi / 2) * Double(angles)), angles - 1)
                        sectors[(slice * rows + row) * columns + column] = UInt16((shell * angles + height) * angles + turn)
                    }
                }
            }
        }
        sums = [Double](repeating: 0, count: shells * angles * angles)
        counts = sums
        means = [Float](repeating: 0, count: sums.count)
    }

    /// Adds a tile's spectrum, of which `part` is the mean square of the tile's weights.
    mutating func add(_ spectrum: FourierVolume, part: Double) {
        let scale = 1 / (Double(spectrum.x) * Double(spectrum.y) * Double(spectrum.z) * part)
        for slice in 0..<spectrum.z {
            for row in 0..<rows {
                let first = (slice * rows + row) * spectrum.rowStride
                let place = (slice * rows + row) * columns
                // Without the highest frequency of an even length.
                for column in 0...(spectrum.x - 1) / 2 {
                    let (real, imaginary) = (spectrum.values[first + column], spectrum.values[first + spectrum.rowHalf + column])
                    let sector = Int(sectors[place + column])
                    sums[sector] += (scale * Double(real * real + imaginary * imaginary)).squareRoot().squareRoot()
                    counts[sector] += 1
                }
            }
        }
        means = zip(sums, counts).map { $1 > 0 ? Float(pow($0 / $1 / 0.906_402_477, 4)) : 0 }
    }

    /// The mean power of a coefficient's sector.
    subscript(z slice: Int, y row: Int, x column: Int) -> Float {
        means[Int(sectors[(slice * rows + row) * columns + column])]
    }
}
