import Basics

/// The attributes of a group that tell of images: the JSON document `.zattrs` of version 2, or `attributes` of version 3, where
/// OME-Zarr 0.5 puts them one level deeper.
private struct ImageAttributes: Decodable {
    private let multiscales: [MultiscaleImage]?
    private let ome: Inner?

    private struct Inner: Decodable {
        let multiscales: [MultiscaleImage]?
    }

    var images: [MultiscaleImage] { ome?.multiscales ?? multiscales ?? [] }
}

/// The JSON document `zarr.json` of an array or group.
private struct ZarrNode: Decodable {
    private let version: Int
    private let type: String
    private let attributes: ImageAttributes?

    private enum CodingKeys: String, CodingKey {
        case version = "zarr_format"
        case type = "node_type"
        case attributes
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        type = try container.decode(String.self, forKey: .type)
        // The attributes of an array may be anything.
        attributes = type == "group" ? try container.decodeIfPresent(ImageAttributes.self, forKey: .attributes) : nil
    }

    var isArray: Bool { type == "array" }
    var images: [MultiscaleImage] { attributes?.images ?? [] }

    func check(path: String) throws(VolumeError) {
        guard version == 3 else {
            throw .zarrFeatureNotSupported("has zarr_format \(version)", advice: "write it as version 2 or 3", path: path)
        }
        guard isArray || type == "group" else {
            throw .malformedMetadata("has the node_type \"\(type)\" instead of array or group", path: path)
        }
    }
}

// How arrays and images lie in a store.
extension ZarrStore {
    /// The files of metadata that make a folder an array or a group.
    private static let metadataNames = [".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json"]

    /// The key of the array to read: `key` itself if it is an array, else the highest resolution of the image `key`.
    ///
    /// - Throws: ``VolumeError``: `.unreadable` where there is no such thing or the image's array lies outside of the store;
    ///   `.malformed` where it is neither array nor image, with the names of those inside.
    func arrayKey(_ key: String) throws(VolumeError) -> String {
        guard contains(key) else {
            throw VolumeError(.unreadable, "does not exist in the store; check the name of the array", path: path(of: key))
        }
        if contains(Self.key(".zarray", in: key)) { return key }
        let nodeKey = Self.key("zarr.json", in: key)
        if let node = try document(ZarrNode.self, at: nodeKey) {
            try node.check(path: path(of: nodeKey))
            if node.isArray { return key }
        }
        if let dataset = try images(of: key).first?.datasets.first {
            return Self.key(try self.key(named: dataset.path), in: key)
        }
        let names = try names(in: key)
        // A store of another kind may have the folder's name: only what says that it is a group is called an empty one.
        if !names.isEmpty, names.allSatisfy(Self.metadataNames.contains) { throw .emptyZarrGroup(path: path(of: key)) }
        let keys = names.sorted().lazy.map { Self.key($0, in: key) }
        let members = keys.filter { key in
            [".zarray", ".zgroup", "zarr.json"].contains { self.contains(Self.key($0, in: key)) }
        }
        throw .notZarr(members: Array(members.prefix(5)), store: path, path: path(of: key))
    }

    /// The image and its dataset (resolution) that an array is part of: by the nearest group above the array that lists it. Nil
    /// for a plain array.
    ///
    /// - Throws: ``VolumeError`` where the attributes of a group cannot be read or are damaged.
    func level(
        of key: String
    ) throws(VolumeError) -> (image: MultiscaleImage, dataset: MultiscaleImage.Dataset)? {
        let components = key.split(separator: "/")
        for depth in components.indices.reversed() {
            let group = components.prefix(depth).joined(separator: "/")
            let relative = components.dropFirst(depth).joined(separator: "/")
            for image in try images(of: group) {
                for dataset in image.datasets where (try? self.key(named: dataset.path)) == relative {
                    return (image, dataset)
                }
            }
        }
        return nil
    }

    /// The images that the attributes of a group list.
    private func images(of group: String) throws(VolumeError) -> [MultiscaleImage] {
        if let attributes = try document(ImageAttributes.self, at: Self.key(".zattrs", in: group)) { return attributes.images }
        return try document(ZarrNode.self, at: Self.key("zarr.json", in: group))?.images ?? []
    }
}
