import BenchmarkSupport
import Diffusion
import Foundation
import Tensors

/// Measures passes of a diffusion model of full size; weights may be random (`Tests/DiffusionTests/Golden/check_diffusion.py`).
///
///     diffusion-benchmark FOLDER [RUNS]               the encoder, and passes with and without affinities
///     diffusion-benchmark FOLDER [RUNS] bfloat16      the same in bfloat16, beside float32, and how far their affinities differ
///     diffusion-benchmark FOLDER low-memory           one tile, streamed: for the peak of memory
@main
enum DiffusionBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2 else { Report.fail(usage: "diffusion-benchmark FOLDER [RUNS] [bfloat16 | low-memory]") }
        let isStreamed = arguments.last == "low-memory"
        let runs = arguments.count > 2 ? Int(arguments[2]) ?? 3 : 3
        let model = try DiffusionModel(folder: arguments[1], residency: isStreamed ? .streamed : .resident)
        let context = Tensor(
            shape: [1, 77, model.contextChannels],
            values: GaussianNoise(seed: 2, for: .timesteps).tensor(shape: [77 * model.contextChannels]).values)
        print("OpenBLAS \(BLAS.kernelName), \(Threads.count) threads")
        if arguments.last == Arithmetic.bfloat16.rawValue {
            let half = try DiffusionModel(folder: arguments[1], arithmetic: .bfloat16)
            for (name, model) in [("float32", model), ("bfloat16", half), ("float32", model), ("bfloat16", half)] {
                print(name)
                try passes(of: model, context, runs: runs, isShort: true)
            }
            try differences(model, half, context)
        } else if isStreamed {
            try tile(of: model, context)
        } else {
            try passes(of: model, context, runs: runs)
        }
        Report.row("peak resident memory", "\(Report.text(Double(ProcessUse.peakResidentBytes) / 1e9, 2)) GB")
    }

    private static func passes(of model: DiffusionModel, _ context: Tensor, runs: Int, isShort: Bool = false) throws {
        let image = Tensor(
            shape: [1, 512, 512, 3],
            values: GaussianNoise(seed: 1, for: .timesteps).tensor(shape: [512 * 512 * 3]).values.map { min(max($0, -1), 1) })
        try measure("VAE encoder, 512²", runs) { _ = try model.encode(image) }

        func latents(_ count: Int) -> Tensor { GaussianNoise(seed: 3, for: .timesteps).tensor(shape: [count, 64, 64, 4]) }
        let timesteps = [20, 80, 140, 200]
        try measure("U-Net, 64² latent, plain", runs) {
            try model.runUNet(latents(1), timesteps: [20], context: context, extent: .noise)
        }
        try measure("U-Net, affinities collected", runs) {
            try model.runUNet(latents(1), timesteps: [20], context: context, extent: .noise, observer: Collector())
        }
        if isShort { return }
        try measure("U-Net up to the last attention, affinities collected", runs) {
            _ = try model.attention(noised: latents(1), timesteps: [20], context: context)
        }
        try measure("the same, four timesteps in one batch", runs) {
            _ = try model.attention(noised: latents(4), timesteps: timesteps, context: context)
        }
        try measure("the same, four passes", runs) {
            for timestep in timesteps { _ = try model.attention(noised: latents(1), timesteps: [timestep], context: context) }
        }
    }

    /// How far the affinities of one tile differ: the norm of the difference, as a part of the norm, of each matrix.
    private static func differences(_ model: DiffusionModel, _ half: DiffusionModel, _ context: Tensor) throws {
        let gray = (0..<512 * 512).map { pixel in
            let (x, y) = (Double(pixel % 512), Double(pixel / 512))
            return UInt8(clamping: Int(128 + 60 * sin(x / 9) * cos(y / 17)))
        }
        func affinities(_ encoder: DiffusionModel, _ network: DiffusionModel) throws -> [Tensor] {
            let latent = try encoder.encode(gray: gray, height: 512, width: 512).mode
            return try network.attention(latent, timesteps: [20, 150], context: context).affinities.map { $0.matrix() }
        }
        let exact = try affinities(model, model)
        for (name, encoder, network) in [("both", half, half), ("the U-Net", model, half), ("the encoder", half, model)] {
            let relative = zip(exact, try affinities(encoder, network)).map { first, second in
                var (difference, whole) = (0.0, 0.0)
                for (a, b) in zip(first.values, second.values) {
                    difference += Double((a - b) * (a - b))
                    whole += Double(a * a)
                }
                return "\(first.shape[0])²: " + Report.text(sqrt(difference / whole), 4)
            }
            Report.row("relative difference of affinities, \(name) in bfloat16", relative.joined(separator: ", "))
        }
    }

    private static func tile(of model: DiffusionModel, _ context: Tensor) throws {
        try measure("one tile of 512², eight timesteps, streamed", 1, warmsUp: false) {
            let latent = try model.encode(gray: [UInt8](repeating: 100, count: 512 * 512), height: 512, width: 512).mode
            _ = try model.attention(
                latent, timesteps: NoiseSchedule.stratified(count: 8, last: 250, seed: 0), context: context)
        }
    }

    private static func measure(_ what: String, _ runs: Int, warmsUp: Bool = true, _ body: () throws -> Void) throws {
        if warmsUp { try body() }
        let seconds = try (0..<runs).map { _ in
            let begin = ContinuousClock.now
            try body()
            let passed = (ContinuousClock.now - begin).components
            return Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
        }
        Report.row("\(what), median of \(runs)", "\(Report.text(Report.median(seconds), 3)) s")
    }
}

/// Collects affinities by resolution and group.
private final class Collector: UNetObserver {
    private var sums: [String: AffinityAccumulator] = [:]

    func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator? {
        let place = "\(layer.group) \(layer.level)"
        let sum = sums[place] ?? AffinityAccumulator(tokens: query.shape[1])
        sums[place] = sum
        return sum
    }
}
