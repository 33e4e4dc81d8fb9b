import Foundation
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
    /// - Parameters:
    ///   - outputs: for each output that the loss knows, those of the network that are parts of it; nil where they are the same.
    ///   - check: called before each batch; throws to stop.
    /// - Returns: nil where nothing is held out.
    /// - Complexity: a forward pass for each batch.
    public init?(
        of network: any Network, joining outputs: [[Int]]? = nil, loss: SegmentationLoss, on examples: any TrainingExamples,
        check: () throws -> Void = {}
    ) throws {
        guard examples.validationBatches > 0 else { return nil }
        var total = 0.0
        var overlap = ClassOverlap(loss)
        var thresholds = ClassThresholds(loss)
        for index in 0..<examples.validationBatches {
            try check()
            let batch = try examples.validationBatch(index)
            let logits = outputs.map { network.logits(batch.densities).joined($0) } ?? network.logits(batch.densities)
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

extension Tensor {
    /// The logits of classes of which each has several outputs, so that probabilities by softmax add up: log Σ exp.
    ///
    /// - Parameter parts: for each class its outputs.
    /// - Precondition: no class is without an output, and all outputs are there.
    /// - Returns: `[…, parts.count]` for logits `[…, outputs]`.
    func joined(_ parts: [[Int]]) -> Tensor {
        let outputs = shape.last ?? 1
        var result = Tensor(shape: shape.dropLast() + [parts.count])
        withUnsafeBufferPointer { logits in
            result.withUnsafeMutableBufferPointer { joined in
                for voxel in 0..<logits.count / max(outputs, 1) {
                    for (index, part) in parts.enumerated() {
                        let greatest = part.map { logits[voxel * outputs + $0] }.max() ?? 0
                        let sum = part.reduce(Float(0)) { $0 + exp(logits[voxel * outputs + $1] - greatest) }
                        joined[voxel * parts.count + index] = greatest + log(sum)
                    }
                }
            }
        }
        return result
    }
}
