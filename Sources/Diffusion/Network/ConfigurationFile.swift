internal import Basics
internal import Checkpoints
import Foundation

/// A `config.json` of a diffusers folder.
struct ConfigurationFile {
    private static let byteLimit = 1 << 20

    private let path: String
    private let bytes: Data

    /// - Throws: ``DiffusionError`` where it cannot be read, is too large, or is not text.
    init(_ path: String) throws(DiffusionError) {
        self.path = path
        let data: Data
        do throws(CheckpointError) {
            data = Data(try SmallFile.bytes(path, limit: Self.byteLimit))
        } catch {
            guard error.code == .unreadable else { throw DiffusionError(error) }
            throw DiffusionError(
                .unreadable, "cannot be read: the folder is no diffusers model, or an incomplete one", path: path)
        }
        // Foundation's decoder does not survive keys that are not UTF-8.
        guard String(validating: data, as: UTF8.self) != nil else {
            throw DiffusionError(.malformed, "is not UTF-8 text; get the file again", path: path)
        }
        bytes = data
    }

    /// Whether there is a file. What cannot be looked at is there: opening it says why.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) }

    func decode<Keys: Decodable>(_ type: Keys.Type) throws(DiffusionError) -> Keys {
        do {
            return try JSONDecoder().decode(type, from: bytes)
        } catch DecodingError.keyNotFound(let key, _) {
            throw DiffusionError(.malformed, "has no '\(key.stringValue)'; get the file again", path: path)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw DiffusionError(.malformed, "has a '\(key)' of another type than it should have; get the file again", path: path)
        } catch {
            throw DiffusionError(.malformed, "is not JSON; get the file again", path: path)
        }
    }

    /// Throws where a configuration does not hold to a rule.
    func require(_ isSo: Bool, _ otherwise: @autoclosure () -> String) throws(DiffusionError) {
        guard isSo else {
            throw DiffusionError(
                .unsupported, "is not of a network that is read here (Stable Diffusion 1 or 2): \(otherwise())", path: path)
        }
    }
}
