import Foundation

/// How a network is trained.
public struct TrainingSettings: Hashable, Sendable, Codable {
    /// Patches of a step.
    public var batch: Int
    /// Steps after which the network is validated, and the state of the training is kept.
    public var stepsPerEpoch: Int
    public var epochs: Int
    public var learningRate: Double
    /// Above 0 Adam is AdamW.
    public var weightDecay: Double
    public var schedule: LearningRateSchedule
    /// Epochs without a better validation after which training ends; 0 for never.
    public var patience: Int
    /// Of first weights, and of what is drawn for each step.
    public var seed: UInt64

    /// - Throws: ``TrainingError`` where a number is out of range.
    public init(
        batch: Int, stepsPerEpoch: Int, epochs: Int, learningRate: Double, weightDecay: Double = 0,
        schedule: LearningRateSchedule = .constant, patience: Int = 0, seed: UInt64 = 0
    ) throws(TrainingError) {
        guard 1...1024 ~= batch, 1...1_000_000 ~= stepsPerEpoch, 0...1_000_000 ~= epochs, 0...1_000_000 ~= patience else {
            throw TrainingError(
                "no training has \(batch) patches a step, \(stepsPerEpoch) steps an epoch, \(epochs) epochs and a patience of \(patience)"
            )
        }
        guard learningRate > 0, learningRate <= 10, (0...10).contains(weightDecay) else {
            throw TrainingError("a learning rate of \(learningRate) and a weight decay of \(weightDecay) are out of range")
        }
        (self.batch, self.stepsPerEpoch, self.epochs) = (batch, stepsPerEpoch, epochs)
        (self.learningRate, self.weightDecay, self.schedule) = (learningRate, weightDecay, schedule)
        (self.patience, self.seed) = (patience, seed)
    }

    /// Steps of the whole training.
    public var steps: Int { stepsPerEpoch * epochs }
}

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
