import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Diffusion

/// Writes the tiny models as one file in the original layout, by the names that Golden/original_layout.py lists and diffusers'
/// own loader understands.
struct OriginalFile {
    /// How the file is written.
    struct Form: Sendable, CustomTestStringConvertible {
        let ending: String
        let elementType: ElementType

        static let all = [
            Form(ending: "safetensors", elementType: .float32), Form(ending: "safetensors", elementType: .float16),
            Form(ending: "ckpt", elementType: .float32), Form(ending: "ckpt", elementType: .float16),
        ]
        var testDescription: String { "\(ending) of \(elementType.rawValue)" }
    }

    /// 1 or 2.
    let generation: Int
    /// The tensors by their original names.
    var tensors: [String: Tensor]

    var model: GoldenModel { GoldenModel.all[generation - 1] }

    /// What the tiny models have otherwise than the published ones.
    static func conventions(_ generation: Int) -> OriginalLayout.Conventions {
        OriginalLayout.Conventions(
            unetGroups: 4, autoencoderGroups: 2,
            heads: { channels, _ in generation == 1 ? channels.map { _ in 2 } : [1, 2, 4, 4] },
            textHeads: { _ in generation == 1 ? 4 : 2 }, startToken: 544)
    }
    var conventions: OriginalLayout.Conventions { Self.conventions(generation) }

    init(_ generation: Int) throws {
        self.generation = generation
        let folder = try GoldenModel.all[generation - 1].folder()
        let parts = try [
            "unet": Checkpoint(folder: "\(folder)/unet", stem: "diffusion_pytorch_model"),
            "vae": Checkpoint(folder: "\(folder)/vae", stem: "diffusion_pytorch_model"),
            "text_encoder-\(generation)": Checkpoint(folder: "\(folder)/text_encoder", stem: "model"),
        ]
        var tensors: [String: Tensor] = [:]
        var rows: [String: [String: Tensor]] = [:]
        let list = try String(decoding: GoldenFile("original/names.tsv", in: .module).bytes(), as: UTF8.self)
        for line in list.split(separator: "\n") {
            let fields = line.split(separator: "\t").map(String.init)
            guard let entry = parts[fields[0]]?.entry(named: fields[1]), entry.elementType.isFloat else { continue }
            let tensor = try #require(parts[fields[0]]).tensor(fields[1])
            if fields.count == 4 {
                rows[fields[2], default: [:]][fields[3]] = tensor
            } else if fields[2].contains("attn_1."), fields[2].hasSuffix("weight"), tensor.shape.count == 2 {
                tensors[fields[2]] = tensor.reshaped(tensor.shape + [1, 1])
            } else {
                tensors[fields[2]] = tensor
            }
        }
        for (name, parts) in rows {
            let thirds = try (0..<3).map { try #require(parts["\($0)/3"]) }
            tensors[name] = Tensor(
                shape: [3 * thirds[0].shape[0]] + thirds[0].shape.dropFirst(), values: thirds.flatMap(\.values))
        }
        // What such files hold besides.
        tensors["betas"] = Tensor(shape: [1000])
        tensors["alphas_cumprod"] = Tensor(shape: [1000])
        tensors["model_ema.diffusion_modelinput_blocks00weight"] = Tensor(shape: [4, 4], repeating: 7)
        if generation == 2 {
            for (name, tensor) in tensors where name.contains("resblocks.1.") {
                tensors[name.replacing("resblocks.1.", with: "resblocks.2.")] = Tensor(shape: tensor.shape, repeating: .nan)
            }
            tensors["cond_stage_model.model.text_projection"] = Tensor(shape: [16, 16])
            tensors["cond_stage_model.model.logit_scale"] = Tensor(shape: [])
        }
        self.tensors = tensors
    }

    /// Writes the file, and returns its path.
    func write(_ form: Form = Form.all[0], into directory: TemporaryDirectory, name: String = "model") throws -> String {
        let path = directory.file("\(name).safetensors")
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: path)
        let writer = try SafetensorsWriter(
            .scratch(path),
            tensors: tensors.map { name, tensor in
                // The text encoder of the second tiny model is of bfloat16, which float16 does not hold exactly.
                .init(name, tensor.shape, generation == 2 && name.hasPrefix("cond") ? .float32 : form.elementType)
            })
        for (name, tensor) in tensors { try writer.write(tensor, named: name) }
        try writer.finish()
        guard form.ending == "ckpt" else { return path }
        let pickled = directory.file("\(name).ckpt")
        try PickledFile.write(Checkpoint(path: path), to: pickled, lightning: true)
        try FileManager.default.removeItem(atPath: path)
        return pickled
    }
}

