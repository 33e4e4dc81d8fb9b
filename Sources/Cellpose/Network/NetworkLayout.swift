/// The tensors of a CPnet by the names that CellPose gives them: the one place that knows these names.
///
/// ```
/// image → down 0 → ½ down 1 → ½ down 2 → ½ down 3 ─→ style
///            │         │         │         │
/// maps  ← up 0 2× ← up 1 2× ← up 2 2× ← up 3
/// ```
struct NetworkLayout: Hashable, Sendable {
    /// Channels of the image, then of each level: 2, 32, 64, 128, 256 in the models that CellPose publishes.
    let widths: [Int]

    /// What the network gives: flows along y and x, and the logit of being in a cell.
    static let outputs = 3

    /// Levels of resolution.
    var levels: Int { widths.count - 1 }
    /// Values of the style, which are those of the deepest level.
    var styleWidth: Int { widths[levels] }

    /// Channels into and out of the block that leads up to a level.
    func upWidths(_ level: Int) -> (inputs: Int, outputs: Int) { (widths[min(level + 2, levels)], widths[level + 1]) }

    static func down(_ level: Int) -> String { "downsample.down.res_down_\(level)" }
    static func up(_ level: Int) -> String { "upsample.up.res_up_\(level)" }

    /// Every tensor that the network reads, in the order of the layers.
    var tensors: [(name: String, shape: [Int])] {
        var tensors: [(String, [Int])] = []
        func norm(_ name: String, _ channels: Int) {
            for part in ["weight", "bias", "running_mean", "running_var"] { tensors.append(("\(name).\(part)", [channels])) }
        }
        func convolution(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int) {
            tensors.append(("\(name).weight", [outputs, inputs, kernel, kernel]))
            tensors.append(("\(name).bias", [outputs]))
        }
        func normalized(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int = 3) {
            norm("\(name).0", inputs)
            convolution("\(name).2", inputs, outputs, kernel)
        }
        func projection(_ name: String, _ inputs: Int, _ outputs: Int) {
            norm("\(name).proj.0", inputs)
            convolution("\(name).proj.1", inputs, outputs, 1)
        }
        for level in 0..<levels {
            let (name, inputs, outputs) = (Self.down(level), widths[level], widths[level + 1])
            for index in 0..<4 { normalized("\(name).conv.conv_\(index)", index == 0 ? inputs : outputs, outputs) }
            projection(name, inputs, outputs)
        }
        for level in 0..<levels {
            let (name, (inputs, outputs)) = (Self.up(level), upWidths(level))
            normalized("\(name).conv.conv_0", inputs, outputs)
            for index in 1..<4 {
                normalized("\(name).conv.conv_\(index).conv", outputs, outputs)
                tensors.append(("\(name).conv.conv_\(index).full.weight", [outputs, styleWidth]))
                tensors.append(("\(name).conv.conv_\(index).full.bias", [outputs]))
            }
            projection(name, inputs, outputs)
        }
        normalized("output", widths[1], Self.outputs, 1)
        return tensors
    }

    /// Diameters that newer files hold: of the objects as the network was shown them, and as they were in its training images.
    static let meanDiameter = "diam_mean"
    static let labelDiameter = "diam_labels"

    /// Whether a tensor may be there although no layer reads it: diameters, and how many batches a normalisation saw.
    static func isOptional(_ name: String) -> Bool {
        name == meanDiameter || name == labelDiameter || name.hasSuffix(".num_batches_tracked")
    }
}
