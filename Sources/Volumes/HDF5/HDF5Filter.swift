internal import CHDF5

/// A filter that chunks pass on their way to the file, by its registered number.
package struct HDF5Filter: Sendable, Hashable {
    package let id: Int32

    package static let deflate = HDF5Filter(id: 1)
    package static let shuffle = HDF5Filter(id: 2)
    package static let fletcher32 = HDF5Filter(id: 3)

    /// Whether the library at hand can apply it.
    var isAvailable: Bool {
        var status: htri_t = 0
        HDF5Library.attempt { status = H5Zfilter_avail(H5Z_filter_t(id)) }
        return status > 0
    }

    /// The name people know it by (the registry of The HDF Group, support.hdfgroup.org/documentation/hdf5-plugins).
    package var name: String {
        Self.names[id] ?? "unknown"
    }

    private static let names: [Int32: String] = [
        1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scale-offset",
        305: "LZO", 307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
        32015: "Zstandard", 32017: "SZ", 32026: "Blosc2",
    ]
}
