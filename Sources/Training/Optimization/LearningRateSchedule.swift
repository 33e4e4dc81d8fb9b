import Foundation

/// How the learning rate goes over the steps of a training.
public enum LearningRateSchedule: String, Hashable, Sendable, Codable, CaseIterable {
    case constant
    /// Times (1 − t)^0.9 (nnU-Net).
    case polynomial
    /// Along half a cosine to 0.
    case cosine
    /// From 1/25 of the rate up to it in three tenths of the steps, and down to a ten-thousandth of where it began, both along half cosines
    /// (Smith and Topin, 2019, as PyTorch's OneCycleLR has it).
    case oneCycle = "one-cycle"

    /// - Parameters:
    ///   - step: from 0 on.
    ///   - steps: of the whole training.
    public func rate(_ rate: Double, step: Int, of steps: Int) -> Double {
        let t = Double(step) / Double(max(steps, 1))
        switch self {
        case .constant: return rate
        case .polynomial: return rate * pow(max(1 - t, 0), 0.9)
        case .cosine: return rate * (1 + cos(.pi * min(t, 1))) / 2
        case .oneCycle:
            let rise = 0.3 * Double(steps) - 1
            let (first, last) = (rate / 25, rate / 250_000)
            let step = Double(step)
            if step <= rise { return Self.annealed(from: first, to: rate, rise > 0 ? step / rise : 1) }
            return Self.annealed(from: rate, to: last, min((step - rise) / max(Double(steps) - 1 - rise, 1), 1))
        }
    }

    private static func annealed(from: Double, to: Double, _ t: Double) -> Double { to + (from - to) / 2 * (1 + cos(.pi * t)) }
}
