import Foundation
import Testing

/// The files that Golden/make_golden.py made.
enum GoldenFolder {
    static func path(_ name: String) throws -> String {
        try #require(Bundle.module.url(forResource: "data/\(name)", withExtension: nil), "no golden file \(name)").path
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    /// The first elements of any float tensor there.
    static func floats(_ count: Int) -> [Float] { (0..<count).map { (Float(37 * $0 % 101) - 50) / 8 } }

    /// The first elements of any tensor of integers there.
    static func integers(_ count: Int) -> [Int] { (0..<count).map { 37 * $0 % 101 } }
}
