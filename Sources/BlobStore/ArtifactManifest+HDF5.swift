internal import Basics
internal import Volumes

extension ArtifactManifest {
    /// Reads the manifest of an open file, and checks that every dataset is stored as artifacts store them, whole.
    ///
    /// - Returns: the manifest and the open datasets by name.
    static func read(from file: HDF5File) throws(BlobError) -> (ArtifactManifest, [String: HDF5Dataset]) {
        do throws(HDF5Error) {
            var root = try attributes(of: file)
            guard root.removeValue(forKey: formatAttribute) == .string(format) else {
                throw HDF5Error(damage: "it is no artifact of this format", path: file.path)
            }
            guard case .string(let kind)? = root.removeValue(forKey: kindAttribute) else {
                throw HDF5Error(damage: "it does not say its kind", path: file.path)
            }
            var datasets: [String: HDF5Dataset] = [:]
            var descriptions: [DatasetDescription] = []
            // HDF5 sorts names by their bytes.
            for name in try file.rootLinks() {
                guard file.isHardLink(name) else { throw HDF5Error(damage: "'\(name)' is a link", path: file.path) }
                let dataset = try HDF5Dataset.open(name, in: file)
                descriptions.append(try describe(dataset, name: name))
                datasets[name] = dataset
            }
            return (ArtifactManifest(kind: kind, attributes: root, datasets: descriptions), datasets)
        } catch {
            throw .reading(error)
        }
    }

    private static func describe(_ dataset: HDF5Dataset, name: String) throws(HDF5Error) -> DatasetDescription {
        guard case .scalar(let scalarType, isExact: true) = dataset.elementType,
            let byteCount = dataset.shape.byteCount(of: scalarType)
        else { throw HDF5Error(damage: "\(dataset.name) is of another type or shape than artifacts have", path: dataset.path) }
        var attributes = try attributes(of: dataset)
        guard case .string(let text)? = attributes.removeValue(forKey: payloadAttribute),
            let payloadDigest = Digest(hexadecimal: text)
        else { throw HDF5Error(damage: "\(dataset.name) does not say its digest", path: dataset.path) }
        if byteCount > 0 {
            guard let grid = ChunkGrid(dataset), try dataset.storedChunkCount() == grid.chunkCount else {
                throw HDF5Error(damage: "\(dataset.name) is not stored whole, in chunks", path: dataset.path)
            }
        }
        return DatasetDescription(
            name: name, scalarType: scalarType, shape: dataset.shape, payloadDigest: payloadDigest, attributes: attributes)
    }

    private static func attributes(of object: some HDF5Object) throws(HDF5Error) -> [String: AttributeValue] {
        var attributes: [String: AttributeValue] = [:]
        for name in try object.attributeNames() {
            guard let value = AttributeValue(try object.readAttribute(name)) else {
                throw HDF5Error(
                    damage: "the attribute '\(name)' of \(object.name) is of no type that artifacts have", path: object.path)
            }
            attributes[name] = value
        }
        return attributes
    }
}

extension HDF5Error {
    /// A file that HDF5 can read, but that is not what we write.
    init(damage: String, path: String) {
        self.init("the artifact is damaged", reason: damage, path: path)
    }
}
