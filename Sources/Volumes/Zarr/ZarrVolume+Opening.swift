import Basics

extension ZarrVolume {
    /// The key of the array that a name means: the array itself, or the highest resolution of the image.
    static func arrayKey(_ key: String, in store: ZarrStore) throws(VolumeError) -> String {
        let path = store.path(of: key)
        guard store.contains(key) else {
            throw VolumeError(.unreadable, "does not exist in the store; check the name of the array", path: path)
        }
        if store.contains(ZarrStore.key(".zarray", in: key)) { return key }
        if store.contains(ZarrStore.key("zarr.json", in: key)) { throw .zarrVersionNotSupported(path: path) }
        let attributes = try store.document(ZarrGroupAttributes.self, at: ZarrStore.key(".zattrs", in: key))
        guard let dataset = attributes?.multiscales?.first?.datasets.first else {
            throw .notZarr(arrays: store.arrays(in: key, limit: 5), path: path)
        }
        return ZarrStore.key(try store.key(named: dataset.path), in: key)
    }

    /// The resolution of an image that an array is: the nearest group above the array that lists it tells.
    static func level(
        of key: String, in store: ZarrStore
    ) throws(VolumeError) -> (image: MultiscaleImage, dataset: MultiscaleImage.Dataset)? {
        let components = key.split(separator: "/")
        for depth in components.indices.reversed() {
            let group = components.prefix(depth).joined(separator: "/")
            let relative = components.dropFirst(depth).joined(separator: "/")
            let attributes = try store.document(ZarrGroupAttributes.self, at: ZarrStore.key(".zattrs", in: group))
            for image in attributes?.multiscales ?? [] {
                for dataset in image.datasets where (try? store.key(named: dataset.path)) == relative {
                    return (image, dataset)
                }
            }
        }
        return nil
    }
}
