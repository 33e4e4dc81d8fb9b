public import Basics
import Volumes

/// The kinds of ``CheckpointError``.
public enum CheckpointErrorCode: String, ErrorCode {
    /// The file does not exist or may not be read.
    case unreadable
    /// The file could not be written.
    case unwritable
    /// The bytes are not of the format, or contradict themselves.
    case malformed
    /// The file ends before its header says it does.
    case truncated
    /// The file is sound, but of a kind that is not read here.
    case unsupported
    /// No file of the checkpoint has the tensor.
    case missingTensor
    /// The tensor has another shape or type than was asked for.
    case mismatchedTensor
}

/// Why a checkpoint could not be read or written: one sentence that says what, where, and what to do.
public typealias CheckpointError = CodedError<CheckpointErrorCode>

/// The codes of a target that opens networks: what may be wrong with a network's files.
public protocol NetworkErrorCode: ErrorCode {
    /// A file does not exist or may not be read.
    static var unreadable: Self { get }
    /// A file is damaged, or contradicts itself.
    static var malformed: Self { get }
    /// A file is sound, but of a network or format that is not read.
    static var unsupported: Self { get }
    /// Weights do not have the names, shapes or types that the network wants.
    static var mismatchedWeights: Self { get }
}

extension CodedError where Code: NetworkErrorCode {
    /// What was wrong with a checkpoint.
    public init(_ error: CheckpointError) {
        let code: Code =
            switch error.code {
            case .unreadable, .unwritable: .unreadable
            case .malformed, .truncated: .malformed
            case .unsupported: .unsupported
            case .missingTensor, .mismatchedTensor: .mismatchedWeights
            }
        self.init(code, error)
    }
}

extension CheckpointError {
    /// Calls the closure, and throws what went wrong with a file that is written as an error of this kind.
    static func translating<Result>(_ body: () throws(VolumeError) -> Result) throws(CheckpointError) -> Result {
        do throws(VolumeError) {
            return try body()
        } catch {
            throw CheckpointError(.unwritable, error.message, path: error.location)
        }
    }

    /// The sentence for bytes that end before `needed`.
    static func shrunk(_ path: String, at offset: Int) -> CheckpointError {
        CheckpointError(
            .truncated, "ended at byte \(offset) while it was read: something changes the file; restore it", path: path)
    }

    /// A tensor in a sentence.
    static func title(_ name: String) -> String { "tensor \(quoted(name))" }

    /// The sentence for a tensor of another type than was asked for.
    static func mismatched(_ entry: TensorEntry, needing kind: String, path: String) -> CheckpointError {
        CheckpointError(
            .mismatchedTensor,
            "\(title(entry.name)) has the type \(entry.elementType.rawValue) where \(kind) are expected: this is not the file "
                + "that the model wants; get its own", path: path)
    }

    /// A name out of a file, safe to print: in quotes, without control characters, of bounded length.
    package static func quoted(_ name: String) -> String {
        let printable = name.unicodeScalars.prefix(121).map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format ? "\u{FFFD}" : scalar
        }
        let text = String(String.UnicodeScalarView(printable.prefix(120)))
        return printable.count > 120 ? "'\(text)…'" : "'\(text)'"
    }
}
