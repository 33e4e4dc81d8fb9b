import Foundation
import TensorTestSupport
import Testing

@testable import Tensors

/// The files that Golden/make_golden.py made.
enum GoldenFile {
    static func floats(_ name: String) throws -> [Float] { try GoldenFloats.read(name, in: .module) }
}

/// Expects values within `tolerance` times the largest magnitude of what they should be, everywhere.
func expectClose(
    _ values: [Float], _ expected: [Float], tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(values.count == expected.count, sourceLocation: sourceLocation)
    #expect(relativeError(values, expected) <= tolerance, sourceLocation: sourceLocation)
}

func expectMatches(
    _ tensor: Tensor, _ golden: String, tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectClose(tensor.values, GoldenFile.floats(golden), tolerance: tolerance, sourceLocation: sourceLocation)
}
