import Basics
import Checkpoints
import Foundation
import ImageProcessing
import Tensors
import TestSupport
import Testing

@testable import Cellpose

/// Networks and images of seeded noise: what `seed_weights` and `image` in Golden/make_network_golden.py make.
enum SeededNetwork {
    static let widths = ["full": [2, 32, 64, 128, 256], "narrow": [2, 8, 16, 24, 32], "tiny": [2, 3, 4]]

    /// Values in [−1, 1), multiples of 2⁻²³.
    static func noise(_ seed: Int, _ count: Int) -> [Float] {
        var generator = RandomStream(state: UInt64(seed))
        return (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-23 - 1 }
    }

    /// Noise as a batch of images: `[N, H, W, C]`, where the seed's values are in the order `[N, C, H, W]`.
    static func images(_ seed: Int, _ shape: [Int]) -> Tensor {
        let (height, width, channels) = (shape[1], shape[2], shape[3])
        let values = noise(seed, shape.reduce(1, *))
        return Tensor(shape: shape) { target in
            for index in target.indices {
                let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
                let (image, place) = pixel.quotientAndRemainder(dividingBy: height * width)
                target[index] = values[(image * channels + channel) * height * width + place]
            }
        }
    }

    /// All tensors that a network needs, by name.
    static func weights(_ widths: [Int]) -> [(name: String, tensor: Tensor)] {
        NetworkLayout(widths: widths).tensors.sorted { $0.name < $1.name }.enumerated().map { seed, entry in
            var values = noise(seed, entry.shape.reduce(1, *))
            if entry.name.hasSuffix("running_var") || (entry.name.hasSuffix("weight") && entry.shape.count == 1) {
                values = values.map { 1 + 0.5 * $0 }
            } else if entry.name.hasSuffix("running_mean") {
                values = values.map { 0.5 * $0 }
            } else if entry.shape.count == 4 {
                let factor = Float((6 / Double(entry.shape[1...].reduce(1, *))).squareRoot())
                values = values.map { factor * $0 }
            } else if entry.shape.count == 1 {
                values = values.map { 0.25 * $0 }
            }
            return (entry.name, Tensor(shape: entry.shape, values: values))
        }
    }

    /// Writes a network's tensors, and says where.
    static func write(
        _ tensors: [(name: String, tensor: Tensor)], _ name: String, into directory: TemporaryDirectory
    ) throws -> String {
        let path = directory.file("\(name).safetensors")
        let writer = try SafetensorsWriter(.scratch(path), tensors: tensors.map { .init($0.name, $0.tensor.shape) })
        for (name, tensor) in tensors { try writer.write(tensor, named: name) }
        try writer.finish()
        return path
    }

    /// The model of this name.
    static func model(_ name: String) throws -> CellposeModel {
        let directory = try TemporaryDirectory()
        return try CellposeModel(path: write(weights(#require(widths[name])), name, into: directory))
    }

    /// Discs in noise, brighter to the right.
    static func image(_ seed: Int, height: Int, width: Int) throws -> Image<Float> {
        let noise = noise(seed, height * width)
        let values = noise.indices.map { index in
            let (y, x) = index.quotientAndRemainder(dividingBy: width)
            let (dy, dx) = (y % 24 - 12, x % 32 - 16)
            return 100 + 20 * noise[index] + (dx * dx + dy * dy < 81 ? 40 : 0) + Float(x)
        }
        return try #require(Image(height: height, width: width, values: values))
    }
}
