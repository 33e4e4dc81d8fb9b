public import Basics
internal import Volumes

/// An artifact that is open for reading. It may be read from several threads at once, and stays readable after it is
/// removed from its store.
///
/// Each open artifact holds a file descriptor, and about a megabyte of HDF5's caches, until it is deallocated.
public final class Artifact: Sendable {
    public let digest: Digest
    /// The file.
    public let path: String
    private let manifest: ArtifactManifest
    let storage: [String: HDF5Dataset]

    /// What the artifact is: `prepared-slice`, `tomogram-histogram`, ….
    public var kind: String { manifest.kind }
    /// The semantic attributes.
    public var attributes: [String: AttributeValue] { manifest.attributes }
    /// The datasets, in the order of their names.
    public var datasets: [DatasetDescription] { manifest.datasets }

    /// Opens a file and checks that what it says is what its digest stands for; the elements are not read.
    ///
    /// - Parameter expected: the digest that the file must have.
    /// - Throws: ``BlobError``.
    init(path: String, expected: Digest? = nil) throws(BlobError) {
        let file: HDF5File
        do throws(HDF5Error) { file = try .open(path) } catch { throw .reading(error) }
        (manifest, storage) = try ArtifactManifest.read(from: file)
        digest = manifest.digest
        self.path = path
        if let expected, expected != digest {
            throw .corrupt("it is the artifact \(digest.abbreviated) by its content, not \(expected.abbreviated)", path: path)
        }
    }
}
