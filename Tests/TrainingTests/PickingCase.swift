import Basics
import TestSupport
import Testing

@testable import Training

/// A volume of zeros and ones of Golden/make_window_golden.py, and what PyTorch made of it.
struct PickingCase: CustomTestStringConvertible, Sendable {
    let seed: UInt64
    let depth: Int
    let height: Int
    let width: Int
    let rounds: Int
    let share: UInt64

    static let all = [
        (1, 1, 1, 1, 1, 16), (2, 1, 9, 14, 1, 5), (3, 7, 6, 9, 1, 4), (4, 12, 11, 10, 2, 3), (5, 3, 20, 17, 2, 6),
        (6, 16, 15, 14, 3, 5), (7, 20, 37, 35, 3, 3), (8, 24, 13, 40, 5, 6), (9, 9, 9, 9, 8, 8), (10, 6, 40, 70, 1, 16),
    ].map {
        PickingCase(seed: UInt64($0.0), depth: $0.1, height: $0.2, width: $0.3, rounds: $0.4, share: UInt64($0.5))
    }

    var testDescription: String { "\(width) × \(height) × \(depth), \(rounds) rounds" }

    /// The probabilities of each slice.
    func slices() -> [[Float]] {
        var random = RandomStream(state: seed)
        return (0..<depth).map { _ in (0..<height * width).map { _ in random.next() >> 60 < share ? 0.75 : 0.5 } }
    }

    /// The averages, `[z][y][x]`.
    func pooled() throws -> [Float] {
        try GoldenFile("picking/pooled-\(seed).f4", in: .module).floats()
    }

    /// The maxima: voxels, x, y, z, value; nil if they depend on rounding.
    func maxima() throws -> [[Double]]? {
        guard rounds <= 3 || share == 16 else { return nil }
        return try GoldenFile("picking/maxima.csv", in: .module).rows()
            .map { $0.fields.compactMap { Double($0) } }
            .filter { $0.first == Double(seed) }.map { Array($0.dropFirst()) }
    }
}
