public import Volumes

/// Writes the datasets and attributes of a new artifact, inside the closure of `BlobStore.stage`.
///
/// ```swift
/// let staged = try store.stage(kind: "tomogram-histogram") { artifact in
///     try artifact.setAttribute("lower", 0.5)
///     try artifact.write("counts", shape: [256], values: counts)
/// }
/// ```
///
/// Names of datasets and attributes are a letter or digit, then letters, digits, `_`, `-` and `.`. Use a writer from one thread
/// at a time, and only while the closure runs.
public final class ArtifactWriter {
    private let kind: String
    private let file: HDF5File
    private var attributes: [String: AttributeValue] = [:]
    private var writers: [DatasetWriter] = []
    private var isFinished = false

    /// The compression levels of deflate: 0 for none, 1 for the fastest, up to 4.
    public static let compressionLevels = 0...4

    init(kind: String, path: String) throws(BlobError) {
        guard ArtifactManifest.isName(kind) else { throw .invalid("'\(kind)' cannot name a kind of artifact", path: path) }
        self.kind = kind
        do throws(HDF5Error) { file = try .create(path) } catch { throw .writing(error) }
    }

    deinit { abandon() }

    /// Closes the file without writing to it any more, if it is still open. For files that will be removed.
    func abandon() { file.abandon() }

    /// Sets a semantic attribute of the artifact.
    ///
    /// - Throws: ``BlobError`` where the name is not valid, or the value is too long or contains a zero byte.
    public func setAttribute(_ name: String, _ value: AttributeValue) throws(BlobError) {
        try Self.check(attribute: name, value, path: file.path)
        attributes[name] = value
    }

    /// Writes a whole dataset.
    ///
    /// - Parameters:
    ///   - shape: the number of elements along each axis, slowest first.
    ///   - values: the elements, slowest axis first.
    ///   - chunk: the shape of the chunks; nil for chunks of about 1 MiB that contain inner axes whole.
    ///   - compression: see ``compressionLevels``.
    ///   - attributes: the semantic attributes of the dataset.
    /// - Throws: ``BlobError`` where the number of values does not fit the shape, the name is taken, or the disk is full.
    public func write<Value: VoxelScalar>(
        _ name: String, shape: [Int], values: [Value], chunk: [Int]? = nil, compression: Int = 1,
        attributes: [String: AttributeValue] = [:]
    ) throws(BlobError) {
        guard shape.byteCount(of: Value.scalarType) == values.count * Value.scalarType.size else {
            throw .invalid("the dataset '\(name)' of shape \(shape) got \(values.count) values", path: file.path)
        }
        let writer = try createDataset(
            name, shape: shape, scalarType: Value.scalarType, chunk: chunk, compression: compression, attributes: attributes)
        try writer.append(values)
    }

    /// Writes voxels as a dataset `[z][y][x]`; see ``write(_:shape:values:chunk:compression:attributes:)``.
    public func write(
        _ name: String, _ voxels: VoxelBuffer, chunk: [Int]? = nil, compression: Int = 1,
        attributes: [String: AttributeValue] = [:]
    ) throws(BlobError) {
        let writer = try createDataset(
            name, shape: [voxels.shape.z, voxels.shape.y, voxels.shape.x], scalarType: voxels.scalarType, chunk: chunk,
            compression: compression, attributes: attributes)
        let result: Result<Void, BlobError> = voxels.bytes.withUnsafeBytes { bytes in
            do throws(BlobError) { return .success(try writer.append(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Creates a dataset whose elements are appended later, all of them before the closure ends. Several datasets may be open at
    /// once.
    ///
    /// - Parameters:
    ///   - shape: the number of elements along each axis, slowest first; one to eight axes.
    ///   - chunk: the shape of the chunks; nil for chunks of about 1 MiB that contain inner axes whole.
    ///   - compression: see ``compressionLevels``.
    ///   - attributes: the semantic attributes of the dataset.
    /// - Throws: ``BlobError`` where an argument is out of range, the name is taken, or the disk is full.
    public func createDataset(
        _ name: String, shape: [Int], scalarType: ScalarType, chunk: [Int]? = nil, compression: Int = 1,
        attributes: [String: AttributeValue] = [:]
    ) throws(BlobError) -> DatasetWriter {
        guard !isFinished else { throw .invalid("the artifact is written already", path: file.path) }
        guard ArtifactManifest.isName(name) else { throw .invalid("'\(name)' cannot name a dataset", path: file.path) }
        guard !writers.contains(where: { $0.name == name }) else {
            throw .invalid("there are two datasets '\(name)'", path: file.path)
        }
        guard Self.compressionLevels.contains(compression) else {
            throw .invalid("there is no compression level \(compression), only 0 to 4", path: file.path)
        }
        guard (1...8).contains(shape.count), let byteCount = shape.byteCount(of: scalarType) else {
            throw .invalid("no dataset can have the shape \(shape)", path: file.path)
        }
        for (name, value) in attributes { try Self.check(attribute: name, value, path: file.path) }

        var grid: ChunkGrid?
        if byteCount > 0 {
            grid = ChunkGrid(
                shape: shape, chunk: chunk ?? ChunkGrid.usualChunk(shape: shape, scalarType: scalarType), scalarType: scalarType)
            guard grid != nil else {
                throw .invalid("a dataset of shape \(shape) cannot have chunks of \(chunk ?? [])", path: file.path)
            }
        }
        let dataset: HDF5Dataset
        do throws(HDF5Error) {
            dataset = try .create(
                name, in: file, shape: shape, scalarType: scalarType, chunk: grid?.chunk, compression: compression)
        } catch {
            throw .writing(error)
        }
        let writer = DatasetWriter(
            name: name, shape: shape, scalarType: scalarType, byteCount: byteCount, dataset: dataset,
            pipeline: grid.map { ChunkPipeline(dataset: dataset, grid: $0, compression: compression) }, attributes: attributes)
        writers.append(writer)
        return writer
    }

    /// Finishes all datasets, writes the attributes of the artifact, and closes the file.
    ///
    /// - Parameter written: called when everything is written, before the file is closed.
    /// - Returns: the manifest of the artifact.
    /// - Throws: ``BlobError`` where a dataset is incomplete, the disk is full, or `written` throws.
    func finish(written: () throws(BlobError) -> Void) throws(BlobError) -> ArtifactManifest {
        isFinished = true
        var datasets: [DatasetDescription] = []
        for writer in writers { datasets.append(try writer.finish()) }
        datasets.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        do throws(HDF5Error) {
            try file.writeAttribute(ArtifactManifest.formatAttribute, .string(ArtifactManifest.format))
            try file.writeAttribute(ArtifactManifest.kindAttribute, .string(kind))
            for (name, value) in attributes.sorted(by: { $0.key < $1.key }) { try file.writeAttribute(name, value.hdf5) }
        } catch {
            throw .writing(error)
        }
        try written()
        // HDF5 closes the datasets together with their file, but reports buffers that it cannot write only for the file itself.
        do throws(HDF5Error) { try file.close() } catch { throw .writing(error) }
        return ArtifactManifest(kind: kind, attributes: attributes, datasets: datasets)
    }

    /// Throws ``BlobError`` where an attribute cannot be stored.
    static func check(attribute name: String, _ value: AttributeValue, path: String) throws(BlobError) {
        guard ArtifactManifest.isName(name) else { throw .invalid("'\(name)' cannot name an attribute", path: path) }
        if let obstacle = value.obstacle { throw .invalid("the attribute '\(name)' \(obstacle)", path: path) }
    }
}
