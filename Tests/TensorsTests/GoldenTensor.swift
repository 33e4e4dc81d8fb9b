import TestSupport
import Testing

@testable import Tensors

/// Expects values within `tolerance` times the largest magnitude of what they should be, everywhere.
func expectClose(
    _ values: [Float], _ expected: [Float], tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(values.count == expected.count, sourceLocation: sourceLocation)
    #expect(relativeError(values, expected) <= tolerance, sourceLocation: sourceLocation)
}

/// The same of a tensor and the file `NAME.f32` that Golden/make_golden.py made.
func expectMatches(
    _ tensor: Tensor, _ golden: String, tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let expected = try GoldenFile("\(golden).f32", in: .module).floats()
    expectClose(tensor.values, expected, tolerance: tolerance, sourceLocation: sourceLocation)
}
