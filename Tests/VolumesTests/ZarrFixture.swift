import Foundation
import TestSupport
import Volumes

/// Writes small zarr stores of version 2, as the specification has them: an implementation independent of the reader.
struct ZarrFixture {
    var shape: [Int]
    var chunks: [Int]
    /// The NumPy code of the elements.
    var dtype: String
    var compressor = "null"
    var order = "C"
    var separator: String? = "."
    /// JSON.
    var fill = "0"
    var filters = "null"
    /// Chunks, by their key, that are left out.
    var missing: Set<String> = []

    /// One element of the array as it is stored, from its place in the array.
    typealias Element = (_ place: [Int]) -> [UInt8]

    /// JSON that takes the place of the value of a key.
    var overrides: [String: String] = [:]

    var metadata: String {
        var values = [
            "zarr_format": "2", "shape": "\(shape)", "chunks": "\(chunks)", "dtype": "\"\(dtype)\"", "compressor": compressor,
            "fill_value": fill, "order": "\"\(order)\"", "filters": filters,
        ]
        values["dimension_separator"] = separator.map { "\"\($0)\"" }
        values.merge(overrides) { $1 }
        return "{" + values.map { "\"\($0)\": \($1)" }.sorted().joined(separator: ", ") + "}"
    }

    /// Writes the array into a folder of the directory and returns the path of that folder.
    @discardableResult
    func write(to name: String, in directory: TemporaryDirectory, size: Int, element: Element) throws -> String {
        try directory.write("\(name)/.zarray", Array(metadata.utf8))
        let gridShape = zip(shape, chunks).map { ($0 + $1 - 1) / $1 }
        for grid in Self.places(in: gridShape) {
            let key = grid.map(String.init).joined(separator: separator ?? ".")
            if missing.contains(key) { continue }
            var bytes: [UInt8] = []
            // Fortran order runs through the first axis fastest.
            let places = order == "C" ? Self.places(in: chunks) : Self.places(in: chunks.reversed()).map { $0.reversed() }
            for inner in places {
                let place = zip(zip(grid, chunks).map { $0 * $1 }, inner).map { $0 + $1 }
                let isInside = zip(place, shape).allSatisfy { $0 < $1 }
                bytes += isInside ? element(place) : Array(repeating: 0xAB, count: size)
            }
            try directory.write("\(name)/\(key)", encoded(bytes))
        }
        return directory.file(name)
    }

    private func encoded(_ bytes: [UInt8]) -> [UInt8] {
        if compressor.contains("zlib") { return GzipFixture.deflated(bytes) }
        if compressor.contains("gzip") { return GzipFixture.deflated(bytes, windowBits: 31) }
        return bytes
    }

    /// All places of an array, the last axis fastest.
    static func places(in shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { places, count in places.flatMap { place in (0..<count).map { place + [$0] } } }
    }

    /// `.zattrs` of an image whose arrays are `paths`.
    static func attributes(axes: String, paths: [String] = ["0"], scales: [String] = [], other: String = "") -> [UInt8] {
        let datasets = paths.indices.map { index in
            let scale =
                index < scales.count
                ? ", \"coordinateTransformations\": [{\"type\": \"scale\", \"scale\": \(scales[index])}]" : ""
            return "{\"path\": \"\(paths[index])\"\(scale)}"
        }
        let list = datasets.joined(separator: ", ")
        return Array("{\"multiscales\": [{\"version\": \"0.4\", \"axes\": \(axes), \"datasets\": [\(list)]\(other)}]}".utf8)
    }
}
