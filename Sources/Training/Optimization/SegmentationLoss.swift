import Foundation
import Synchronization
public import Tensors

/// The loss of semantic segmentation: weighted sum of soft Dice loss and cross-entropy, over all voxels of a batch that have a
/// label.
///
/// The soft Dice of a class is (2 Σ p t + s) / (Σ p + Σ t + s), where p is the probability, t is 1 on voxels of the class and 0
/// elsewhere, and s is ``smooth``. The Dice loss is 1 minus the mean over the foreground classes; cross-entropy is the mean over
/// voxels (and over outputs where classes are independent). (Milletari, Navab and Ahmadi, 3DV 2016; Isensee et al., Nature
/// Methods 2021.)
///
/// **Where classes are independent, labels may be incomplete.** If only a part q of what is there has its label
/// (``completeness``), the cross-entropy of an output is the positive-unlabelled risk: with P the voxels of its class and N all
/// voxels, (w/q Σ_P −log p + max(0, Σ_N −log(1 − p) − 1/q Σ_P −log(1 − p))) / N, where w is ``foregroundWeight``. What is called ground may
/// then hold more of the class, as much as q says. For q = 1 it is the usual cross-entropy. (Kiryo et al., NeurIPS 2017, with the
/// share of the class taken from the batch and from q, and without their steps against the gradient where the maximum is 0.)
public struct SegmentationLoss: Hashable, Sendable {
    /// How logits become probabilities, and which logit belongs to a label.
    public enum OutputActivation: Hashable, Sendable {
        /// Softmax: classes exclude each other, and class 0 is the background. Label k is logit k. Dice is the mean over the
        /// classes from 1 on.
        case softmax
        /// Sigmoid: each logit is a class of its own. Label k > 0 is logit k − 1; label 0 is background, no class at all.
        case sigmoid
    }

    public let activation: OutputActivation
    /// The factor of the Dice loss.
    public let diceWeight: Double
    /// The factor of the cross-entropy.
    public let crossEntropyWeight: Double
    /// s in the formula of Dice, in voxels: it keeps the Dice of a class without voxels defined.
    public let smooth: Double
    /// The factor of the cross-entropy's terms on voxels of a class, where classes are independent: more than 1 where these are few.
    public let foregroundWeight: Double
    /// The part of what is there that has its label, where classes are independent: more than 0, up to 1.
    public let completeness: Double

    /// - Precondition: the completeness is positive; with softmax it is 1, as is the weight of the foreground.
    public init(
        _ activation: OutputActivation, diceWeight: Double = 1, crossEntropyWeight: Double = 1, smooth: Double = 1,
        foregroundWeight: Double = 1, completeness: Double = 1
    ) {
        precondition(completeness > 0 && (activation == .sigmoid || completeness == 1 && foregroundWeight == 1))
        (self.activation, self.diceWeight) = (activation, diceWeight)
        (self.crossEntropyWeight, self.smooth) = (crossEntropyWeight, smooth)
        (self.foregroundWeight, self.completeness) = (foregroundWeight, completeness)
    }

    /// The number of voxels that one task of the thread pool sums.
    private static let chunk = 8192

    /// The loss of a batch.
    ///
    /// - Parameters:
    ///   - logits: `[N, D, H, W, outputs]`
    ///   - labels: one for each voxel, `[N][D][H][W]`; voxels whose label is beyond the classes, such as
    ///     ``TrainingPatch/ignored``, are left out.
    /// - Returns: The loss, a tensor of one value; 0 if no voxel has a label.
    /// - Complexity: two passes over the values, and a third one backward; keeps the probabilities in memory until then.
    public func callAsFunction(_ logits: Variable, _ labels: [UInt8], on tape: Tape) -> Variable {
        let outputs = logits.value.shape.last ?? 1
        precondition(labels.count * outputs == logits.value.count, "\(labels.count) labels do not fit \(logits.value.shape)")
        let probabilities = activation.probabilities(logits.value)
        let sums = Sums(of: probabilities, labels, self)
        let slopes = slopes(sums)
        let result = Tensor(shape: [1], values: [Float(value(sums))])
        return tape.record(result) { [unowned tape] gradient in
            tape.accumulate(logitGradient(probabilities, labels, sums, slopes, times: gradient.values[0]), to: logits)
        }
    }

    /// The output that a label belongs to; −1 for background where classes are independent; nil for an ignored label.
    private func target(_ label: UInt8, outputs: Int) -> Int? {
        let target = activation == .softmax ? Int(label) : Int(label) - 1
        return target < outputs ? target : nil
    }

    /// The sums over voxels from which Dice and cross-entropy follow.
    private struct Sums {
        /// The number of voxels that have a label.
        var voxels = 0.0
        /// For each output the sums of −log p over the voxels of its class, of −log(1 − p) over these, and of −log(1 − p) over all
        /// others; with softmax the first one alone.
        var known: [Double]
        var denied: [Double]
        var others: [Double]
        /// For each output Σ p t, Σ p and Σ t.
        var products: [Double]
        var probabilities: [Double]
        var truths: [Double]

