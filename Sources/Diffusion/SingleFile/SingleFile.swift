public import Basics
import Checkpoints

/// A model in one file, and where its tokenizer is.
///
/// The file may stand in a folder of its own, with the tokenizer beside it: a folder with one file of weights and without `unet`
/// means that file.
public struct SingleFile: Sendable {
    /// The file of weights.
    public let path: String
    /// The folder with the tokenizer's `vocab.json` and `merges.txt`; nil if there is none.
    public let tokenizerFolder: String?

    /// The ends of the names of files that may hold a model.
    private static let endings = [".safetensors", ".ckpt", ".pt", ".pth", ".bin"]
    private static let tokenizerFiles = ["vocab.json", "merges.txt"]

    /// The file at a path; nil if there is a folder of another kind.
    ///
    /// - Parameter tokenizer: the folder of the tokenizer, or of a diffusers model that has one in `tokenizer`; nil to look for it
    ///   beside the file.
    /// - Throws: ``DiffusionError`` if the given tokenizer is none, or the path cannot be read.
    public init?(path: String, tokenizer: String? = nil) throws(DiffusionError) {
        do throws(SystemError) {
            if try FileStatus(of: path).isFolder {
                guard !FilePath.exists("\(path)/unet") else { return nil }
                var names: [String] = []
                try FilePath.forEachEntry(ofFolder: path) { name, _ in
                    if Self.endings.contains(where: name.hasSuffix), name != FolderContext.constantFile { names.append(name) }
                }
                guard names.count == 1 else { return nil }
                self.path = "\(path)/\(names[0])"
            } else {
                self.path = path
            }
        } catch {
            throw DiffusionError(.unreadable, "cannot be opened: \(error.reason); check path and permissions", path: path)
        }
        let folder = FilePath.folder(of: self.path)
        let places =
            tokenizer.map { [$0, "\($0)/tokenizer"] } ?? ["\(folder)tokenizer", folder.isEmpty ? "." : String(folder.dropLast())]
        tokenizerFolder = places.first { place in Self.tokenizerFiles.allSatisfy { FilePath.exists("\(place)/\($0)") } }
        if let tokenizer, tokenizerFolder == nil {
            throw DiffusionError(
                .unreadable, "holds no tokenizer; put \(Self.tokenizerFiles.joined(separator: " and ")) of CLIP there",
                path: tokenizer)
        }
    }

    /// The networks.
    ///
    /// - Throws: ``DiffusionError`` if the file is damaged, or holds another model.
    func layout(_ conventions: OriginalLayout.Conventions = .init()) throws(DiffusionError) -> OriginalLayout {
        let checkpoint: Checkpoint
        do throws(CheckpointError) { checkpoint = try Checkpoint(path: path) } catch { throw DiffusionError(error) }
        return try OriginalLayout(checkpoint, conventions: conventions)
    }

    /// Adds all that results depend on to a hash: the tensors of the networks that are used, and the tokenizer's files. Path,
    /// format, order, averages and other tensors that are not used make no difference.
    ///
    /// - Throws: ``DiffusionError`` if the file is damaged, or holds another model.
    /// - Complexity: reads all used tensors once.
    public func update(_ hash: inout SHA256) throws(DiffusionError) {
        try update(&hash, layout())
    }

    func update(_ hash: inout SHA256, _ layout: OriginalLayout) throws(DiffusionError) {
        hash.update("single file 1\nStable Diffusion \(layout.generation.rawValue)\n".utf8)
        do throws(CheckpointError) {
            for (part, checkpoint) in [
                ("unet", layout.unet.checkpoint), ("vae", layout.autoencoder.checkpoint),
                ("text_encoder", layout.text?.checkpoint),
            ] {
                hash.update("\(part)\n".utf8)
                try checkpoint?.update(&hash)
            }
            guard let tokenizerFolder else { return }
            for name in Self.tokenizerFiles {
                hash.update("tokenizer/\(name)\0".utf8)
                Digest(of: try SidecarFile.bytes("\(tokenizerFolder)/\(name)")).withUnsafeBytes { hash.update($0) }
            }
        } catch {
            throw DiffusionError(error)
        }
    }
}
