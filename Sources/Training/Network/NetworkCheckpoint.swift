public import Checkpoints
import Foundation
import Tensors
import Volumes

/// Reads and writes networks as safetensors files: each parameter and running moment under its name; in the metadata the
/// architecture and what the network was trained on.
public enum NetworkCheckpoint {
    /// The metadata key of the architecture, which is JSON.
    static let architectureKey = "cellar.architecture"

    /// Writes a network to a file, which it replaces as a whole.
    ///
    /// - Parameters:
    ///   - metadata: further entries for the metadata, such as the lineage of the training data.
    ///   - halves: whether weights are stored as float16, rounded, in half the space.
    /// - Throws: ``CheckpointError`` if the file cannot be written.
    public static func write(
        _ network: any Network, to path: String, metadata: [String: String] = [:], halves: Bool = false
    ) throws {
        let state = network.state
        var notes = metadata
        notes["format"] = "pt"
        notes[architectureKey] = try json(network.architecture)
        let writer = try SafetensorsWriter(
            OutputFile(path, replacing: true, protecting: .none),
            tensors: state.map { .init($0.name, $0.value.shape, halves ? .float16 : .float32) },
            metadata: notes)
        for parameter in state { try writer.write(parameter.value, named: parameter.name) }
        try writer.finish()
    }

    /// Reads a network, with all weights in memory.
    ///
    /// - Parameter expected: the architecture that the caller needs; nil accepts any.
    /// - Throws: ``CheckpointError`` if the file is damaged, or its tensors are not those of its architecture; ``TrainingError``
    ///   if Cellar did not write the file, the architecture is another than expected, or a weight is not finite.
    public static func read(_ path: String, expecting expected: NetworkArchitecture? = nil) throws -> any Network {
        let architecture = try architecture(of: path)
        if let expected, expected != architecture {
            throw TrainingError(
                "\(path) holds another network than the recipe wants: \(try json(architecture)), not \(try json(expected)); choose a "
                    + "checkpoint of that architecture, or set the recipe to its own")
        }
        let network = architecture.network(seed: 0)
        let checkpoint = try Checkpoint(path: path)
        let names = Set(network.state.map(\.name))
        try checkpoint.checkNames { names.contains($0) }
        for parameter in network.state {
            let value = try checkpoint.tensor(named: parameter.name, expecting: parameter.value.shape)
            // Copied, since the file may be deleted while the network is in use.
            parameter.value = Tensor(shape: value.shape, values: value.values)
            guard parameter.value.withUnsafeBufferPointer({ $0.allSatisfy(\.isFinite) }) else {
                throw TrainingError("\(path) holds weights that are no finite numbers (\(parameter.name)); train again")
            }
        }
        return network
    }

    /// The architecture of the network in a file; reads no weights.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read; ``TrainingError`` if it names no architecture, or one that this
    ///   version does not know.
    public static func architecture(of path: String) throws -> NetworkArchitecture {
        guard let text = try metadata(of: path)[architectureKey] else {
            throw TrainingError(
                "\(path) does not say what network it holds: it was not written by Cellar; train one with `cellar run`")
        }
        do {
            let architecture = try JSONDecoder().decode(NetworkArchitecture.self, from: Data(text.utf8))
            switch architecture {
            case .unet(let unet): try unet.check()
            case .picker(let picker): try picker.check()
            }
            return architecture
        } catch let error as DecodingError {
            throw TrainingError(
                "\(path) names a network that this version does not know (\(text.prefix(200)), \(error.sentence)); "
                    + "use the version of Cellar that wrote it, or train again")
        }
    }

    /// The metadata of the file.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read.
    public static func metadata(of path: String) throws(CheckpointError) -> [String: String] {
        try TensorFile(path: path).metadata
    }

    /// A value as JSON with sorted keys, so that equal values give equal text.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension DecodingError {
    /// What is missing or wrong, as part of a sentence.
    fileprivate var sentence: String {
        switch self {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.debugDescription
        @unknown default: "it cannot be decoded"
        }
    }
}
