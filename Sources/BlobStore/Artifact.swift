public import Basics
public import Volumes

/// An artifact that is open for reading. Several threads may read it at once. It stays readable after it is removed from its
/// store.
///
/// Each open artifact holds a file descriptor, and about a megabyte of HDF5's caches, until it is deallocated.
public final class Artifact: Sendable {
    /// The logical digest, computed from the file's manifest.
    public let digest: Digest
    /// The path of the file.
    public let path: String
    private let manifest: ArtifactManifest
    /// The open datasets of the file, by name.
    private let storage: [String: HDF5Dataset]

    /// The kind of the artifact: `prepared-slice`, `tomogram-histogram`, ….
    public var kind: String { manifest.kind }
    /// The semantic attributes of the artifact.
    public var attributes: [String: AttributeValue] { manifest.attributes }
    /// The datasets, in the order of their names.
    public var datasets: [DatasetDescription] { manifest.datasets }

    /// Opens a file and compares the digest of its manifest with the expected one. The elements of datasets are not read.
    ///
    /// - Parameter expected: the digest that the file must have; nil for any.
    /// - Throws: ``BlobError`` where there is no such file, it cannot be read, is no artifact, or has another digest.
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

extension Artifact {
    /// The description of a dataset: its type, shape, digest and attributes.
    ///
    /// - Throws: ``BlobError`` where there is no such dataset.
    public func description(of name: String) throws(BlobError) -> DatasetDescription {
        guard let description = datasets.first(where: { $0.name == name }) else {
            let names = datasets.map { "'\($0.name)'" }.joined(separator: ", ")
            throw BlobError(
                .missing,
                "the artifact has no dataset '\(name)', only \(names.isEmpty ? "none" : names); `cellar verify --deep` looks for damage",
                path: path)
        }
        return description
    }

    /// Reads a whole dataset. The elements are in storage order, slowest axis first.
    ///
    /// - Parameter shape: the shape that the dataset must have; nil for any.
    /// - Throws: ``BlobError`` where there is no such dataset, it has another type or shape, or is damaged.
    public func read<Value: VoxelScalar>(
        _ name: String, as type: Value.Type = Value.self, shape: [Int]? = nil
    ) throws(BlobError) -> [Value] {
        let description = try description(of: name)
        if let shape, shape != description.shape {
            throw .invalid("the dataset '\(name)' has the shape \(description.shape), not \(shape)", path: path)
        }
        return try readRows(name, 0..<description.shape[0])
    }

    /// Reads rows of a dataset: all elements whose index along the first axis is in `rows`, slowest axis first.
    ///
    /// - Throws: ``BlobError`` where there is no such dataset or row, it has another type, or is damaged.
    /// - Complexity: decodes the chunks that contain the rows, on all cores; needs memory for the result and two chunks per core.
    public func readRows<Value: VoxelScalar>(
        _ name: String, _ rows: Range<Int>, as type: Value.Type = Value.self
    ) throws(BlobError) -> [Value] {
        let description = try description(of: name)
        guard description.scalarType == Value.scalarType else {
            throw .invalid("the dataset '\(name)' holds \(description.scalarType), not \(Value.scalarType)", path: path)
        }
        let count = try byteCount(of: rows, in: description) / Value.scalarType.size
        var failure: BlobError?
        let values = [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(BlobError) {
                try readRows(name, rows, into: UnsafeMutableRawBufferPointer(buffer))
                initialized = count
            } catch {
                failure = error
                initialized = 0
            }
        }
        if let failure { throw failure }
        return values
    }

