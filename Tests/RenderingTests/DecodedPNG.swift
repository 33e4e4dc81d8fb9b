import CZlib
import Testing

/// A PNG file taken apart by the letter of the specification, to check what the encoder wrote.
struct DecodedPNG {
    var width = 0
    var height = 0
    var channels = 0
    /// The samples, row after row.
    var samples: [UInt8] = []
    /// The number of the filter of each row.
    var filters: [UInt8] = []
    var chunkTypes: [String] = []

    init(_ file: [UInt8]) throws {
        try #require(file.prefix(8) == [137, 80, 78, 71, 13, 10, 26, 10])
        var compressed: [UInt8] = []
        var position = 8
        while position < file.count {
            try #require(position + 12 <= file.count)
            let length = Self.number(file, position)
            try #require(position + 12 + length <= file.count)
            let body = Array(file[position + 4..<position + 8 + length])
            #expect(Int(crc32(0, body, UInt32(body.count))) == Self.number(file, position + 8 + length))
            let type = String(decoding: body.prefix(4), as: UTF8.self)
            let data = Array(body.dropFirst(4))
            chunkTypes.append(type)
            if type == "IHDR" {
                try #require(data.count == 13)
                width = Self.number(data, 0)
                height = Self.number(data, 4)
                #expect(data[8] == 8 && Array(data[10...]) == [0, 0, 0])
                channels = data[9] == 0 ? 1 : data[9] == 2 ? 3 : 0
            } else if type == "IDAT" {
                compressed += data
            }
            position += 12 + length
        }
        try #require(channels > 0)
        try unfilter(Self.inflated(compressed, count: (width * channels + 1) * height))
    }

    private static func number(_ bytes: [UInt8], _ first: Int) -> Int {
        bytes[first..<first + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func inflated(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
        // A byte more than expected, so that a longer stream is noticed.
        var result = [UInt8](repeating: 0, count: count + 1)
        var length = uLong(result.count)
        try #require(uncompress(&result, &length, bytes, uLong(bytes.count)) == Z_OK)
        try #require(length == count)
        return Array(result.dropLast())
    }

    private mutating func unfilter(_ bytes: [UInt8]) throws {
        let stride = width * channels
        samples = [UInt8](repeating: 0, count: stride * height)
        for y in 0..<height {
            let filter = bytes[y * (stride + 1)]
            filters.append(filter)
            for x in 0..<stride {
                let left = x >= channels ? Int(samples[y * stride + x - channels]) : 0
                let above = y > 0 ? Int(samples[(y - 1) * stride + x]) : 0
                let corner = x >= channels && y > 0 ? Int(samples[(y - 1) * stride + x - channels]) : 0
                let prediction: Int
                switch filter {
                case 0: prediction = 0
                case 1: prediction = left
                case 2: prediction = above
                case 3: prediction = (left + above) / 2
                default:
                    try #require(filter == 4)
                    let estimate = left + above - corner
                    let (a, b, c) = (abs(estimate - left), abs(estimate - above), abs(estimate - corner))
                    prediction = a <= b && a <= c ? left : b <= c ? above : corner
                }
                samples[y * stride + x] = UInt8(truncatingIfNeeded: Int(bytes[y * (stride + 1) + 1 + x]) + prediction)
            }
        }
    }
}
