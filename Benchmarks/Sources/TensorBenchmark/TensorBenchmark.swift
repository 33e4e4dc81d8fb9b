import BenchmarkSupport
import CKernels
import Tensors

/// Measures the layers that Stable Diffusion 1.5 spends its time in; `tensor_pytorch.py` measures the same in PyTorch.
///
///     tensor-benchmark [RUNS] [WORD] [bfloat16|avx2]
///
/// WORD: only the layers whose name contains it. avx2: as a processor without AVX-512 runs them.
@main
struct TensorBenchmark {
    static func main() {
        let variant = CommandLine.arguments.last
        let arithmetic: Arithmetic = variant == Arithmetic.bfloat16.rawValue ? .bfloat16 : .float32
        if variant == "avx2" { ck_limit_instruction_set(1) }
        let arguments = CommandLine.arguments.dropFirst().prefix { $0 != arithmetic.rawValue && $0 != "avx2" }
        guard let runs = arguments.first.map(Int.init) ?? 5, runs > 0 else {
            Report.fail(usage: "tensor-benchmark [RUNS] [WORD] [bfloat16|avx2]")
        }
        let word = arguments.dropFirst().first ?? ""
        let processor = ck_instruction_set() == 2 ? "AVX-512" : ck_instruction_set() == 1 ? "AVX2" : "SSE2"
        print(
            "Tensors, \(arithmetic), \(processor), \(Threads.count) threads, OpenBLAS kernel \(BLAS.kernelName), medians of \(runs) runs"
        )
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
