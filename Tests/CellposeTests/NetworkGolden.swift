import Checkpoints
import Foundation
import ImageProcessing
import Tensors
import Testing

/// The arrays that Golden/make_network_golden.py stored.
struct NetworkGolden {
    private let checkpoint: Checkpoint

    init(_ name: String) throws { checkpoint = try Checkpoint(path: Self.path("\(name).safetensors")) }

    static func path(_ name: String) throws -> String {
        try #require(
            Bundle.module.url(forResource: "data/network/\(name)", withExtension: nil), "no golden file \(name)"
        ).path
    }

    func tensor(_ name: String) throws -> Tensor {
        try checkpoint.tensor(named: name, expecting: #require(checkpoint.entry(named: name), "no golden array \(name)").shape)
    }

    /// Every 7th row and column from the 3rd on, as the script keeps them.
    static func thinned(_ maps: [Image<Float>]) -> [Float] {
        maps.flatMap { map in
            stride(from: 2, to: map.height, by: 7).flatMap { y in stride(from: 2, to: map.width, by: 7).map { map[y: y, x: $0] } }
        }
    }

    /// The same of `[1, H, W, C]`, channels first.
    static func thinned(_ maps: Tensor) throws -> [Float] {
        let (height, width, channels) = (maps.shape[1], maps.shape[2], maps.shape[3])
        let values = maps.values
        return try thinned(
            (0..<channels).map { channel in
                try #require(
                    Image(height: height, width: width, values: (0..<height * width).map { values[$0 * channels + channel] }))
            })
    }

    /// The largest difference to a golden array, relative to its largest value; infinite where counts differ or a number is none.
    func error(of values: [Float], to name: String) throws -> Float {
        let golden = try tensor(name).values
        guard values.count == golden.count, !golden.isEmpty else { return .infinity }
        let scale = golden.reduce(0) { max($0, abs($1)) }
        let difference = zip(values, golden).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity }
        return difference / scale
    }
}
