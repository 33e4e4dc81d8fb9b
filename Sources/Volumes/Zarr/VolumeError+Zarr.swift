import Basics

extension VolumeError {
    /// What is to be done with a store that is sound and not read here.
    private static let rewriteAdvice =
        "rewrite it as zarr version 2 with the compressor zlib, gzip or none (in Python with zarr 2: "
        + "zarr.copy(old, group, compressor=numcodecs.Zlib(1)))"

    static func notZarr(arrays: [String], path: String) -> VolumeError {
        let advice =
            arrays.isEmpty
            ? "give the folder that holds .zattrs or .zarray"
            : "name one of the arrays inside: \(arrays.map { "\(path):/\($0)" }.joined(separator: ", "))"
        return VolumeError(.malformed, "is no OME-Zarr image and no zarr array; \(advice)", path: path)
    }

    static func zarrVersionNotSupported(path: String) -> VolumeError {
        VolumeError(
            .unsupported, "is a store of zarr version 3 (OME-Zarr 0.5 or later), which is not read here; \(rewriteAdvice)",
            path: path)
    }

    static func codecNotSupported(_ codec: String, path: String) -> VolumeError {
        VolumeError(.unsupported, "codec not supported: \(codec); \(rewriteAdvice)", path: path)
    }

    static func zarrFeatureNotSupported(_ what: String, advice: String, path: String) -> VolumeError {
        VolumeError(.unsupported, "\(what), which is not read here; \(advice)", path: path)
    }

    static func outsideStore(_ name: String, path: String) -> VolumeError {
        VolumeError(.unreadable, "\"\(name)\" leads out of the store; name an array that lies inside it", path: path)
    }

    static func malformedMetadata(_ what: String, path: String) -> VolumeError {
        VolumeError(.malformed, "\(what); write the metadata again", path: path)
    }

    static func malformedChunk(_ what: String, path: String) -> VolumeError {
        VolumeError(.malformed, "\(what): the chunk is damaged, fetch it again", path: path)
    }
}
