/// Safetensors files written by hand, right or wrong.
enum HandmadeFile {
    /// Length, header, data.
    static func bytes(_ header: String, data: Int) -> [UInt8] { bytes(Array(header.utf8), data: data) }

    static func bytes(_ header: [UInt8], data: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
            + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
    }

    /// A header of one tensor of four floats, with another text in place of a part of it.
    static func oneTensor(_ part: String = "", _ replacement: String = "", data: Int = 16) -> [UInt8] {
        let header = #"{"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#
        return bytes(part.isEmpty ? header : header.replacing(part, with: replacement), data: data)
    }
}
