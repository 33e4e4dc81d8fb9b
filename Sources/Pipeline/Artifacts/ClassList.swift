internal import Basics
public import BlobStore
import Volumes

/// The classes that a network told apart, as its results name them: the attribute `classes` (Schema/blobs.md).
public enum ClassList {
    /// The names, of which the first has the label 1.
    ///
    /// - Throws: ``PipelineError`` where the artifact names none.
    public static func read(_ artifact: Artifact) throws -> [String] {
        guard case .string(let text)? = artifact.attributes["classes"] else {
            throw PipelineError(
                "the artifact \(artifact.digest.abbreviated) of kind \(artifact.kind) does not name its classes; `cellar verify "
                    + "--deep` looks at it")
        }
        return text.words
    }
}

extension StringProtocol {
    /// What stands between commas, without spaces around it and without what is empty.
    var words: [String] {
        split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    }

    /// Without spaces around it.
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
