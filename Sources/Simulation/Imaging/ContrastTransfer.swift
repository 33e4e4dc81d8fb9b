import Foundation

/// The contrast transfer of the microscope as a function of spatial frequency, with a Gaussian envelope and a high-pass.
///
/// CTF(k) = −sin(πλΔf k² − ½πC_s λ³k⁴ + φ + arcsin A) · exp(−B k²/4) · (1 − exp(−P²k²/2)),
/// with Δf > 0 for underfocus, so that protein is dark in a micrograph at low frequencies (A. Rohou, N. Grigorieff,
/// *J. Struct. Biol.* 192:216, 2015). All tilts of a series share it, so that in three dimensions it depends on |k| alone.
struct ContrastTransfer: Sendable {
    private let wavelength: Double
    private let optics: SimulationParameters.Optics

    init(_ optics: SimulationParameters.Optics) {
        let voltage = optics.voltageInKilovolts * 1000
        // The relativistic wavelength of an electron in Å.
        wavelength = 12.2642598 / (voltage * (1 + 0.978_475_5e-6 * voltage)).squareRoot()
        self.optics = optics
    }

    func callAsFunction(squaredFrequency k2: Double) -> Double {
        let defocusPhase = Double.pi * wavelength * optics.defocusInMicrometers * 1e4 * k2
        let sphericalPhase = 0.5 * Double.pi * optics.sphericalAberrationInMillimeters * 1e7 * pow(wavelength, 3) * k2 * k2
        let shift = optics.phaseShiftInDegrees * Double.pi / 180 + asin(optics.amplitudeContrast)
        return -sin(defocusPhase - sphericalPhase + shift) * exp(-optics.signalBFactor * k2 / 4) * optics.highPass(k2)
    }
}

extension SimulationParameters.Optics {
    /// What is left of a squared spatial frequency in Å⁻² when the longest periods P are damped: 1 − exp(−P²k²/2).
    func highPass(_ k2: Double) -> Double {
        1 - exp(-0.5 * longestPeriodInAngstroms * longestPeriodInAngstroms * k2)
    }

    /// The gain of noise, which is white before the detector and the reconstruction.
    func noiseGain(_ k2: Double) -> Double { exp(-noiseBFactor * k2 / 4) * highPass(k2) }
}
