import Checkpoints
import Diffusion
import Tensors
import TestSupport
import Testing

/// A tiny model with random weights, and what diffusers computes with it (Golden/make_golden.py).
struct GoldenModel: Sendable, CustomTestStringConvertible {
    let name: String

    /// The layouts of Stable Diffusion 1 and 2.
    static let all = [GoldenModel(name: "sd1-tiny"), GoldenModel(name: "sd2-tiny")]

    var testDescription: String { name }

    func folder() throws -> String { try GoldenFile("\(name)/model", in: .module).path }

    func golden() throws -> Checkpoint { try Checkpoint(path: GoldenFile("\(name)/golden.safetensors", in: .module).path) }
}

extension Checkpoint {
    /// A tensor in whatever shape it has.
    func tensor(_ name: String) throws -> Tensor {
        try tensor(named: name, expecting: #require(entry(named: name), "no golden array \(name)").shape)
    }

    /// Compares with a golden array: the largest difference over the largest value.
    func expect(_ tensor: Tensor?, equals name: String, tolerance: Float = 2e-4) throws {
        let error = try #require(tensor, "nothing to compare with \(name)").relativeError(to: self.tensor(name))
        #expect(error <= tolerance, "\(name) is off by \(error)")
    }

    /// Compares an affinity with a golden one, of which the file has some rows of P and the mean over all rows.
    func expect(_ affinity: AffinityAccumulator?, equals name: String, tolerance: Float = 2e-4) throws {
        let affinity = try #require(affinity, "no affinity to compare with \(name)")
        let n = affinity.tokens
        let symmetric = affinity.meanAffinity().values
        let rows = try integers(named: "affinity.rows.\(n)")
        let kept = try tensor("\(name).rows").values
        let columns = try tensor("\(name).columns").values
        // Between two kept rows: (P_ij + P_ji) / 2.
        var (values, expected): ([Float], [Float]) = ([], [])
        for (i, row) in rows.enumerated() {
            for (j, column) in rows.enumerated() {
                values.append(symmetric[row * n + column])
                expected.append((kept[i * n + column] + kept[j * n + row]) / 2)
            }
        }
        func error(_ values: [Float], _ expected: [Float]) -> Float {
            Tensor(shape: [values.count], values: values).relativeError(to: Tensor(shape: [expected.count], values: expected))
        }
        let entries = error(values, expected)
        #expect(entries <= tolerance, "\(name) is off by \(entries)")
        // A row of the symmetric part sums to half of 1 and half of the column's sum, which is n times its mean.
        let sums = error(
            (0..<n).map { row in symmetric[row * n..<(row + 1) * n].reduce(0, +) }, columns.map { (1 + Float(n) * $0) / 2 })
        #expect(sums <= tolerance, "the columns of \(name) are off by \(sums)")
    }
}

/// Keeps everything that a pass shows.
final class PassRecorder: UNetObserver {
    private(set) var layers: [AttentionLayer] = []
    private(set) var queries: [String: Tensor] = [:]
    private(set) var keys: [String: Tensor] = [:]
    private(set) var affinities: [String: AffinityAccumulator] = [:]
    private(set) var blocks: [String: Tensor] = [:]

    func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator? {
        layers.append(layer)
        queries[layer.name] = query
        keys[layer.name] = key
        let affinity = AffinityAccumulator(tokens: query.shape[1])
        affinities[layer.name] = affinity
        return affinity
    }

    func block(_ name: String, _ output: Tensor) { blocks[name] = output }
}
