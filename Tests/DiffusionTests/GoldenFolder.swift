import Checkpoints
import Foundation
import Tensors
import Testing

/// The files that the scripts in Golden/ made.
enum GoldenFolder {
    static func path(_ name: String) throws -> String {
        try #require(Bundle.module.url(forResource: "data/\(name)", withExtension: nil), "no golden file \(name)").path
    }

    /// What diffusers and transformers computed with a tiny model: `sd1-tiny` or `sd2-tiny`.
    static func arrays(_ model: String) throws -> Checkpoint { try Checkpoint(path: path("\(model)/golden.safetensors")) }
}

extension Checkpoint {
    /// A tensor in whatever shape it has.
    func tensor(_ name: String) throws -> Tensor {
        try tensor(named: name, expecting: #require(entry(named: name), "no golden array \(name)").shape)
    }
}

extension Tensor {
    /// The largest difference to a golden array, relative to its largest value; infinite where shapes differ or a number is none.
    func relativeError(to golden: Tensor) -> Float {
        guard shape == golden.shape else { return .infinity }
        let scale = golden.values.map(abs).max() ?? 0
        let difference = zip(values, golden.values).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity }
        return difference == 0 ? 0 : difference / scale
    }
}