        init(outputs: Int) {
            products = [Double](repeating: 0, count: outputs)
            (probabilities, truths) = (products, products)
            (known, denied, others) = (products, products, products)
        }

        init(of probabilities: Tensor, _ labels: [UInt8], _ loss: SegmentationLoss) {
            let outputs = probabilities.shape.last ?? 1
            let parts = Mutex([Int: Sums]())
            probabilities.withUnsafeBufferPointer { values in
                nonisolated(unsafe) let values = values
                SegmentationLoss.forEachChunk(of: labels.count) { number, voxels in
                    var part = Sums(outputs: outputs)
                    for voxel in voxels {
                        guard let target = loss.target(labels[voxel], outputs: outputs) else { continue }
                        part.voxels += 1
                        for output in 0..<outputs {
                            let p = Double(values[voxel * outputs + output])
                            part.probabilities[output] += p
                            let isTarget = output == target
                            if isTarget {
                                part.products[output] += p
                                part.truths[output] += 1
                            }
                            if isTarget { part.known[output] -= SegmentationLoss.logarithm(p) }
                            guard loss.activation == .sigmoid else { continue }
                            let denial = -SegmentationLoss.logarithm(1 - p)
                            if isTarget { part.denied[output] += denial } else { part.others[output] += denial }
                        }
                    }
                    parts.withLock { $0[number] = part }
                }
            }
            self.init(outputs: outputs)
            // In the order of chunks, so that the sums do not depend on threads.
            for (_, part) in parts.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
                voxels += part.voxels
                for output in 0..<outputs {
                    products[output] += part.products[output]
                    self.probabilities[output] += part.probabilities[output]
                    truths[output] += part.truths[output]
                    known[output] += part.known[output]
                    denied[output] += part.denied[output]
                    others[output] += part.others[output]
                }
            }
        }
    }

    /// The logarithm, at least −100: PyTorch's limit in binary cross-entropy.
    private static func logarithm(_ p: Double) -> Double { max(log(p), -100) }

    /// The foreground outputs, over which Dice is averaged.
    private func foreground(_ outputs: Int) -> Range<Int> { activation == .softmax && outputs > 1 ? 1..<outputs : 0..<outputs }

    /// The number of terms of the cross-entropy, by which it is divided.
    private func entropyCount(_ sums: Sums) -> Double {
        max(sums.voxels * (activation == .sigmoid ? Double(sums.products.count) : 1), 1)
    }

    private func value(_ sums: Sums) -> Double {
        guard sums.voxels > 0 else { return 0 }
        let outputs = foreground(sums.products.count)
        let dice = outputs.reduce(0.0) { $0 + (2 * sums.products[$1] + smooth) / union(sums, $1) }
        let entropy = sums.known.indices.reduce(0.0) {
            $0 + foregroundWeight / completeness * sums.known[$1] + max(0, groundRisk(sums, $1))
        }
        return diceWeight * (1 - dice / Double(outputs.count)) + crossEntropyWeight * entropy / entropyCount(sums)
    }

    /// The part of an output's cross-entropy that is not of its class: over all voxels, less what is expected to be of the class.
    private func groundRisk(_ sums: Sums, _ output: Int) -> Double {
        sums.others[output] + (1 - 1 / completeness) * sums.denied[output]
    }

    /// The denominator of the Dice of an output: Σ p + Σ t + s.
    private func union(_ sums: Sums, _ output: Int) -> Double {
        max(sums.probabilities[output] + sums.truths[output] + smooth, .leastNormalMagnitude)
    }

    /// The derivatives of the weighted Dice loss with respect to the probability of each output, for voxels of its class (target)
    /// and for others.
    private func slopes(_ sums: Sums) -> [(target: Float, other: Float)] {
        let outputs = foreground(sums.products.count)
        return sums.products.indices.map { output in
            guard outputs.contains(output) else { return (0, 0) }
            let (union, scale) = (union(sums, output), diceWeight / Double(outputs.count))
            let other = scale * (2 * sums.products[output] + smooth) / (union * union)
            return (Float(other - scale * 2 / union), Float(other))
        }
    }

    /// The gradient of the loss with respect to the logits, `[N, D, H, W, outputs]`, times a factor.
    private func logitGradient(
        _ probabilities: Tensor, _ labels: [UInt8], _ sums: Sums, _ slopes: [(target: Float, other: Float)], times factor: Float
    ) -> Tensor {
        let outputs = slopes.count
        let entropy = Float(crossEntropyWeight / entropyCount(sums))
        // The factors of p − 1 on voxels of the class, and of p on these and on others.
        let known = Float(foregroundWeight / completeness)
        let isCounted = (0..<outputs).map { activation == .softmax || groundRisk(sums, $0) >= 0 }
        let denied = isCounted.map { $0 && activation == .sigmoid ? Float(1 - 1 / completeness) : 0 }
        let others: [Float] = isCounted.map { $0 ? 1 : 0 }
        return Tensor(shape: probabilities.shape) { result in
            probabilities.withUnsafeBufferPointer { p in
                nonisolated(unsafe) let (result, p) = (result, p)
                Self.forEachChunk(of: labels.count) { _, voxels in
                    for voxel in voxels {
                        let first = voxel * outputs
                        guard let target = target(labels[voxel], outputs: outputs) else {
                            for output in 0..<outputs { result[first + output] = 0 }
                            continue
                        }
                        var mean: Float = 0
                        if activation == .softmax {
                            for output in 0..<outputs {
                                mean += (output == target ? slopes[output].target : slopes[output].other) * p[first + output]
                            }
                        }
                        for output in 0..<outputs {
                            let isTarget = output == target
                            let slope = isTarget ? slopes[output].target : slopes[output].other
                            let probability = p[first + output]
                            let dice =
                                activation == .softmax
                                ? probability * (slope - mean) : probability * (1 - probability) * slope
                            let slopeOfEntropy =
                                isTarget ? known * (probability - 1) + denied[output] * probability : others[output] * probability
                            result[first + output] = factor * (dice + entropy * slopeOfEntropy)
                        }
                    }
                }
            }
        }
    }

    fileprivate static func forEachChunk(of count: Int, _ body: (_ number: Int, _ voxels: Range<Int>) -> Void) {
        Threads.perform((count + chunk - 1) / chunk) { number in body(number, number * chunk..<min((number + 1) * chunk, count)) }
    }
}

