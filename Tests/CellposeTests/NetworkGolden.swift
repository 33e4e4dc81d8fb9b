import Checkpoints
import ImageProcessing
import Tensors
import TestSupport
import Testing

/// The arrays that Golden/make_network_golden.py stored.
struct NetworkGolden {
    private let checkpoint: Checkpoint

    init(_ name: String) throws { checkpoint = try Checkpoint(path: Self.path("\(name).safetensors")) }

    static func path(_ name: String) throws -> String {
        try GoldenFile("network/\(name)", in: .module).path
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
        return golden.isEmpty ? .infinity : relativeError(values, golden)
    }
}
