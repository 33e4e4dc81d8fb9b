public import Basics
import CatalogSchema
import Cellpose
import Diffusion
import Foundation
import ImageProcessing
import Synchronization
import Training
import Volumes

/// The files of a model: checks them, and computes the digest of their content.
public struct ModelFiles: Sendable {
    /// The absolute path.
    public let path: String
    public let kind: ModelKind
    /// The folder of the tokenizer of a diffusion model in one file, where it is not found beside the file.
    private let tokenizer: String?

    /// - Throws: ``PipelineError`` where there is nothing at the path, or a tokenizer is given for another kind of model.
    public init(_ path: String, kind: ModelKind, tokenizer: String? = nil) throws {
        guard tokenizer == nil || kind == .diffusion else {
            throw PipelineError("a model of the kind \(kind.rawValue) has no tokenizer; leave it out")
        }
        let url = URL(fileURLWithPath: path).standardizedFileURL
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw PipelineError("there is no model at \(url.path); unpack its files first")
        }
        self.path = url.path
        self.kind = kind
        self.tokenizer = tokenizer
    }

    /// What the model is, and what was assumed of it, in one line for people to read; nil for networks that Cellar trained.
    ///
    /// - Throws: an error that names the file where it cannot be opened.
    public func summary() throws -> String? {
        switch kind {
        case .diffusion: try DiffusionModel(path: path, tokenizer: tokenizer, residency: .streamed).summary
        case .cellpose: try CellposeModel(path: path).summary
        case .network: nil
        case .kinds: try KindsFile(path: path).summary
        }
    }

    /// Checks every tensor against the model's configuration. Diffusion models and networks of CellPose are also run on
    /// a small image.
    ///
    /// - Throws: an error that names the file and the tensor or byte.
    /// - Complexity: reads all weights once, a layer at a time.
    public func verify() throws {
        switch kind {
        case .diffusion: try DiffusionModel(path: path, tokenizer: tokenizer, residency: .streamed).verify()
        case .cellpose:
            let model = try CellposeModel(path: path)
            guard let ramp = Image(height: 32, width: 32, values: (0..<1024).map { Float($0 % 32) }) else { return }
            _ = try model.maps(of: ramp, diameter: model.meanDiameter)
        case .network:
            let network = try NetworkCheckpoint.read(path)
            let description = try NetworkDescription(NetworkCheckpoint.metadata(of: path), path: path)
            try description.check(network.architecture, path: path)
        case .kinds: _ = try KindsFile(path: path)
        }
    }

    /// The digest of the model: SHA-256 over the path within the folder and the SHA-256 of each file that results depend on, by ascending path.
    /// The name of a model that is a single file is not part of it. Of a diffusion model in one file, it is over the tensors that are
    /// used and the tokenizer, so that the format of the file and what else it holds make no difference.
    ///
    /// - Throws: ``VolumeError`` where a file cannot be read, ``PipelineError`` where a folder cannot, ``DiffusionError`` and
    ///   ``CellposeError`` where the weights are not those of a model.
    /// - Complexity: reads all files; bounded memory.
    public func digest() throws -> Digest {
        var hash = SHA256()
        hash.update("cellar model 1\n\(kind.rawValue)\n".utf8)
        if kind == .diffusion, let file = try SingleFile(path: path, tokenizer: tokenizer) {
            try file.update(&hash)
            return hash.digest
        }
        // Results depend on the diameter, and so on the name, where the file does not hold it and its name says it.
        if kind == .cellpose, case let model = try CellposeModel(path: path), model.takesDiameterFromName {
            hash.update("mean diameter \(model.meanDiameter)\n".utf8)
        }
        let files: [(name: String, path: String)] =
            switch kind {
            case .diffusion: try diffusionFiles().map { ($0, "\(path)/\($0)") }
            case .cellpose, .network, .kinds: [("weights", path)]
            }
        for file in files {
            hash.update("\(file.name)\0".utf8)
            try Digest(ofFile: file.path).withUnsafeBytes { hash.update($0) }
        }
        return hash.digest
    }

    /// The configurations, weights and vocabularies of the parts of a diffusion model that are used.
    ///
    /// - Throws: ``PipelineError`` where there is none.
    private func diffusionFiles() throws -> [String] {
        let parts = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"]
        let inParts = try parts.flatMap { part in try listing(of: "\(path)/\(part)").map { "\(part)/\($0)" } }
        let names = inParts + (try listing(of: path)).filter { $0.hasSuffix(".safetensors") }
        // What torch.save wrote counts only where it is read: beside safetensors it is not.
        let pickled = DiffusionFolder.pickledParts(of: path)
        let files = names.filter { name in
            let ending = (name as NSString).pathExtension
            return ["json", "txt", "safetensors"].contains(ending)
                || ending == "bin" && pickled.contains(name.split(separator: "/").first.map(String.init) ?? "")
        }
        guard !files.isEmpty else {
            throw PipelineError("\(path) holds no files of a diffusion model; name the folder that holds unet and vae")
        }
        return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The names in a folder; empty where there is no such folder, since a model may lack a part.
    private func listing(of folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            let isAbsent: Bool
            do throws(SystemError) { isAbsent = try !FileStatus(of: folder).isFolder } catch { isAbsent = error.number == ENOENT }
            if isAbsent { return [] }
            throw PipelineError("the folder \(folder) cannot be listed: \(error.localizedDescription); check its permissions")
        }
    }
}

