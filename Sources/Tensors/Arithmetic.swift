internal import CKernels

/// The numbers that a layer multiplies. Its input and its result are float32 in both.
public enum Arithmetic: String, Sendable, Hashable, CaseIterable {
    case float32
    /// Operands are rounded to bfloat16, which has 8 significant bits, where the processor multiplies these (AVX-512 with BF16 and VNNI):
    /// twice as many products in the same time, added in float32. Convolutions by Winograd's algorithm multiply integers of 13 bits instead
    /// (``WinogradScales``). Elsewhere, and in other convolutions of an odd number of channels, the same as ``float32``.
    case bfloat16

    /// Whether this processor multiplies bfloat16.
    public static var multipliesBfloat16: Bool { ck_multiplies_pairs() != 0 }

    /// What kernels are told.
    var numbers: ck_numbers { self == .bfloat16 && Arithmetic.multipliesBfloat16 ? CK_BFLOAT16 : CK_FLOAT32 }
}
