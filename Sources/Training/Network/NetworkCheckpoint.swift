public import Checkpoints
import Foundation
import Tensors
import Volumes

/// Networks as safetensors files: every parameter and running moment under its name, and in the metadata the architecture and what the
/// network was trained on.
public enum NetworkCheckpoint {
    /// The metadata key of the architecture, JSON.
    static let architectureKey = "cellar.architecture"

    /// - Parameter metadata: what else to note: lineage.
    /// - Throws: ``CheckpointError`` where the file cannot be written.
    public static func write(
        _ network: any Network, to path: String, metadata: [String: String] = [:]
    ) throws {
        let state = network.state
        var notes = metadata
        notes["format"] = "pt"
        notes[architectureKey] = try json(network.architecture)
        let writer = try SafetensorsWriter(
            OutputFile(path, replacing: true, keeping: .none), tensors: state.map { .init($0.name, $0.value.shape) },
            metadata: notes)
        for parameter in state { try writer.write(parameter.value, named: parameter.name) }
        try writer.finish()
    }

    /// - Parameter expected: the architecture that is wanted, if only one will do.
    /// - Throws: ``CheckpointError`` where the file is damaged, holds no network of Cellar's or other tensors than it should;
    ///   ``TrainingError`` where the architecture is another, or weights are not finite.
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
            // Copied: the file may go.
            parameter.value = Tensor(shape: value.shape, values: value.values)
            guard parameter.value.withUnsafeBufferPointer({ $0.allSatisfy(\.isFinite) }) else {
                throw TrainingError("\(path) holds weights that are no finite numbers (\(parameter.name)); train again")
            }
        }
        return network
    }

    /// What the network in a file is like.
    ///
    /// - Throws: ``CheckpointError`` or ``TrainingError`` where there is none.
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
                "\(path) names a network that this version does not know (\(text.prefix(200))): \(error.sentence)")
        }
    }

    /// What the writer noted.
    public static func metadata(of path: String) throws(CheckpointError) -> [String: String] {
        try TensorFile(path: path).metadata
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension DecodingError {
    /// What is missing or wrong, in half a sentence.
    fileprivate var sentence: String {
        switch self {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.debugDescription
        @unknown default: "it cannot be decoded"
        }
    }
}
