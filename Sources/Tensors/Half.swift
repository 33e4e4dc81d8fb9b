internal import CKernels

/// Conversions between float32 and the 16-bit formats that weights and features are stored in, as bit patterns.
public enum Half {
    /// IEEE halves to float32, exactly.
    ///
    /// - Precondition: the buffers are equally long. The same for the others.
    public static func float16ToFloat32(_ source: UnsafeBufferPointer<UInt16>, _ target: UnsafeMutableBufferPointer<Float>) {
        convert(source, target, ck_half_to_float)
    }

    /// bfloat16 to float32, exactly.
    public static func bfloat16ToFloat32(_ source: UnsafeBufferPointer<UInt16>, _ target: UnsafeMutableBufferPointer<Float>) {
        convert(source, target, ck_bfloat_to_float)
    }

    /// float32 to IEEE halves, to the nearest, ties to even. Above 65,520 becomes infinite.
    public static func float32ToFloat16(_ source: UnsafeBufferPointer<Float>, _ target: UnsafeMutableBufferPointer<UInt16>) {
        convert(source, target, ck_float_to_half)
    }

    private static func convert<Source, Target>(
        _ source: UnsafeBufferPointer<Source>, _ target: UnsafeMutableBufferPointer<Target>,
        _ kernel: (UnsafePointer<Source>, UnsafeMutablePointer<Target>, Int) -> Void
    ) {
        precondition(source.count == target.count, "\(source.count) values do not fill \(target.count)")
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        let chunk = 1 << 18
        Threads.perform((source.count + chunk - 1) / chunk) { index in
            let first = index * chunk
            kernel(from + first, to + first, min(chunk, source.count - first))
        }
    }
}
