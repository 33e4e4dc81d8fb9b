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
