import Foundation
import SpectralClustering
import Tensors

/// The affinities of one tile as files of packed float16 triangles, `LEVEL-SIDE-LAYERS.f16`, which Python reads too.
struct AffinityFiles {
    /// Attention that falls quickly with the distance of tokens, and attention that is almost the same everywhere.
    static let kinds: [(name: String, spread: Float)] = [("sharp", 0.5), ("even", 60)]

    let folder: String
    private static let levels = [(0, 64, 2), (1, 64, 3), (2, 32, 5), (3, 16, 5), (4, 8, 1)]

    private func path(_ level: (Int, Int, Int)) -> String { "\(folder)/\(level.0)-\(level.1)-\(level.2).f16" }

    var exist: Bool { Self.levels.allSatisfy { FileManager.default.fileExists(atPath: path($0)) } }

    func terms() throws -> [AffinityTerm] {
        try Self.levels.map { level in
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path(level)))
            let values = bytes.withUnsafeBytes { raw in
                (0..<bytes.count / 2).map { Float16(bitPattern: raw.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) }
            }
            return try AffinityTerm(grid: TokenGrid(height: level.1, width: level.1), triangle: .float16(values), layers: level.2)
        }
    }

    func write(spread: Float) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for level in Self.levels {
            let triangle = Self.triangle(side: level.1, seed: UInt64(level.0), spread: spread)
            try triangle.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path(level))) }
        }
    }

    func write(_ found: Eigenvectors) throws {
        try found.values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: "\(folder)/values.f64")) }
        try found.vectors.values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: "\(folder)/vectors.f32")) }
    }

    /// Tokens of some blobs on a plane, and noise: `[token][channel]`.
    static func features(side: Int, channels: Int, seed: UInt64) -> [Float] {
        var numbers = LinearNumbers(state: seed)
        let centres = (0..<24).map { _ in (y: numbers.next(), x: numbers.next(), width: 0.02 + 0.1 * numbers.next()) }
        var values: [Float] = []
        for token in 0..<side * side {
            let (y, x) = (Float(token / side) / Float(side), Float(token % side) / Float(side))
            values += [2 * y, 2 * x]
            for channel in 0..<6 {
                values.append(
                    2
                        * centres[channel * 4..<channel * 4 + 4].reduce(Float(0)) { sum, centre in
                            let square = (y - centre.y) * (y - centre.y) + (x - centre.x) * (x - centre.x)
                            return sum + exp(-square / (2 * centre.width * centre.width))
                        })
            }
            for _ in 8..<channels { values.append(numbers.next() - 0.5) }
        }
        return values
    }

    private static func triangle(side: Int, seed: UInt64, spread: Float) -> [Float16] {
        let (n, channels) = (side * side, 24)
        let features = features(side: side, channels: channels, seed: seed)
        var p = [Float](repeating: 0, count: n * n)
        for row in 0..<n {
            var sum: Float = 0
            for column in 0..<n {
                var square: Float = 0
                for channel in 0..<channels {
                    let difference = features[row * channels + channel] - features[column * channels + channel]
                    square += difference * difference
                }
                p[row * n + column] = exp(-square / spread)
                sum += p[row * n + column]
            }
            for column in 0..<n { p[row * n + column] *= Float(n) / sum }
        }
        return (0..<n).flatMap { row in (row..<n).map { Float16((p[row * n + $0] + p[$0 * n + row]) / 2) } }
    }
}

/// Numbers from 0 to 1 that a seed gives.
private struct LinearNumbers {
    var state: UInt64

    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) * 0x1p-24
    }
}
