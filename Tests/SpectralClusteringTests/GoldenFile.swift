import Foundation
import TensorTestSupport

/// The files that Golden/make_golden.py made.
enum GoldenFile {
    static func floats(_ name: String) throws -> [Float] { try GoldenFloats.read(name, in: .module) }
}
