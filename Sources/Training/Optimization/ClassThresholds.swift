public import Tensors

/// For each class the threshold of its probability with the best Dice score, over all voxels of any number of batches.
///
/// Probabilities are counted in hundredths. A class that has no voxel, or in which every threshold is as good, gets 0.5.
public struct ClassThresholds: Sendable {
    private let loss: SegmentationLoss
    /// For each output and each hundredth of its probability the number of voxels of the class, and of all others.
    private var inside: [[Int]] = []
    private var outside: [[Int]] = []

    private static let bins = 100
    /// A threshold beyond would follow a few voxels.
    private static let range = 10...90

    /// - Parameter loss: determines which logit belongs to a label.
    public init(_ loss: SegmentationLoss) { self.loss = loss }

    /// Adds the counts of a batch.
    ///
    /// - Parameters:
    ///   - probabilities: `[…, outputs]`, as ``SegmentationLoss/OutputActivation/probabilities(_:)`` gives them.
    ///   - labels: one for each voxel; voxels whose label is beyond the classes are left out.
    /// - Complexity: one pass over the probabilities.
    public mutating func add(_ probabilities: Tensor, _ labels: [UInt8]) {
        let outputs = probabilities.shape.last ?? 1
        if inside.isEmpty {
            inside = [[Int]](repeating: [Int](repeating: 0, count: Self.bins + 1), count: outputs)
            outside = inside
        }
        probabilities.withUnsafeBufferPointer { values in
            for (voxel, label) in labels.enumerated() {
                let first = loss.activation == .softmax ? 0 : 1
                guard Int(label) < outputs + first else { continue }
                for output in 0..<outputs {
                    let value = values[voxel * outputs + output]
                    guard value.isFinite else { continue }
                    let bin = Int(min(max(value, 0), 1) * Float(Self.bins))
                    if output == Int(label) - first { inside[output][bin] += 1 } else { outside[output][bin] += 1 }
                }
            }
        }
    }

    /// The thresholds of the foreground classes, in the order of their labels.
    public var thresholds: [Double] { best.map(\.threshold) }

    /// The Dice score of each class at its threshold; nil where it has no voxel.
    public var scores: [Double?] { best.map(\.dice) }

    private var best: [(threshold: Double, dice: Double?)] {
        let first = loss.activation == .softmax && inside.count > 1 ? 1 : 0
        return (first..<max(inside.count, first)).map { output in
            let all = inside[output].reduce(0, +)
            guard all > 0 else { return (0.5, nil) }
            // Sums over the bins at and above each threshold.
            var (hits, alarms) = (0, 0)
            var dice = [Double](repeating: 0, count: Self.bins + 1)
            for bin in stride(from: Self.bins, through: 0, by: -1) {
                hits += inside[output][bin]
                alarms += outside[output][bin]
                dice[bin] = 2 * Double(hits) / Double(hits + alarms + all)
            }
            let best = Self.range.map { dice[$0] }.max() ?? 0
            // Of thresholds that are as good, the one nearest to a half.
            let good = Self.range.filter { dice[$0] >= best }
            let nearest = good.min { abs($0 - Self.bins / 2) < abs($1 - Self.bins / 2) } ?? Self.bins / 2
            return (Double(nearest) / Double(Self.bins), best)
        }
    }
}
