import Foundation
import ImageProcessing
import Testing

/// The files that Golden/make_golden.py made.
enum GoldenFile {
    /// The rows of a table, by the names of its columns.
    static func rows(_ name: String) throws -> [GoldenRow] {
        let lines = try String(decoding: bytes(name), as: UTF8.self).split(separator: "\n")
        let header = try #require(lines.first, "\(name) is empty").split(separator: ",").map(String.init)
        return lines.dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            return GoldenRow(fields: Dictionary(uniqueKeysWithValues: zip(header, fields)))
        }
    }

    /// Two masks of one shape, each as slices.
    static func masks(_ name: String, depth: Int, height: Int, width: Int) throws -> (first: [Mask], second: [Mask]) {
        let bytes = try bytes("\(name).bits")
        let count = depth * height * width
        try #require(bytes.count * 8 >= 2 * count)
        func slice(_ z: Int) throws -> Mask {
            let first = z * height * width
            return try #require(
                Mask(
                    height: height, width: width,
                    values: (first..<first + height * width).map { bytes[$0 / 8] >> UInt8($0 % 8) & 1 != 0 }))
        }
        return (try (0..<depth).map(slice), try (depth..<2 * depth).map(slice))
    }

    private static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "data/\(name)", withExtension: nil), "no golden file \(name)")
        return try Array(Data(contentsOf: url))
    }
}

struct GoldenRow {
    let fields: [String: String]

    func text(_ name: String) throws -> String { try #require(fields[name], "there is no column \(name)") }
    func int(_ name: String) throws -> Int { try #require(Int(try text(name)), "\(name) is no whole number") }
    func double(_ name: String) throws -> Double { try #require(Double(try text(name)), "\(name) is no number") }
    func doubles(_ name: String) throws -> [Double] { try text(name).split(separator: " ").compactMap { Double($0) } }

    /// The masks that the row is about.
    func masks(_ prefix: String = "") throws -> (first: [Mask], second: [Mask]) {
        try GoldenFile.masks(prefix + text("name"), depth: int("depth"), height: int("height"), width: int("width"))
    }
}

/// Whether two numbers agree to a part.
func agrees(_ a: Double?, _ b: Double, _ tolerance: Double) -> Bool {
    guard let a else { return false }
    return abs(a - b) <= tolerance * max(1, abs(b))
}
