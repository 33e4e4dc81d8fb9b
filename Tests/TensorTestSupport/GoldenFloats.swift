public import Foundation
import Testing

/// Float32 files beside a test, `Golden/data/NAME.f32`, little-endian.
public enum GoldenFloats {
    public static func read(_ name: String, in bundle: Bundle) throws -> [Float] {
        let url = try #require(bundle.url(forResource: "data/\(name).f32", withExtension: nil), "no golden file \(name)")
        let bytes = try Array(Data(contentsOf: url))
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, through: bytes.count - 4, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }
}

/// The largest difference, as a share of the largest magnitude that was expected; infinite where counts differ or a value is NaN.
public func relativeError(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .infinity }
    let scale = expected.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
    return zip(values, expected).reduce(Float(0)) { worst, pair in
        let difference = abs(pair.0 - pair.1) / scale
        return max(worst, difference.isNaN ? .infinity : difference)
    }
}
