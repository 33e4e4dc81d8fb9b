public import Basics
import Glibc

/// The kinds of ``VolumeError``.
public enum VolumeErrorCode: String, ErrorCode {
    /// The file does not exist or may not be opened.
    case unreadable
    /// The file could not be written.
    case unwritable
    /// A file is there that may not be replaced.
    case alreadyExists
    /// The bytes are not of the format, or contradict each other.
    case malformed
    /// The file ends before its header says it does.
    case truncated
    /// The file is valid, but uses a feature that is not read here.
    case unsupported
    /// The file has several volumes, and none was named.
    case ambiguous
    /// The file, or the box to be read, exceeds a size limit.
    case tooLarge
    /// A box, slice or member does not lie in the volume or file.
    case outOfBounds
}

/// The error of all readers and writers: one sentence that says what failed, where, and what to do.
public typealias VolumeError = CodedError<VolumeErrorCode>

extension VolumeError {
    static func outOfBounds(_ what: String, shape: VolumeShape, path: String) -> VolumeError {
        VolumeError(.outOfBounds, "\(what) does not lie in the volume of \(shape) voxels; give a place inside of it", path: path)
    }
}

// Sentences about files.
extension VolumeError {
    /// The sentence for a file that `open` refused.
    static func cannotOpen(_ path: String, _ error: SystemError) -> VolumeError {
        let message =
            switch error.number {
            case ENOENT, ENOTDIR: "there is no such file; check its path"
            case EACCES, EPERM: "may not be read by this user; check its permissions"
            case EISDIR: "is a folder; name a file"
            default: "cannot be opened (\(error.reason)); look at its disk"
            }
        return VolumeError(.unreadable, message, path: path)
    }

    /// The sentence for a file that could not be written.
    static func cannotWrite(_ path: String, _ error: SystemError) -> VolumeError {
        let message =
            switch error.number {
            case ENOENT, ENOTDIR: "cannot be written, as its folder does not exist; make the folder first"
            case EACCES, EPERM, EROFS: "may not be written by this user; check the permissions of its folder"
            case ENOSPC, EDQUOT: "cannot be written, as the disk or the quota is full; free some space"
            default: "cannot be written (\(error.reason)); look at its disk"
            }
        return VolumeError(.unwritable, message, path: path)
    }

    /// The sentence for a name that is taken.
    static func alreadyExists(_ path: String) -> VolumeError {
        VolumeError(.alreadyExists, "exists already; name another file, or replace this one with --force", path: path)
    }

    /// The sentence for a compressed file that zlib cannot decode for want of memory.
    static func noMemoryToInflate(path: String) -> VolumeError {
        VolumeError(.unreadable, "cannot be decoded, as zlib has no memory; run fewer jobs at once", path: path)
    }
}

// Sentences about zarr stores.
extension VolumeError {
    /// The sentence for a group of a store that is no image.
    ///
    /// - Parameter members: the names of arrays and images inside, from the store on.
    static func notZarr(members: [String], store: String, path: String) -> VolumeError {
        let advice =
            members.isEmpty
            ? "give the folder that holds .zattrs, .zarray or zarr.json"
            : "name one of those inside: \(members.map { "\(store):/\($0)" }.joined(separator: ", "))"
        return VolumeError(.malformed, "is no OME-Zarr image and no zarr array; \(advice)", path: path)
    }

    /// The sentence for a group that is empty.
    static func emptyZarrGroup(path: String) -> VolumeError {
        VolumeError(
            .malformed, "holds no array: a program was stopped before it wrote one; write it again, or remove the folder",
            path: path)
    }

    static func codecNotSupported(_ codec: String, path: String) -> VolumeError {
        VolumeError(
            .unsupported,
            "codec not supported: \(codec); write the array with the codec blosc, zstd, lz4, gzip or zlib, or with none",
            path: path)
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

// Sentences about files of points.
extension VolumeError {
    static func malformedLine(_ line: Int, _ what: String, path: String) -> VolumeError {
        VolumeError(.malformed, "line \(line): \(what)", path: path)
    }

    static func notFinite(_ name: String, _ text: String, line: Int, path: String) -> VolumeError {
        .malformedLine(line, "\(name) is \"\(text)\" instead of a finite number; correct or remove the line", path: path)
    }

    static func tooManyPoints(_ limit: Int, path: String) -> VolumeError {
        VolumeError(.tooLarge, "has more than \(limit) points; split it by tomogram", path: path)
    }

    static func noConvention(path: String) -> VolumeError {
        let names = CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")
        return VolumeError(
            .unsupported, "does not say in what unit its coordinates are; name the convention: \(names)", path: path)
    }

    static func pointsNotRead(_ what: String, advice: String, path: String) -> VolumeError {
        VolumeError(.unsupported, "is \(what), which is not read as points; \(advice)", path: path)
    }
}
