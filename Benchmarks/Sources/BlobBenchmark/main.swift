// Throughput of BlobStore: how many trivial artifacts a second, and how many megabytes of float16.
//
//     blob-benchmark FOLDER [trivial] [features]
import BlobStore
import Foundation
import Volumes

let folder = CommandLine.arguments.dropFirst().first ?? NSTemporaryDirectory()
let directory = "\(folder)/blob-benchmark-\(getpid())"
defer { try? FileManager.default.removeItem(atPath: directory) }

func milliseconds(_ work: () throws -> Void) rethrows -> Double {
    let duration = try ContinuousClock().measure(work)
    return Double(duration.components.attoseconds) / 1e15 + Double(duration.components.seconds) * 1e3
}

/// 256 artifacts of one dataset of 16 floats and three attributes, several times.
func trivialArtifacts() throws {
    let store = try BlobStore(directory: directory)
    for round in 0..<5 {
        var staged: [StagedArtifact] = []
        let staging = try milliseconds {
            for index in 0..<256 {
                staged.append(
                    try store.stage(kind: "benchmark") { artifact in
                        try artifact.setAttribute("index", .integer(Int64(round * 256 + index)))
                        try artifact.setAttribute("scale", 1.5)
                        try artifact.setAttribute("name", "trivial")
                        try artifact.write("values", shape: [16], values: [Float](repeating: Float(index), count: 16))
                    })
            }
        }
        let publishing = try milliseconds { try store.commit(staged) }
        let opening = try milliseconds {
            for artifact in staged { _ = try store.open(artifact.digest).read("values", as: Float.self) }
        }
        let rate = 256e3 / (staging + publishing)
        let bytes = staged.map(\.byteCount).max() ?? 0
        print(
            String(
                format: "256 trivial artifacts: stage %.0f ms, publish %.0f ms, %.0f/s; open and read %.0f ms; %ld bytes each",
                staging, publishing, rate, opening, bytes))
    }
}

/// 64 MB of float16, noise as networks' features are.
func features() throws {
    let store = try BlobStore(directory: directory)
    let shape = [64, 256, 2048]
    var state: UInt64 = 1
    let values = (0..<shape.reduce(1, *)).map { _ -> Float16 in
        var sum: Float = 0
        for _ in 0..<4 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            sum += Float(state >> 40) / Float(1 << 24) - 0.5
        }
        return Float16(sum * 1.7)
    }
    let megabytes = Double(values.count * 2) / 1e6
    for compression in [1, 0] {
        var staged: StagedArtifact?
        let staging = try milliseconds {
            staged = try store.stage(kind: "benchmark-features") { artifact in
                try artifact.setAttribute("level", .integer(Int64(compression)))
                try artifact.write("features", shape: shape, values: values, compression: compression)
            }
        }
        guard let staged else { return }
        let publishing = try milliseconds { try store.commit([staged]) }
        let artifact = try store.open(staged.digest)
        for _ in 0..<3 {
            var isEqual = false
            let reading = try milliseconds { isEqual = try artifact.read("features", as: Float16.self).count == values.count }
            let converting = try milliseconds { isEqual = try isEqual && artifact.readFloats("features").count == values.count }
            print(
                String(
                    format:
                        "float16 level %d: stage %.0f MB/s, publish %.0f ms, ratio %.2f; read %.0f MB/s, as float32 %.0f MB/s (%.0f MB/s of float32) %@",
                    compression, megabytes * 1e3 / staging, publishing, megabytes * 1e6 / Double(staged.byteCount),
                    megabytes * 1e3 / reading, megabytes * 1e3 / converting, megabytes * 2e3 / converting, isEqual ? "" : "WRONG")
            )
        }
    }
}

let chosen = CommandLine.arguments.dropFirst(2)
if chosen.isEmpty || chosen.contains("trivial") { try trivialArtifacts() }
if chosen.isEmpty || chosen.contains("features") { try features() }
