internal import Basics
internal import CKernels

/// Conversions between float32 and the 16-bit formats of stored weights and features. 16-bit values are bit patterns.
///
/// All conversions run on several threads and need buffers of equal length.
public enum Half {
    /// IEEE half precision (float16) to float32, exact.
    public static func float16ToFloat32(_ source: UnsafeBufferPointer<UInt16>, _ target: UnsafeMutableBufferPointer<Float>) {
        convert(source, target) { from, to, count in
            Float16.widen(
                UnsafeBufferPointer(start: from, count: count), into: UnsafeMutableBufferPointer(start: to, count: count))
        }
    }

    /// bfloat16 to float32, exact.
    public static func bfloat16ToFloat32(_ source: UnsafeBufferPointer<UInt16>, _ target: UnsafeMutableBufferPointer<Float>) {
        convert(source, target, ck_bfloat_to_float)
    }

    /// float32 to IEEE half precision (float16), rounded to nearest, ties to even. Magnitudes of 65,520 and more become infinite.
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