extension SegmentationLoss.OutputActivation {
    /// Softmax or sigmoid of logits, `[…, outputs]`, in the same shape.
    public func probabilities(_ logits: Tensor) -> Tensor {
        switch self {
        case .softmax: logits.softmax()
        case .sigmoid:
            Tensor(shape: logits.shape) { target in
                logits.withUnsafeBufferPointer { logits in
                    nonisolated(unsafe) let (target, logits) = (target, logits)
                    SegmentationLoss.forEachChunk(of: logits.count) { _, values in
                        for index in values { target[index] = 1 / (1 + exp(-logits[index])) }
                    }
                }
            }
        }
    }
}

/// The Dice score of a network's decisions against labels, over all voxels of any number of batches.
public struct ClassOverlap: Sendable {
    private let loss: SegmentationLoss
    /// For each output |A ∩ B|, |A| and |B|, in voxels, where A are the voxels of the network's decisions and B the labelled ones.
    private var common: [Int] = []
    private var decided: [Int] = []
    private var labelled: [Int] = []

    /// - Parameter loss: determines which logit belongs to a label.
    public init(_ loss: SegmentationLoss) { self.loss = loss }

    /// Adds the counts of a batch. The network's decision for a voxel is the class of the largest logit; where classes are
    /// independent, each class whose logit is positive.
    ///
    /// - Parameters:
    ///   - logits: `[…, outputs]`
    ///   - labels: one for each voxel; voxels whose label is beyond the classes are left out.
    /// - Complexity: one pass over the logits.
    public mutating func add(_ logits: Tensor, _ labels: [UInt8]) {
        let outputs = logits.shape.last ?? 1
        if common.isEmpty {
            common = [Int](repeating: 0, count: outputs)
            (decided, labelled) = (common, common)
        }
        let isExclusive = loss.activation == .softmax
        logits.withUnsafeBufferPointer { logits in
            for (voxel, label) in labels.enumerated() where Int(label) < outputs + (isExclusive ? 0 : 1) {
                let row = voxel * outputs..<(voxel + 1) * outputs
                let first = row.lowerBound
                let truth = Int(label) - (isExclusive ? 0 : 1)
                if isExclusive {
                    let largest = row.max { logits[$0] < logits[$1] } ?? first
                    decided[largest - first] += 1
                    if largest - first == truth { common[truth] += 1 }
                } else {
                    for index in row where logits[index] > 0 {
                        decided[index - first] += 1
                        if index - first == truth { common[truth] += 1 }
                    }
                }
                if truth >= 0 { labelled[truth] += 1 }
            }
        }
    }

    /// The Dice score of each output, 2 |A ∩ B| / (|A| + |B|), where A are the network's voxels and B the labelled ones; nil if
    /// both are empty.
    public var diceOfOutputs: [Double?] {
        common.indices.map { output in
            let sum = decided[output] + labelled[output]
            return sum > 0 ? 2 * Double(common[output]) / Double(sum) : nil
        }
    }

    /// The mean Dice score over the foreground classes; nil if no foreground class has a voxel.
    public var dice: Double? {
        let values = diceOfOutputs.dropFirst(loss.activation == .softmax && common.count > 1 ? 1 : 0).compactMap { $0 }
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
