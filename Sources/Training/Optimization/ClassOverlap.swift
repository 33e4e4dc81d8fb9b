public import Tensors

/// Counts where what a network says and labels agree, over any number of batches.
public struct ClassOverlap: Sendable {
    private let loss: SegmentationLoss
    private var common: [Int] = []
    private var said: [Int] = []
    private var labelled: [Int] = []

    public init(_ loss: SegmentationLoss) { self.loss = loss }

    /// - Parameters:
    ///   - logits: `[…, outputs]`
    ///   - labels: one for each voxel.
    public mutating func add(_ logits: Tensor, _ labels: [UInt8]) {
        let outputs = logits.shape.last ?? 1
        if common.isEmpty {
            common = [Int](repeating: 0, count: outputs)
            (said, labelled) = (common, common)
        }
        let isExclusive = loss.reading == .exclusive
        logits.withUnsafeBufferPointer { logits in
            for (voxel, label) in labels.enumerated() where Int(label) < outputs + (isExclusive ? 0 : 1) {
                let row = voxel * outputs..<(voxel + 1) * outputs
                let first = row.lowerBound
                let truth = Int(label) - (isExclusive ? 0 : 1)
                if isExclusive {
                    let largest = row.max { logits[$0] < logits[$1] } ?? first
                    said[largest - first] += 1
                    if largest - first == truth { common[truth] += 1 }
                } else {
                    for place in row where logits[place] > 0 {
                        said[place - first] += 1
                        if place - first == truth { common[truth] += 1 }
                    }
                }
                if truth >= 0 { labelled[truth] += 1 }
            }
        }
    }

    /// 2 |A ∩ B| / (|A| + |B|) of each output; nil where neither has a voxel.
    public var diceOfOutputs: [Double?] {
        common.indices.map { output in
            let sum = said[output] + labelled[output]
            return sum > 0 ? 2 * Double(common[output]) / Double(sum) : nil
        }
    }

    /// The mean over the classes that are looked for; nil where there is none.
    public var dice: Double? {
        let values = diceOfOutputs.dropFirst(loss.reading == .exclusive && common.count > 1 ? 1 : 0).compactMap { $0 }
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
