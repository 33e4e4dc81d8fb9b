internal import CKernels

/// The scales of the integers that Winograd's convolution multiplies where its weight is of bfloat16.
///
/// Transformed values lose too much as bfloat16: results are sums of 36 products that almost cancel, and 8 bits of precision leave an error of 1 %
/// (plain sums: .24 %). Integers of 13 bits, with a scale for each tile or output, each of the 36 positions and each block of inputs, take as long
/// and leave .3 %.
struct WinogradScales: Sendable {
    /// Floats of one panel: `[depth][block of inputs][36][32]`.
    private let countOfPanel: Int
    private let storage: TensorStorage

    /// The scales of a weight `[panel][depth][9][pairs of inputs][32]`; nil where it is of floats.
    ///
    /// - Parameters:
    ///   - depth: slices of the kernel.
    ///   - pairs: pairs of inputs.
    ///   - block: pairs of a block of inputs; a multiple of it is transformed at a time.
    init?(of weight: PackedMatrix, depth: Int, pairs: Int, block: Int) {
        guard weight.numbers == CK_BFLOAT16 else { return nil }
        precondition(block <= Int(CK_MOST_PAIRS), "a block of \(block) pairs")
        let width = PackedMatrix.panelWidth
        let (panels, blocks) = ((weight.columns + width - 1) / width, (pairs + block - 1) / block)
        let scales = TensorStorage(count: panels * depth * blocks * 36 * width, lasts: true)
        countOfPanel = depth * blocks * 36 * width
        storage = scales
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