/// Writes tensors as `torch.save` does, in the archive format.
enum PickledFile {
    /// - Parameter lightning: whether they stand under `state_dict`, beside what PyTorch Lightning leaves.
    static func write(_ checkpoint: Checkpoint, to path: String, lightning: Bool = false) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: checkpoint.files[0].tensors.isEmpty ? "" : checkpoint.path))
        var dictionary: [UInt8] = [0x7D]
        var entries: [(String, [UInt8])] = []
        for (key, tensor) in checkpoint.files[0].tensors.enumerated() {
            let type = tensor.elementType == .float16 ? "HalfStorage" : "FloatStorage"
            dictionary += text(tensor.name) + global("torch._utils", "_rebuild_tensor_v2") + [0x28, 0x28] + text("storage")
            dictionary += global("torch", type) + text("\(key)") + text("cpu") + number(tensor.count) + [0x74, 0x51] + number(0)
            var strides: [Int] = []
            for extent in tensor.shape.reversed() { strides.insert((strides.first ?? 1) * extent, at: 0) }
            strides = Array(strides.dropFirst()) + (tensor.shape.isEmpty ? [] : [1])
            for numbers in [tensor.shape, strides] { dictionary += [0x28] + numbers.flatMap(number) + [0x74] }
            dictionary += [0x89] + global("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52, 0x73]
            entries.append(("data/\(key)", Array(bytes[tensor.byteRange])))
        }
        var pickle: [UInt8] = [0x80, 2]
        if lightning {
            let callback = global("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
            let settings =
                global("omegaconf.dictconfig", "DictConfig") + [0x29, 0x81, 0x7D] + text("lr") + number(1) + [0x73, 0x62]
            pickle += [0x7D] + text("epoch") + number(3) + [0x73]
            pickle += text("callbacks") + [0x7D] + callback + [0x7D] + text("best") + [0x4E, 0x73, 0x73, 0x73]
            pickle += text("hyper_parameters") + settings + [0x73] + text("state_dict") + dictionary + [0x73, 0x2E]
        } else {
            pickle += dictionary + [0x2E]
        }
        entries = [("data.pkl", pickle), ("byteorder", Array("little".utf8))] + entries
        try Data(archive(entries)).write(to: URL(fileURLWithPath: path))
    }

    private static func archive(_ entries: [(String, [UInt8])]) -> [UInt8] {
        var (bytes, directory): ([UInt8], [UInt8]) = ([], [])
        for (name, content) in entries {
            let name = Array("archive/\(name)".utf8)
            let sizes = little(content.count, 4) + little(content.count, 4) + little(name.count, 2)
            let fields = little(20, 2) + little(0, 12) + sizes
            directory += little(0x0201_4B50, 4) + little(20, 2) + fields + little(0, 12) + little(bytes.count, 4) + name
            bytes += little(0x0403_4B50, 4) + fields + little(0, 2) + name + content
        }
        let counts = little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
        let end = counts + little(directory.count, 4) + little(bytes.count, 4) + little(0, 2)
        return bytes + directory + little(0x0605_4B50, 4) + end
    }

    private static func text(_ text: String) -> [UInt8] { [0x58] + little(text.utf8.count, 4) + Array(text.utf8) }
    private static func number(_ number: Int) -> [UInt8] { [0x8A, 8] + little(number, 8) }
    private static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }
    private static func little(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
