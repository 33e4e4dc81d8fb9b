import BenchmarkSupport
import Tensors

/// Measures the layers that Stable Diffusion 1.5 spends its time in; `tensor_pytorch.py` measures the same in PyTorch.
///
///     tensor-benchmark [RUNS] [WORD] [bfloat16]      only the layers whose name contains WORD
@main
struct TensorBenchmark {
    static func main() {
        let arithmetic: Arithmetic = CommandLine.arguments.last == Arithmetic.bfloat16.rawValue ? .bfloat16 : .float32
        let arguments = CommandLine.arguments.dropFirst().prefix { $0 != arithmetic.rawValue }
        guard let runs = arguments.first.map(Int.init) ?? 5, runs > 0 else {
            Report.fail(usage: "tensor-benchmark [RUNS] [WORD] [bfloat16]")
        }
        let word = arguments.dropFirst().first ?? ""
        print("Tensors, \(arithmetic), \(Threads.count) threads, OpenBLAS kernel \(BLAS.kernelName), medians of \(runs) runs")
        for layer in Layer.all where word.isEmpty || layer.name.contains(word) {
            let run = layer.prepared(arithmetic)
            run()
            let uses = (0..<runs).map { _ in ProcessUse.measure(run) }
            let seconds = Report.median(uses.map(\.seconds))
            let processor = Report.median(uses.map(\.processorSeconds))
            Report.row(
                layer.name, "\(Report.text(seconds * 1e3)) ms, processor \(Report.text(processor * 1e3)) ms",
                bar: "\(Report.text(layer.operations / seconds * 1e-9, 0)) GFLOP/s")
        }
        print("peak resident memory: \(ProcessUse.peakResidentBytes / 1_048_576) MiB")
    }
}
