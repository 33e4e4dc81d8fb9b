import Foundation
import Testing

/// The files that Golden/make_golden.py made.
enum GoldenFile {
    static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "data/\(name)", withExtension: nil), "no golden file \(name)")
        return try Array(Data(contentsOf: url))
    }

    static func floats(_ name: String) throws -> [Float] {
        let bytes = try bytes(name)
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, through: bytes.count - 4, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }

    /// The rows of a table, without its header.
    static func rows(_ name: String) throws -> [[String]] {
        try String(decoding: bytes(name), as: UTF8.self).split(separator: "\n").dropFirst().map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }
}
