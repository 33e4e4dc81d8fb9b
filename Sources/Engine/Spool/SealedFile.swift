import Basics
import Foundation
import Volumes

/// A file of the spool: a line with the digest of what follows, and a JSON document.
///
/// ```
/// cellar spool 1 9f86d081…0a08
/// {"key":"…",…}
/// ```
///
/// So a file that was cut off, or edited by hand, is known from one that is whole. It is written under another name, forced to the disk
/// and renamed: a reader sees nothing, or all of it.
enum SealedFile {
    /// Differs where the meaning of a file in the spool changes.
    static let format = "cellar spool 1"
    private static let byteLimit = 1 << 30

    /// - Throws: ``EngineError`` of one sentence where there is no such file, it is not whole, or of another version.
    static func read<Content: Decodable>(_ type: Content.Type = Content.self, at path: String) throws(EngineError) -> Content {
        guard let content: Content = try readIfThere(at: path) else {
            throw EngineError(.spool, "is not there; is the spool on a disk that this machine sees?", path: path)
        }
        return content
    }

    /// As ``read(_:at:)``; nil where there is no such file.
    static func readIfThere<Content: Decodable>(_ type: Content.Type = Content.self, at path: String) throws(EngineError)
        -> Content?
    {
        let bytes: [UInt8]
        do {
            guard let found = try SmallFile(path).read(limit: byteLimit) else { return nil }
            bytes = found
        } catch { throw EngineError(.spool, "\(error)", cause: error) }
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw EngineError(.spool, "is cut off; look at its disk, and run again", path: path)
        }
        let seal = String(decoding: bytes[..<end], as: UTF8.self)
        guard seal.hasPrefix(format + " ") else {
            throw EngineError(
                .spool, "is of another version of Cellar (\(seal.prefix(40))); use the one that wrote it", path: path)
        }
        let body = bytes[(end + 1)...]
        guard Digest(of: body).hexadecimal == seal.dropFirst(format.count + 1) else {
            throw EngineError(
                .spool, "is cut off or was edited: its digest is another one; look at its disk, and run again", path: path)
        }
        do { return try JSONDecoder().decode(type, from: Data(body)) } catch {
            throw EngineError(
                .spool, "has content of another version of Cellar; use the one that wrote it", path: path, cause: error)
        }
    }

    /// Writes a file, or replaces it.
    ///
    /// - Parameter durable: whether it is forced to the disk before it has its name.
    /// - Throws: ``EngineError`` where it cannot be written.
    static func write(_ content: some Encodable, to path: String, durable: Bool = true) throws(EngineError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let body: Data
        do { body = try encoder.encode(content) } catch {
            throw EngineError(mistake: .spool, "has content that cannot be written as JSON", path: path)
        }
        var bytes = Array("\(format) \(Digest(of: body).hexadecimal)\n".utf8)
        bytes.append(contentsOf: body)
        let temporary = FilePath.folder(of: path) + ".\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        do throws(SystemError) {
            let file = try SystemCall.uninterrupted { open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666) }
            defer { close(file) }
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes { rest in
                    Result { () throws(SystemError) in
                        try SystemCall.uninterrupted { Glibc.write(file, rest.baseAddress, rest.count) }
                    }
                }
                written += try count.get()
            }
            if durable { try SystemCall.uninterrupted { fsync(file) } }
            try SystemCall.uninterrupted { rename(temporary, path) }
        } catch {
            unlink(temporary)
            throw failure("cannot be written", path, error)
        }
    }

    /// Forces a folder to the disk: the names of the files in it.
    static func sync(folder: String) throws(EngineError) {
        do throws(SystemError) {
            let descriptor = try SystemCall.uninterrupted { open(folder, O_RDONLY | O_CLOEXEC) }
            defer { close(descriptor) }
            try SystemCall.uninterrupted { fsync(descriptor) }
        } catch { throw failure("cannot be forced to the disk", folder, error) }
    }

    static func makeFolder(_ path: String) throws(EngineError) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw EngineError(
                .spool, "cannot be made: \(error.localizedDescription); check disk and permissions", path: path, cause: error)
        }
    }

    private static func failure(_ action: String, _ path: String, _ error: SystemError) -> EngineError {
        let advice =
            error.number == ENOSPC || error.number == EDQUOT ? "free some space, then run again" : "check disk and permissions"
        return EngineError(.spool, "\(action): \(error.reason); \(advice)", path: path, cause: error)
    }
}