extension ModelFiles {
    /// Puts a diffusion model in one file and its tokenizer into one folder, so that both are found by one path: a link to the
    /// file, and copies of the tokenizer's two small files. A folder of the same name is replaced.
    ///
    /// - Parameters:
    ///   - name: of the model, which becomes that of the folder.
    ///   - folder: in which it is made.
    /// - Returns: the model in that folder; these files themselves, where no tokenizer was given.
    /// - Throws: ``PipelineError`` where the name cannot be that of a folder, ``DiffusionError`` where the tokenizer is none, and the
    ///   errors of the file manager.
    public func joiningTokenizer(as name: String, in folder: String) throws -> ModelFiles {
        guard tokenizer != nil, let file = try SingleFile(path: path, tokenizer: tokenizer),
            let source = file.tokenizerFolder
        else { return self }
        guard !name.isEmpty, !name.hasPrefix("."), name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }) else {
            throw PipelineError("\"\(name.prefix(40))\" cannot name a model: use letters, digits, '-', '_' and '.'")
        }
        let target = "\(folder)/\(name)"
        let manager = FileManager.default
        let new = "\(target).new-\(getpid())"
        defer { try? manager.removeItem(atPath: new) }
        try manager.createDirectory(atPath: "\(new)/tokenizer", withIntermediateDirectories: true)
        for part in ["vocab.json", "merges.txt"] {
            try manager.copyItem(
                at: URL(fileURLWithPath: "\(source)/\(part)").resolvingSymlinksInPath(),
                to: URL(fileURLWithPath: "\(new)/tokenizer/\(part)"))
        }
        let weights = URL(fileURLWithPath: file.path).resolvingSymlinksInPath()
        try manager.createSymbolicLink(atPath: "\(new)/\(weights.lastPathComponent)", withDestinationPath: weights.path)
        // Only a folder that was made here is removed: one with a tokenizer.
        if manager.fileExists(atPath: "\(target)/tokenizer") { try manager.removeItem(atPath: target) }
        try manager.moveItem(atPath: new, toPath: target)
        return try ModelFiles(target, kind: kind)
    }
}

/// The kind of a model in the catalog.
public enum ModelKind: String, Sendable, Hashable, CaseIterable {
    /// Stable Diffusion 1 or 2, a folder in the layout of diffusers or one file.
    case diffusion
    /// A network of CellPose (cyto, cyto2, cyto3, nuclei): a file that CellPose saved, or the same tensors as safetensors.
    case cellpose
    /// A network that Cellar trained, here or elsewhere: a safetensors file (`cellar export network`).
    case network
    /// Kinds of particles that were found, here or elsewhere: a JSON file (`cellar kind find`).
    case kinds
}

/// The open models of one kind: each is opened once for all items of a run.
final class OpenModels<Model: Sendable>: Sendable {
    private struct Key: Hashable {
        let record: ModelRecord
        let isStreamed: Bool
    }

    private let kind: ModelKind
    private let open: @Sendable (_ path: String, _ isStreamed: Bool) throws -> Model
    private let opened = Mutex<[Key: Model]>([:])

    /// - Parameter open: opens a model; with `isStreamed`, its weights are streamed from the disk to save memory.
    init(_ kind: ModelKind, open: @escaping @Sendable (_ path: String, _ isStreamed: Bool) throws -> Model) {
        self.kind = kind
        self.open = open
    }

    /// Opens a model of the catalog.
    ///
    /// - Throws: ``PipelineError`` where its files are not those that were added; what reading them throws.
    /// - Complexity: the first call reads all files for their digest, and opens the model; other calls wait for it.
    func model(_ record: ModelRecord, isStreamed: Bool = false) throws -> Model {
        let key = Key(record: record, isStreamed: isStreamed)
        return try opened.withLock { opened in
            if let model = opened[key] { return model }
            guard try ModelFiles(record.path, kind: kind).digest() == record.digest else {
                throw PipelineError(
                    "the files of the model \(record.name) in \(record.path) are not those that were added: put them back, or add "
                        + "it again with `cellar model add \(record.name) \(record.path) --kind \(kind.rawValue)`")
            }
            let model = try open(record.path, isStreamed)
            opened[key] = model
            return model
        }
    }
}
