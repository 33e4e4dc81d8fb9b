/// The value of voxels in chunks that were never written, as the metadata spell it.
enum ZarrFillValue: Decodable, Hashable, Sendable {
    /// `null`: the writer does not care; zero here.
    case absent
    case integer(Int64)
    case unsignedInteger(UInt64)
    case number(Double)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .absent
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsignedInteger(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .integer(value ? 1 : 0)
        } else {
            switch try container.decode(String.self) {
            case "NaN": self = .number(.nan)
            case "Infinity": self = .number(.infinity)
            case "-Infinity": self = .number(-.infinity)
            case let text: throw DecodingError.dataCorruptedError(in: container, debugDescription: text)
            }
        }
    }
}
