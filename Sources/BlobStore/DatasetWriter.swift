public import Basics
public import Volumes

/// Writes a dataset of an artifact from the first element to the last, in bounded memory: appended elements are compressed on
/// all cores and written to the file in batches of about 16 MiB.
///
/// Use a writer from one thread at a time, and only while the closure of `BlobStore.stage` runs.
public final class DatasetWriter {
    /// The number of elements along each axis.
    public let shape: [Int]
    /// The type of the elements.
    public let scalarType: ScalarType
    let name: String

    private let dataset: HDF5Dataset
    /// Nil for an empty dataset.
    private let pipeline: ChunkPipeline?
    private let byteCount: Int
    private var appendedByteCount = 0
    /// The bytes that do not fill a batch yet.
    private var pending: [UInt8] = []
    /// The row with which the next batch begins.
    private var nextRow = 0
    private var hash = SHA256()
    private var attributes: [String: AttributeValue]
    private var failure: BlobError?

    init(
        name: String, shape: [Int], scalarType: ScalarType, byteCount: Int, dataset: HDF5Dataset, pipeline: ChunkPipeline?,
        attributes: [String: AttributeValue]
    ) {
        self.name = name
        self.shape = shape
        self.scalarType = scalarType
        self.byteCount = byteCount
        self.dataset = dataset
        self.pipeline = pipeline
        self.attributes = attributes
    }

    /// Appends elements as little-endian bytes, slowest axis first: any number of bytes, also parts of a row.
    ///
    /// - Throws: ``BlobError`` where the dataset has no room for them, or the disk is full. After an error every further call
    ///   throws the same error.
    /// - Complexity: besides the given bytes, holds at most two batches of 16 MiB, or two rows if these are larger.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(BlobError) {
        if let failure { throw failure }
        do throws(BlobError) {
            guard bytes.count <= byteCount - appendedByteCount else {
                throw .invalid("\(dataset.name) of shape \(shape) has no room for what is appended", path: dataset.path)
            }
            hash.update(bytes)
            appendedByteCount += bytes.count
            if let pipeline { try store(bytes, pipeline) }
        } catch {
            failure = error
            throw error
        }
    }

    /// Appends elements, slowest axis first.
    ///
    /// - Throws: ``BlobError`` where the dataset has no room for them or holds another type, or the disk is full.
    public func append<Value: VoxelScalar>(_ values: [Value]) throws(BlobError) {
        guard Value.scalarType == scalarType else {
            throw .invalid("\(dataset.name) holds \(scalarType), not \(Value.scalarType)", path: dataset.path)
        }
        let result: Result<Void, BlobError> = values.withUnsafeBytes { bytes in
            do throws(BlobError) { return .success(try append(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Sets a semantic attribute of the dataset.
    ///
    /// - Throws: ``BlobError`` where the name is not valid, or the value is too long or contains a zero byte.
    public func setAttribute(_ name: String, _ value: AttributeValue) throws(BlobError) {
        try ArtifactWriter.check(attribute: name, value, path: dataset.path)
        attributes[name] = value
    }

    private func store(_ bytes: UnsafeRawBufferPointer, _ pipeline: ChunkPipeline) throws(BlobError) {
        let batch = pipeline.rowsPerBatch * pipeline.grid.rowByteCount
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = rest.prefix(batch - pending.count)
            pending.append(contentsOf: missing)
            rest = rest.dropFirst(missing.count)
            if pending.count == batch { try flush(pipeline) }
        }
        // Whole batches are compressed directly from the caller's memory, without a copy.
        while rest.count >= batch {
            try write(UnsafeRawBufferPointer(rebasing: rest.prefix(batch)), pipeline)
            rest = rest.dropFirst(batch)
        }
        pending.append(contentsOf: rest)
        if appendedByteCount == byteCount, !pending.isEmpty { try flush(pipeline) }
    }

    private func flush(_ pipeline: ChunkPipeline) throws(BlobError) {
        let result: Result<Void, BlobError> = pending.withUnsafeBytes { bytes in
            do throws(BlobError) { return .success(try write(bytes, pipeline)) } catch { return .failure(error) }
        }
        try result.get()
        pending.removeAll(keepingCapacity: true)
    }

    private func write(_ bytes: UnsafeRawBufferPointer, _ pipeline: ChunkPipeline) throws(BlobError) {
        let end = nextRow + bytes.count / pipeline.grid.rowByteCount
        try pipeline.write(bytes, rows: nextRow..<end)
        nextRow = end
    }

    /// Writes the digest and the attributes.
    ///
    /// - Throws: ``BlobError`` where elements are missing, an earlier call failed, or the disk is full.
    func finish() throws(BlobError) -> DatasetDescription {
        if let failure { throw failure }
        guard appendedByteCount == byteCount else {
            throw .invalid(
                "\(dataset.name) of shape \(shape) got \(appendedByteCount) of its \(byteCount) bytes", path: dataset.path)
        }
        let digest = hash.digest
        do throws(HDF5Error) {
            try dataset.writeAttribute(ArtifactManifest.payloadAttribute, .string(digest.hexadecimal))
            for (name, value) in attributes.sorted(by: { $0.key < $1.key }) { try dataset.writeAttribute(name, value.hdf5) }
        } catch {
            throw .writing(error)
        }
        return DatasetDescription(
            name: name, scalarType: scalarType, shape: shape, payloadDigest: digest, attributes: attributes)
    }
}
