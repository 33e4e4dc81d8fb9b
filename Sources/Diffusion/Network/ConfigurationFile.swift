internal import Basics
internal import Checkpoints

/// A small JSON file of a diffusers folder, such as `config.json`.
struct ConfigurationFile {
    private static let byteLimit = 1 << 20

    private let path: String
    private let bytes: [UInt8]

    /// Reads the file.
    ///
    /// - Throws: ``DiffusionError`` if it cannot be read, or is larger than 1 MiB.
    init(_ path: String) throws(DiffusionError) {
        self.path = path
        do throws(CheckpointError) {
            bytes = try SidecarFile.bytes(path, limit: Self.byteLimit)
        } catch {
            guard error.code == .unreadable else { throw DiffusionError(error) }
            throw DiffusionError(
                .unreadable, "cannot be read: the folder is no diffusers model, or an incomplete one; get all of its files",
                path: path)
        }
    }

    /// Decodes the file. Errors name a key as it is spelled in the file.
    ///
    /// - Throws: ``DiffusionError`` if the file is not JSON, or a key is missing or has a value of another type.
    func decode<Keys: Decodable>(_ type: Keys.Type) throws(DiffusionError) -> Keys {
        do throws(JSONFault) {
            return try JSONDocument.decode(type, from: bytes)
        } catch {
            throw DiffusionError(.malformed, "\(error.message); get the file again", path: path)
        }
    }

    /// Checks a rule for the configuration; `otherwise` says how the file breaks it.
    ///
    /// - Throws: ``DiffusionError`` with the code `unsupported` if the rule does not hold.
    func require(_ isSo: Bool, _ otherwise: @autoclosure () -> String) throws(DiffusionError) {
        guard isSo else {
            throw DiffusionError(
                .unsupported, "is not of a network that is read here: \(otherwise()); give Stable Diffusion 1 or 2", path: path)
        }
    }
}
