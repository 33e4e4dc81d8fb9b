import Tensors

/// How well a network does on what is held out.
public struct Validation: Hashable, Sendable {
    /// The mean loss over the validation batches.
    public let loss: Double
    /// The Dice score of the network's decisions, averaged over the foreground classes (``ClassOverlap/dice``); nil where none has
    /// a voxel.
    public let dice: Double?
    /// For each foreground class the threshold with the best Dice score (``ClassThresholds``).
    public let thresholds: [Double]
    /// The Dice scores at these thresholds, averaged over the foreground classes that have a voxel in the labels; nil where none
    /// has.
    ///
    /// Networks whose probabilities mean different things are compared by it.
    public let bestDice: Double?

    init(loss: Double, dice: Double?, thresholds: [Double], bestDice: Double?) {
        (self.loss, self.dice, self.thresholds, self.bestDice) = (loss, dice, thresholds, bestDice)
    }

    /// Runs a network over all validation batches.
    ///
    /// - Parameter check: called before each batch; throws to stop.
    /// - Returns: nil where nothing is held out.
    /// - Complexity: a forward pass for each batch.
    public init?(
        of network: any Network, loss: SegmentationLoss, on examples: any TrainingExamples, check: () throws -> Void = {}
    ) throws {
        guard examples.validationBatches > 0 else { return nil }
        var total = 0.0
        var overlap = ClassOverlap(loss)
        var thresholds = ClassThresholds(loss)
        for index in 0..<examples.validationBatches {
            try check()
            let batch = try examples.validationBatch(index)
            let logits = network.logits(batch.densities)
            total += Double(loss(Variable(logits), batch.labels, on: Tape(recording: false)).value.values[0])
            overlap.add(logits, batch.labels)
            thresholds.add(loss.activation.probabilities(logits), batch.labels)
        }
        self.loss = total / Double(examples.validationBatches)
        (dice, self.thresholds) = (overlap.dice, thresholds.thresholds)
        let scores = thresholds.scores.compactMap(\.self)
        bestDice = scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
    }
}
