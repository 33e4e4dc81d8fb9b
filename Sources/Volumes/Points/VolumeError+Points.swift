import Basics

extension VolumeError {
    static func malformedLine(_ line: Int, _ what: String, path: String) -> VolumeError {
        VolumeError(.malformed, "line \(line): \(what)", path: path)
    }

    static func notFinite(_ name: String, _ text: String, line: Int, path: String) -> VolumeError {
        .malformedLine(line, "\(name) is \"\(text)\" instead of a finite number; correct or remove the line", path: path)
    }

    static func tooManyPoints(_ limit: Int, path: String) -> VolumeError {
        VolumeError(.tooLarge, "has more than \(limit) points; split it by tomogram", path: path)
    }

    static func noConvention(path: String) -> VolumeError {
        let names = CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")
        return VolumeError(
            .unsupported, "does not say in what unit its coordinates are; name the convention: \(names)", path: path)
    }

    static func pointsNotRead(_ what: String, advice: String, path: String) -> VolumeError {
        VolumeError(.unsupported, "is \(what), which is not read as points; \(advice)", path: path)
    }
}