    /// Reads rows of a dataset into a buffer, as little-endian values of the dataset's type.
    ///
    /// - Parameter destination: a buffer with exactly as many bytes as the rows have.
    /// - Throws: ``BlobError`` where there is no such dataset or row, the destination has another size, or the
    ///   dataset is damaged.
    public func readRows(
        _ name: String, _ rows: Range<Int>, into destination: UnsafeMutableRawBufferPointer
    ) throws(BlobError) {
        let description = try description(of: name)
        let byteCount = try byteCount(of: rows, in: description)
        guard destination.count == byteCount else {
            throw .invalid("rows of \(byteCount) bytes do not fit memory of \(destination.count) bytes", path: path)
        }
        guard byteCount > 0 else { return }
        guard let dataset = storage[name], let grid = ChunkGrid(dataset) else {
            throw .corrupt("the dataset '\(name)' is not stored in chunks", path: path)
        }
        let compression = dataset.filters.contains(.deflate) ? 1 : 0
        try ChunkPipeline(dataset: dataset, grid: grid, compression: compression).read(rows: rows, into: destination)
    }

    /// Reads a dataset `[z][y][x]` as voxels; a dataset `[y][x]` becomes one slice.
    ///
    /// - Throws: ``BlobError`` where there is no such dataset, it has another rank or an empty axis, or is damaged.
    public func readVoxels(_ name: String) throws(BlobError) -> VoxelBuffer {
        let description = try description(of: name)
        let axes = description.shape.count == 2 ? [1] + description.shape : description.shape
        guard axes.count == 3, let shape = VolumeShape(z: axes[0], y: axes[1], x: axes[2]) else {
            throw .invalid("the dataset '\(name)' of shape \(description.shape) is no volume", path: path)
        }
        return try VoxelBuffer(shape: shape, scalarType: description.scalarType) { (bytes) throws(BlobError) in
            try readRows(name, 0..<description.shape[0], into: bytes)
        }
    }

    /// The number of bytes of some rows of a dataset.
    ///
    /// - Throws: ``BlobError`` where the dataset does not have all of these rows.
    func byteCount(of rows: Range<Int>, in description: DatasetDescription) throws(BlobError) -> Int {
        guard rows.lowerBound >= 0, rows.upperBound <= description.shape[0] else {
            throw .invalid("the dataset '\(description.name)' has \(description.shape[0]) rows, not \(rows)", path: path)
        }
        return rows.count * description.rowByteCount
    }

    /// Reads all elements and compares the SHA-256 of each dataset with the one in the manifest.
    ///
    /// - Throws: ``BlobError`` where they differ or the elements cannot be decoded.
    /// - Complexity: decodes and hashes the whole file, in parts of 16 MiB.
    func verifyPayload() throws(BlobError) {
        for description in datasets {
            var hash = SHA256()
            try forEachPart(of: description, 0..<description.shape[0]) { (_, bytes) throws(BlobError) in
                hash.update(bytes)
            }
            guard hash.digest == description.payloadDigest else {
                throw .corrupt("the elements of '\(description.name)' are not those that were written", path: path)
            }
        }
    }

    /// Calls the closure with consecutive parts of some rows, of about 16 MiB each. Parts begin at chunk boundaries, so that each
    /// chunk is decoded once.
    func forEachPart(
        of description: DatasetDescription, _ rows: Range<Int>,
        _ body: (_ part: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws(BlobError) -> Void
    ) throws(BlobError) {
        guard description.rowByteCount > 0, let grid = storage[description.name].flatMap({ ChunkGrid($0) }) else { return }
        let step = max(1, Self.partByteCount / description.rowByteCount / grid.chunk[0]) * grid.chunk[0]
        var buffer = [UInt8](repeating: 0, count: min(step, rows.count) * description.rowByteCount)
        var part = rows.lowerBound..<rows.lowerBound
        while part.upperBound < rows.upperBound {
            let start = part.upperBound
            part = start..<min(start - start % grid.chunk[0] + step, rows.upperBound)
            let range = part
            let result: Result<Void, BlobError> = buffer.withUnsafeMutableBytes { buffer in
                let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(range.count * description.rowByteCount)])
                do throws(BlobError) {
                    try readRows(description.name, range, into: bytes)
                    return .success(try body(range, UnsafeRawBufferPointer(bytes)))
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }
    }

    private static let partByteCount = 16 << 20
}
