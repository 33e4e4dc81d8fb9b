import BenchmarkSupport
import Foundation
import SpectralClustering
import Tensors

/// Measures 20 eigenvectors of a tile's affinities at the size of Stable Diffusion's layers, from float16 triangles in memory;
/// `spectral_scipy.py` measures the same files in SciPy.
///
///     spectral-benchmark FOLDER [RUNS] [--loop]      writes the affinities to FOLDER first, if it has none; --loop also runs the
///                                                    reference solver, once
@main
struct SpectralBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--loop" }
        guard let folder = arguments.first, let runs = arguments.dropFirst().first.map(Int.init) ?? 5, runs > 0 else {
            Report.fail(usage: "spectral-benchmark FOLDER [RUNS] [--loop]")
        }
        print("SpectralClustering, \(Threads.count) threads, OpenBLAS kernel \(BLAS.kernelName), medians of \(runs) runs")
        for kind in AffinityFiles.kinds {
            let files = AffinityFiles(folder: "\(folder)/\(kind.name)")
            if !files.exist { try files.write(spread: kind.spread) }
            let terms = try files.terms()
            let solver = try Eigensolver(count: 20, constantTolerance: 0)
            var (unpacking, solving): ([Double], [Double]) = ([], [])
            var found: Eigenvectors?
            for _ in 0..<runs {
                var affinity: AffinityOperator?
                unpacking.append(try ProcessUse.measure { affinity = try AffinityOperator(terms: terms) }.seconds)
                guard let affinity else { continue }
                solving.append(try ProcessUse.measure { found = try solver(affinity) }.seconds)
            }
            guard let found else { continue }
            let total = Report.median(zip(unpacking, solving).map(+))
            Report.row(
                "20 eigenvectors, \(kind.name) attention",
                "\(Report.text(total * 1e3, 0)) ms, of which unpacking \(Report.text(Report.median(unpacking) * 1e3, 0)) ms; "
                    + "\(found.products) products, converged: \(found.isConverged)", bar: "0.5 s")
            try files.write(found)
        }
        try measureTokens(runs: runs)
        if CommandLine.arguments.contains("--loop"), let kind = AffinityFiles.kinds.first {
            let affinity = try AffinityOperator(terms: AffinityFiles(folder: "\(folder)/\(kind.name)").terms())
            var solution: ReferenceSolution?
            let use = try ProcessUse.measure { solution = try ReferenceSolver(count: 20)(affinity) }
            let closed = try Eigensolver(count: 20, constantTolerance: 0)(affinity).values.reduce(0, +)
            Report.row(
                "reference loop, \(kind.name) attention",
                "\(Report.text(use.seconds)) s; trace \(Report.text(solution?.trace ?? .nan, 3)), "
                    + "closed form \(Report.text(closed, 3))",
                bar: "7-8 min on an A5000 (paper)")
        }
        print("peak resident memory: \(ProcessUse.peakResidentBytes / 1_048_576) MiB")
    }

    /// Tokens of 16 layers of 64 components, as `features.keep: tokens` has them.
    private static func measureTokens(runs: Int) throws {
        let layers = try [64, 64, 32, 32, 16, 16, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64].enumerated().map { index, side in
            try TokenLayer(
                grid: TokenGrid(height: side, width: side), channels: 64,
                values: AffinityFiles.features(side: side, channels: 64, seed: UInt64(index)))
        }
        let solver = try Eigensolver(count: 20)
        var found: Eigenvectors?
        let seconds = try (0..<runs).map { _ in
            try ProcessUse.measure { found = try solver(AffinityOperator(tokens: layers)) }.seconds
        }
        Report.row(
            "20 eigenvectors, tokens of 16 layers",
            "\(Report.text(Report.median(seconds) * 1e3, 0)) ms; \(found?.products ?? 0) products, "
                + "converged: \(found?.isConverged ?? false)")
    }
}
