import Basics

extension VolumeError {
    /// Why bytes could not be understood as a JSON document of the expected form.
    static func malformedJSON(_ error: any Error, path: String) -> VolumeError {
        func name(_ keys: [any CodingKey]) -> String {
            keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined().trimmingPrefix(while: { $0 == "." })
                .description
        }
        let message =
            switch error {
            case DecodingError.keyNotFound(let key, let context): "lacks \(name(context.codingPath + [key]))"
            case DecodingError.valueNotFound(_, let context): "has no value for \(name(context.codingPath))"
            case DecodingError.typeMismatch(_, let context): "has a value of the wrong type for \(name(context.codingPath))"
            case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
                "has an impossible value for \(name(context.codingPath))"
            default: "is not JSON"
            }
        return VolumeError(.malformed, "\(message); write the file again", path: path)
    }
}
