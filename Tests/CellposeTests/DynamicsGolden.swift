import Basics
import Foundation
import ImageProcessing
import Testing
import Volumes

/// The tables that Golden/make_dynamics_golden.py made, each row with its fields by name.
struct DynamicsGolden {
    private let fields: [String: String]

    static func rows(_ table: String) throws -> [DynamicsGolden] {
        let lines = try String(decoding: data("\(table).csv"), as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let header = try #require(lines.first)
        return lines.dropFirst().map { DynamicsGolden(fields: Dictionary(uniqueKeysWithValues: zip(header, $0))) }
    }

    static func floats(_ name: String) throws -> [Float] {
        let bytes = try Array(data(name))
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, through: bytes.count - 4, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }

    private static func data(_ name: String) throws -> Data {
        let url = Bundle.module.url(forResource: "data/dynamics/\(name)", withExtension: nil)
        return try Data(contentsOf: #require(url, "no golden file \(name)"))
    }

    func text(_ name: String) throws -> String { try #require(fields[name], "no field \(name)") }

    func value<Value: LosslessStringConvertible>(_ name: String) throws -> Value {
        let text = try text(name)
        return try #require(Value(text), "\(name) is \(text)")
    }

    func kind<Kind: RawRepresentable<String>>(_ name: String) throws -> Kind {
        let text = try text(name)
        return try #require(Kind(rawValue: text), "\(name) is \(text)")
    }

    /// The label image that the row names.
    func labels(height: Int? = nil, width: Int? = nil) throws -> Image<Int32> {
        let kind: SyntheticLabels = try kind("kind")
        return try #require(
            kind.make(height: height ?? value("height"), width: width ?? value("width"), seed: value("seed")))
    }
}

/// SHA-256 of little-endian words.
func digest(_ words: [UInt32]) -> String {
    words.map { $0.littleEndian }.withUnsafeBytes { Digest(of: Array($0)).hexadecimal }
}

func digest(_ images: Image<Float>...) -> String { digest(images.flatMap { image in image.values.map { $0.bitPattern } }) }

func digest(_ labels: Image<Int32>) -> String { digest(labels.values.map { UInt32(bitPattern: $0) }) }
