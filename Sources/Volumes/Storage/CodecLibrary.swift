import Basics
import Glibc

/// The compression libraries that are loaded at run time, where they are installed: nothing is needed to build.
///
/// Most zarr stores of the field are compressed by blosc, and newer ones by Zstandard. Both have one well-kept C library, which
/// every Linux distribution packages. So the library decodes, and where it is missing, an error says which package to install.
///
/// Sources: `blosc.h` of c-blosc 1.21, `zstd.h` of Zstandard 1.5, `lz4.h` of LZ4 1.9.
public enum CodecLibrary: String, CaseIterable, Sendable {
    case blosc, zstd, lz4

    /// The name by which the system's loader finds it.
    var fileName: String {
        switch self {
        case .blosc: "libblosc.so.1"
        case .zstd: "libzstd.so.1"
        case .lz4: "liblz4.so.1"
        }
    }

    /// The name of its Debian package.
    public var package: String {
        switch self {
        case .blosc: "libblosc1"
        case .zstd: "libzstd1"
        case .lz4: "liblz4-1"
        }
    }

    /// Its version, such as `1.21.3`; nil where it is not installed.
    public var version: String? {
        switch self {
        case .blosc: BloscLibrary.shared?.version
        case .zstd: ZstdLibrary.shared?.version
        case .lz4: LZ4Library.shared?.version
        }
    }

    /// The error for a file that needs the library where it is not installed.
    func missing(path: String) -> VolumeError {
        VolumeError(
            .unsupported, "is compressed by \(rawValue), and \(fileName) is not installed: apt install \(package)", path: path)
    }
}

/// A shared library that stays loaded, and its functions by name.
private struct SharedLibrary {
    private let handle: UnsafeMutableRawPointer

    /// Returns nil where the library is not installed.
    init?(_ library: CodecLibrary) {
        guard let handle = dlopen(library.fileName, RTLD_NOW | RTLD_LOCAL) else { return nil }
        self.handle = handle
    }

    /// A function of the given C type; nil where the library has none of that name.
    func function<Function>(_ name: String, as type: Function.Type) -> Function? {
        dlsym(handle, name).map { unsafeBitCast($0, to: type) }
    }

    /// The text that a function without arguments returns.
    func text(_ name: String) -> String? {
        function(name, as: (@convention(c) () -> UnsafePointer<CChar>?).self)?().map { String(cString: $0) }
    }
}

/// c-blosc 1. Its functions with a context may be called by several threads at once.
struct BloscLibrary: Sendable {
    static let shared = BloscLibrary()

    let version: String
    /// The names of the compressors that it was built with.
    let compressors: Set<String>

    private typealias Validate = @convention(c) (UnsafeRawPointer?, Int, UnsafeMutablePointer<Int>?) -> CInt
    private typealias Decompress = @convention(c) (UnsafeRawPointer?, UnsafeMutableRawPointer?, Int, CInt) -> CInt
    private typealias Compress =
        @convention(c) (
            CInt, CInt, Int, Int, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int, UnsafePointer<CChar>, Int, CInt
        ) -> CInt
    private let validate: Validate
    private let decompress: Decompress
    private let compress: Compress

    private init?() {
        guard let library = SharedLibrary(.blosc),
            let validate = library.function("blosc_cbuffer_validate", as: Validate.self),
            let decompress = library.function("blosc_decompress_ctx", as: Decompress.self),
            let compress = library.function("blosc_compress_ctx", as: Compress.self)
        else { return nil }
        (self.validate, self.decompress, self.compress) = (validate, decompress, compress)
        version = library.text("blosc_get_version_string") ?? "unknown"
        // A list with commas.
        compressors = Set(library.text("blosc_list_compressors")?.split(separator: ",").map(String.init) ?? [])
    }

    /// The number of bytes to which a frame decodes; nil where its header is not plausible.
    func decodedCount(_ frame: UnsafeRawBufferPointer) -> Int? {
        var count = 0
        return validate(frame.baseAddress, frame.count, &count) == 0 ? count : nil
    }

    /// Decodes a frame that ``decodedCount(_:)`` accepted; false where it is damaged, or does not fill the output exactly.
    func decode(_ frame: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, threads: Int) -> Bool {
        Int(decompress(frame.baseAddress, output.baseAddress, output.count, CInt(threads))) == output.count
    }

    /// A frame by lz4, with bytes shuffled. Nil where the library fails.
    func encode(_ input: UnsafeRawBufferPointer, elementSize: Int, level: Int, threads: Int) -> [UInt8]? {
        // BLOSC_MAX_OVERHEAD: the header of 16 bytes.
        let capacity = input.count + 16
        let frame = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            let written = compress(
                CInt(level), 1, elementSize, input.count, input.baseAddress, output.baseAddress, capacity, "lz4", 0, CInt(threads)
            )
            count = max(0, Int(written))
        }
        return frame.isEmpty ? nil : frame
    }
}

/// Zstandard.
struct ZstdLibrary: Sendable {
    static let shared = ZstdLibrary()

    let version: String

    private typealias Decompress = @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
    private typealias IsError = @convention(c) (Int) -> CUnsignedInt
    private let decompress: Decompress
    private let isError: IsError

    private init?() {
        guard let library = SharedLibrary(.zstd), let decompress = library.function("ZSTD_decompress", as: Decompress.self),
            let isError = library.function("ZSTD_isError", as: IsError.self)
        else { return nil }
        (self.decompress, self.isError) = (decompress, isError)
        version = library.text("ZSTD_versionString") ?? "unknown"
    }

    /// Decodes frames; returns the number of decoded bytes, or nil where they are damaged or larger than the output.
    func decode(_ frames: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
        let count = decompress(output.baseAddress, output.count, frames.baseAddress, frames.count)
        return isError(count) == 0 ? count : nil
    }
}

/// LZ4, for blocks without a frame.
struct LZ4Library: Sendable {
    static let shared = LZ4Library()

    let version: String

    private typealias Decompress = @convention(c) (UnsafeRawPointer?, UnsafeMutableRawPointer?, CInt, CInt) -> CInt
    private let decompress: Decompress

    private init?() {
        guard let library = SharedLibrary(.lz4), let decompress = library.function("LZ4_decompress_safe", as: Decompress.self)
        else { return nil }
        self.decompress = decompress
        version = library.text("LZ4_versionString") ?? "unknown"
    }

    /// Decodes a block of less than 2 GiB; returns the number of decoded bytes, or nil where it is damaged or larger than the output.
    func decode(_ block: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
        guard let (input, room) = CInt(exactly: block.count).flatMap({ input in CInt(exactly: output.count).map { (input, $0) } })
        else { return nil }
        let count = decompress(block.baseAddress, output.baseAddress, input, room)
        return count < 0 ? nil : Int(count)
    }
}
