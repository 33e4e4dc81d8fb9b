internal import Basics
internal import Checkpoints
import Foundation

/// A small JSON file of a diffusers folder, such as `config.json`.
struct ConfigurationFile {
    private static let byteLimit = 1 << 20

    private let path: String
    private let bytes: Data

    /// Reads the file.
    ///
    /// - Throws: ``DiffusionError`` if it cannot be read, is larger than 1 MiB, or is not UTF-8 text.
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
        // Foundation's decoder ends the process at keys that are not UTF-8.
        guard String(validating: data, as: UTF8.self) != nil else {
            throw DiffusionError(.malformed, "is not UTF-8 text; get the file again", path: path)
        }
        bytes = data
    }

    /// Whether a file of this path exists. Also true if it cannot be examined, for example in a folder without permission:
    /// opening it then reports the reason.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) }

    /// Decodes the file. Errors name a key as it is spelled in the file.
    ///
    /// - Throws: ``DiffusionError`` if the file is not JSON, or a key is missing or has a value of another type.
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

    /// Checks a rule for the configuration; `otherwise` says how the file breaks it.
    ///
    /// - Throws: ``DiffusionError`` with the code `unsupported` if the rule does not hold.
    func require(_ isSo: Bool, _ otherwise: @autoclosure () -> String) throws(DiffusionError) {
        guard isSo else {
            throw DiffusionError(
                .unsupported, "is not of a network that is read here (Stable Diffusion 1 or 2): \(otherwise())", path: path)
        }
    }
}
