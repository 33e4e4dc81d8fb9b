import Foundation
import Tensors

/// A real filter for the spectrum of a ``FourierVolume``: gain(kx, ky, kz) = radial(|k|) · mask(kx, kz).
///
/// The radial part is tabulated over k², because the oscillations of the contrast transfer function are evenly spaced in k².
struct SpectralFilter: Sendable {
    private static let tableCount = 1 << 16

    private let radial: [Float]
    private let indexPerSquaredFrequency: Float
    private let mask: TiltMask
    private let squaredX: [Float]
    private let squaredY: [Float]
    private let squaredZ: [Float]

    /// Tabulates a filter for the grid.
    ///
    /// - Parameters:
    ///   - mask: the sampled part of Fourier space, for the same grid.
    ///   - gain: the radial gain at a squared spatial frequency k², in Å⁻².
    init(grid: SimulationGrid, mask: TiltMask, radial gain: (Double) -> Double) {
        func squared(_ count: Int) -> [Float] {
            (0..<count).map { k in
                let frequency = grid.frequency(k, of: count)
                return Float(frequency * frequency)
            }
        }
        squaredX = squared(grid.x)
        squaredY = squared(grid.y)
        squaredZ = squared(grid.z)
        // The corner of the spectrum: the Nyquist frequency along each axis.
        let largest = 3 * pow(0.5 / grid.voxelSize, 2)
        let step = largest / Double(Self.tableCount - 1)
        radial = (0..<Self.tableCount).map { Float(gain(Double($0) * step)) }
        indexPerSquaredFrequency = Float(1 / step)
        self.mask = mask
    }

    /// Computes the gains of one row of the spectrum, kx = 0...x/2.
    func gains(y: Int, z: Int, into gains: UnsafeMutableBufferPointer<Float>) {
        let offset = squaredY[y] + squaredZ[z]
        radial.withUnsafeBufferPointer { radial in
            squaredX.withUnsafeBufferPointer { squaredX in
                mask.withRow(z: z) { mask in
                    for k in gains.indices {
                        let index = Int((squaredX[k] + offset) * indexPerSquaredFrequency + 0.5)
                        gains[k] = mask[k] * radial[min(index, radial.count - 1)]
                    }
                }
            }
        }
    }

    /// The mean squared gain over the whole spectrum: the variance of filtered white noise that had variance one.
    func meanSquaredGain(grid: SimulationGrid) -> Double {
        let count = grid.x / 2 + 1
        var sum = 0.0
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { row in
            for z in 0..<grid.z {
                for y in 0..<grid.y {
                    gains(y: y, z: z, into: row)
                    for k in 0..<count {
                        // A frequency whose mirror image the half spectrum leaves out counts twice.
                        let isOwnMirror = k == 0 || 2 * k == grid.x
                        sum += (isOwnMirror ? 1 : 2) * Double(row[k]) * Double(row[k])
                    }
                }
            }
        }
        return sum / Double(grid.x * grid.y * grid.z)
    }
}

/// The contrast transfer function (CTF) of the microscope, with a Gaussian envelope and a high-pass.
///
/// CTF(k) = −sin(πλΔf k² − ½πC_s λ³k⁴ + φ + arcsin A) · exp(−B k²/4) · (1 − exp(−P²k²/2)),
/// with Δf > 0 for underfocus, so that protein is dark in a micrograph at low frequencies (A. Rohou, N. Grigorieff,
/// *J. Struct. Biol.* 192:216, 2015). After phase flipping the sine is its absolute value. All tilts of a series have the same CTF, so that in three dimensions it depends on |k|
/// alone.
struct ContrastTransfer: Sendable {
    private let wavelength: Double
    private let optics: SimulationParameters.Optics

    init(_ optics: SimulationParameters.Optics) {
        let voltage = optics.voltageInKilovolts * 1000
        // The relativistic wavelength of an electron in Å.
        wavelength = 12.2642598 / (voltage * (1 + 0.978_475_5e-6 * voltage)).squareRoot()
        self.optics = optics
    }

    /// The CTF at a squared spatial frequency k², in Å⁻².
    func callAsFunction(squaredFrequency k2: Double) -> Double {
        let defocusPhase = Double.pi * wavelength * optics.defocusInMicrometers * 1e4 * k2
        let sphericalPhase = 0.5 * Double.pi * optics.sphericalAberrationInMillimeters * 1e7 * pow(wavelength, 3) * k2 * k2
        let shift = optics.phaseShiftInDegrees * Double.pi / 180 + asin(optics.amplitudeContrast)
        let contrast = sin(defocusPhase - sphericalPhase + shift)
        return -(optics.isPhaseFlipped ? abs(contrast) : contrast) * exp(-optics.signalBFactor * k2 / 4) * optics.highPass(k2)
    }
}

extension SimulationParameters.Optics {
    /// The high-pass 1 − exp(−P²k²/2) at a squared spatial frequency in Å⁻²; it damps periods longer than P.
    func highPass(_ k2: Double) -> Double {
        1 - exp(-0.5 * longestPeriodInAngstroms * longestPeriodInAngstroms * k2)
    }

    /// The radial gain of the noise, exp(−Bk²/4) times the high-pass: detector and reconstruction filter white noise.
    func noiseGain(_ k2: Double) -> Double { exp(-noiseBFactor * k2 / 4) * highPass(k2) }
}

/// The part of Fourier space that a single-axis tilt series samples, with the missing wedge: weights 0...1 over (kx, kz), the
/// same for all ky.
///
/// Each tilt θ about the y axis samples the central plane spanned by the ky axis and the direction (cos θ, sin θ) in (kx, kz).
/// For an object of finite thickness D the plane widens to a slab of about 1/D (R. A. Crowther, D. J. DeRosier, A. Klug,
/// *Proc. R. Soc. A* 317:319, 1970). The profile of a slab is a Gaussian with a full width at half maximum of 1/D. The weights
/// of all slabs are added and limited to one; between the slabs and in the missing wedge they fall smoothly to zero.
struct TiltMask: Sendable {
    private let values: [Float]
    private let rowCount: Int

    /// - Parameters:
    ///   - tilts: the tilt angles, in radians.
    ///   - thicknessInAngstroms: the thickness D of the object.
    /// - Complexity: the frequencies (kx, kz) times the number of tilts.
    init(grid: SimulationGrid, tilts: [Double], thicknessInAngstroms: Double) {
        let frequencies = grid.x / 2 + 1
        let sigma = 1 / thicknessInAngstroms / 2.3548
        var values = [Float](repeating: 0, count: frequencies * grid.z)
        for z in 0..<grid.z {
            let kz = grid.frequency(z, of: grid.z)
            for x in 0..<frequencies {
                let kx = grid.frequency(x, of: grid.x)
                var sum = 0.0
                for tilt in tilts {
                    let distance = (kz * cos(tilt) - kx * sin(tilt)) / sigma
                    sum += exp(-0.5 * distance * distance)
                }
                values[z * frequencies + x] = Float(min(1, sum))
            }
        }
        self.values = values
        rowCount = frequencies
    }

    /// Calls the closure with the weights for kx = 0...x/2 at one kz.
    func withRow(z: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        values.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[z * rowCount..<(z + 1) * rowCount])) }
    }
}
