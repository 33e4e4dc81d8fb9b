internal import CKernels

/// The scales of the integers that Winograd's convolution multiplies where its weight is of bfloat16.
///
/// Transformed values lose too much as bfloat16: results are sums of 36 products that almost cancel, and 8 bits of precision leave an error of 1 %
/// (plain sums: .24 %). Integers of 13 bits, with a scale for each tile or output, each of the 36 positions and each block of inputs, take as long
/// and leave .3 %.
///
/// One scale for many inputs would lose those that are small because their weights are large. So each input is multiplied with the size of its
/// weights, to the nearest power of two, and its weights are divided by it: then inputs are as large as what they add to results.
struct WinogradScales: Sendable {
    /// Floats of one panel: `[depth][block of inputs][36][32]`.
    private let countOfPanel: Int
    private let storage: TensorStorage
    /// What each input is multiplied with, and its weights are divided by.
    let factors: WeightFactors

    /// The scales of a weight `[panel][depth][9][pairs of inputs][32]`; nil where it is of floats.
    ///
    /// - Parameters:
    ///   - depth: slices of the kernel.
    ///   - pairs: pairs of inputs.
    ///   - block: pairs of a block of inputs; a multiple of it is transformed at a time.
    ///   - factors: by which the weight was divided.
    init?(of weight: PackedMatrix, depth: Int, pairs: Int, block: Int, factors: WeightFactors) {
        guard weight.numbers == CK_BFLOAT16 else { return nil }
        precondition(block <= Int(CK_MOST_PAIRS), "a block of \(block) pairs")
        let width = PackedMatrix.panelWidth
        let (panels, blocks) = ((weight.columns + width - 1) / width, (pairs + block - 1) / block)
        let scales = TensorStorage(count: panels * depth * blocks * 36 * width, lasts: true)
        countOfPanel = depth * blocks * 36 * width
        storage = scales
        self.factors = factors
        Threads.perform(panels * depth * blocks) { task in
            let (slice, first) = (task / blocks, task % blocks * block)
            let (panel, part) = slice.quotientAndRemainder(dividingBy: depth)
            ck_winograd_weight_scales(
                weight.panel(panel) + part * 9 * pairs * width, pairs, min(width, weight.columns - panel * width), first,
                min(first + block, pairs), scales.base + task * 36 * width)
        }
    }

    /// The scales of the panel with this number.
    func panel(_ number: Int) -> UnsafePointer<Float> { UnsafePointer(storage.base + number * countOfPanel) }
}

/// The size of the weights of each input, as powers of two: multiplying by them and dividing loses nothing.
struct WeightFactors: Sendable {
    /// One for each input; ones follow, up to a multiple of 16.
    private let storage: TensorStorage

    /// - Parameter weight: `[outputs, inputs, …]`
    init(of weight: Tensor) {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let taps = weight.count / max(outputs * inputs, 1)
        let inputsOfTask = 16
        let tasks = (inputs + inputsOfTask - 1) / inputsOfTask
        storage = .filled(count: tasks * inputsOfTask) { factors in
            factors.update(repeating: 1, count: tasks * inputsOfTask)
            Threads.perform(tasks) { task in
                let some = task * inputsOfTask..<min((task + 1) * inputsOfTask, inputs)
                var squares = [Double](repeating: 0, count: some.count)
                for output in 0..<outputs {
                    for input in some {
                        let first = weight.storage.base + (output * inputs + input) * taps
                        for tap in 0..<taps { squares[input - some.lowerBound] += Double(first[tap]) * Double(first[tap]) }
                    }
                }
                for input in some {
                    let size = (squares[input - some.lowerBound] / Double(outputs * taps)).squareRoot()
                    // Zeros, and what is not finite, stay as they are.
                    guard size > 0x1p-40, size < 0x1p40 else { continue }
                    factors[input] = Float(sign: .plus, exponent: Int(size.exponent), significand: 1)
                }
            }
        }
    }

    /// A weight `[outputs, inputs, …]` divided by the factors of its inputs.
    func balanced(_ weight: Tensor) -> Tensor {
        let inputs = weight.shape[1]
        let taps = weight.count / max(weight.shape[0] * inputs, 1)
        return Tensor(
            shape: weight.shape,
            storage: .filled(count: weight.count) { result in
                Threads.perform(weight.shape[0]) { output in
                    for input in 0..<inputs {
                        let first = (output * inputs + input) * taps
                        for tap in first..<first + taps { result[tap] = weight.storage.base[tap] / storage.base[input] }
                    }
                }
            })
    }

    /// The factors from this input on.
    func from(_ input: Int) -> UnsafePointer<Float> { UnsafePointer(storage.base + input) }
}
