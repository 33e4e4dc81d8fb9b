import Foundation
import Testing

@testable import Tensors

/// The files that Golden/make_golden.py made.
enum GoldenFile {
    static func floats(_ name: String) throws -> [Float] {
        let url = try #require(Bundle.module.url(forResource: "data/\(name).f32", withExtension: nil), "no golden file \(name)")
        let bytes = try Array(Data(contentsOf: url))
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, through: bytes.count - 4, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }
}

/// Expects values within `tolerance` times the largest magnitude of what they should be, everywhere.
func expectClose(
    _ values: [Float], _ expected: [Float], tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(values.count == expected.count, sourceLocation: sourceLocation)
    let scale = expected.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
    var error: Float = 0
    for (value, expected) in zip(values, expected) {
        let difference = abs(value - expected)
        error = max(error, difference.isNaN ? .infinity : difference)
    }
    #expect(error <= tolerance * scale, sourceLocation: sourceLocation)
}

func expectMatches(
    _ tensor: Tensor, _ golden: String, tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectClose(tensor.values, GoldenFile.floats(golden), tolerance: tolerance, sourceLocation: sourceLocation)
}
